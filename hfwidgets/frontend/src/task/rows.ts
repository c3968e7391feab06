// The rows of an evaluation, one at a time: arrow keys walk, a filter chooses, a correction scores again.

import { bar, h, iconButton, say, show } from "../dom.ts";
import type { Link } from "../link.ts";
import { draw, ResultPlace } from "./result.ts";
import type { Context, ResultView } from "./types.ts";

interface Row {
  filter: number;
  at: number;
  count: number;
  index: number;
  inputs: { name: string; view: ResultView }[];
  answer: string;
  correctable: boolean;
  classes: string[];
  spoken: string;
}

interface Places {
  body: HTMLElement;
  input: HTMLElement;
  tools: HTMLElement;
}

/** Elements that use the arrow keys themselves. */
const EDITED = "input, textarea, select, .hfw [role=slider], .hfw-scroll";

export function makeRows(link: Link, announce: (text: string) => void, places: Places): Rows {
  return new Rows({ link, announce }, places);
}

class Rows {
  #filter = h("select", { class: "hfw-input", "aria-label": "Rows to show" });
  #before: HTMLButtonElement;
  #after: HTMLButtonElement;
  #place = h("span", { class: "hfw-hint" });
  #verdict = h("p", { class: "hfw-hint" });
  #inputs = h("div", { class: "hfw-row-inputs" });
  #answer = h("p", { class: "hfw-row-answer" });
  #box = h("input", { class: "hfw-input", type: "text", "aria-label": "The right answer" });
  #fix: HTMLFormElement;
  #options = h("datalist", { id: `hfw-classes-${Math.random().toString(36).slice(2)}` });
  #result: ResultPlace;
  #drawn = "";

  constructor(
    private context: Context,
    places: Places,
  ) {
    const { link } = context;
    this.#before = iconButton("before", "Previous row", () => this.#go(-1));
    this.#after = iconButton("after", "Next row", () => this.#go(1));
    for (const button of [this.#before, this.#after]) button.title += " (arrow keys)";
    this.#filter.addEventListener("change", () => link.act("filter", { which: this.#filter.selectedIndex }));
    this.#box.setAttribute("list", this.#options.id);
    const correct = h("button", { type: "submit", class: "hfw-button" }, "Correct the label");
    this.#fix = h("form", { class: "hfw-row" }, this.#box, this.#options, correct);
    this.#fix.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#box.value.trim()) link.act("correct", { value: this.#box.value });
    });
    const bar = { class: "hfw-row hfw-start", role: "toolbar", "aria-label": "Rows" };
    places.input.append(this.#verdict, h("div", bar, this.#before, this.#after, this.#filter, this.#place));
    this.#result = new ResultPlace(context, "");
    const given = h("div", { class: "hfw-view" }, this.#inputs, h("div", { class: "hfw-row hfw-start" }, this.#answer, this.#fix));
    places.body.append(given, this.#result.node);
    for (const place of [places.input, places.body]) place.addEventListener("keydown", (event) => this.#key(event));
  }

  update(): void {
    const { doc } = this.context.link;
    const row = doc["row"] as Row;
    this.#result.update();
    const key = JSON.stringify([row, doc["filters"], doc["verdict"]]);
    if (key === this.#drawn) return;
    const moved = this.#drawn !== "";
    this.#drawn = key;
    this.#show(row, doc["filters"] as { label: string; count: number }[]);
    say(this.#verdict, doc["verdict"] as string);
    if (moved) this.context.announce(row.spoken);
  }

  focus(): void {
    this.#after.focus();
  }

  close(): void {
    // nothing outlives the rows
  }

  #show(row: Row, filters: { label: string; count: number }[]): void {
    this.#filter.replaceChildren(...filters.map(({ label, count }) => h("option", {}, `${label} (${count})`)));
    this.#filter.selectedIndex = row.filter;
    bar(this.#before, row.at === 0);
    bar(this.#after, row.at >= row.count - 1);
    say(this.#place, `Row ${row.index} · ${row.at + 1} of ${row.count}`);
    const inputs = row.inputs.map(({ name, view }) =>
      h("figure", { class: "hfw-part" }, h("figcaption", { class: "hfw-label" }, name), draw(view, this.context).node),
    );
    this.#inputs.replaceChildren(...inputs);
    say(this.#answer, row.answer ? `Right answer: ${row.answer}` : "");
    show(this.#answer, row.answer !== "");
    show(this.#fix, row.correctable);
    this.#box.value = row.answer;
    this.#options.replaceChildren(...row.classes.map((value) => h("option", { value })));
  }

  #go(step: number): void {
    const { at, count } = this.context.link.doc["row"] as Row;
    const next = at + step;
    if (next >= 0 && next < count) this.context.link.act("go", { at: next });
  }

  #key(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const held = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
    if (step === undefined || held || (event.target as Element).closest(EDITED)) return;
    event.preventDefault();
    this.#go(step);
  }
}
