// The place of a task's form until its chunk is there; the notebook file holds only this much.

import { h } from "../dom.ts";
import type { Link } from "../link.ts";
import { register, type View } from "../view.ts";

class Waiting implements View {
  readonly body = h("div", { class: "hfw-result" });
  readonly input = h("div", { class: "hfw-form" });
  readonly tools = h("span", { class: "hfw-actions" });
  readonly actions = [this.tools];
  readonly inputFirst = true;
  #inner: { update(): void; focus(): void; close(): void } | null = null;

  constructor(
    private link: Link,
    private announce: (text: string) => void,
    private maker: "makeForm" | "makeCompare" | "makeRows",
  ) {}

  update(): void {
    const { link, announce, body, input, tools } = this;
    const chunk = this.#inner ? undefined : link.chunks.now("task");
    if (chunk) this.#inner = chunk[this.maker](link, announce, { body, input, tools });
    this.#inner?.update();
  }

  focus(): void {
    this.#inner?.focus();
  }

  close(): void {
    this.#inner?.close();
  }
}

register("form", (link, announce) => new Waiting(link, announce, "makeForm"));
register("compare-form", (link, announce) => new Waiting(link, announce, "makeForm"));
register("rows", (link, announce) => new Waiting(link, announce, "makeRows"));
register("compare", (link, announce) => new Waiting(link, announce, "makeCompare"));
