// Past pictures of this panel, with their seeds.

import { bar, h, show } from "../dom.ts";
import type { Link } from "../link.ts";

interface Past {
  n: number;
  id: string;
  seed: number | null;
}

export class Gallery {
  readonly node: HTMLElement;
  #strip = h("div", { class: "hfw-gallery", role: "group", "aria-label": "Past pictures" });
  #title = h("span", { class: "hfw-label" }, "Past pictures");
  #vary: HTMLButtonElement;
  #drawn = "";

  constructor(private link: Link) {
    this.#vary = h("button", { type: "button", class: "hfw-button hfw-small" }, "Vary seed");
    this.#vary.title = "Draw again with another seed";
    this.#vary.addEventListener("click", () => link.busy || link.act("vary"));
    const head = h("div", { class: "hfw-row hfw-start" }, this.#title, this.#vary);
    this.node = h("div", { hidden: true }, head, this.#strip);
  }

  update(): void {
    const past = (this.link.doc["gallery"] as Past[] | undefined) ?? [];
    const shown = (this.link.doc["result"] as { n?: number } | null)?.n;
    const seeded = past.some((one) => one.seed !== null);
    show(this.node, past.length > 1 || seeded);
    show(this.#title, past.length > 1);
    show(this.#strip, past.length > 1);
    show(this.#vary, seeded);
    bar(this.#vary, this.link.busy);
    const key = JSON.stringify([past, shown]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#strip.replaceChildren(...past.map((one) => this.#card(one, one.n === shown)));
  }

  #card({ n, id, seed }: Past, current: boolean): HTMLElement {
    const words = seed === null ? "" : `seed ${seed}`;
    const image = h("img", { alt: `Picture ${n}` });
    void this.link.media(id).then((url) => (image.src = url));
    const open = h(
      "button",
      { type: "button", class: "hfw-past", "aria-pressed": String(current), "aria-label": `Show picture ${n}${words && `, ${words}`}` },
      image,
    );
    open.addEventListener("click", () => this.link.act("show", { number: n }));
    const note = h("span", { class: "hfw-hint" }, words);
    const card = h("div", { class: "hfw-card" }, open, note);
    if (seed !== null) {
      const keep = h("button", { type: "button", class: "hfw-link" }, "use");
      keep.setAttribute("aria-label", `Use seed ${seed} for the next run`);
      keep.addEventListener("click", () => this.link.act("set", { values: { seed } }));
      note.append(" ", keep);
    }
    return card;
  }
}
