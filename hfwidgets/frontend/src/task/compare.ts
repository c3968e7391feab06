// One question, a column a model: the answers stream side by side, with what each took.

import { bar, copyButton, exchange, h, icon, say, show } from "../dom.ts";
import type { Link } from "../link.ts";
import { codeInserter } from "./insert.ts";
import { Extras } from "./extras.ts";
import type { ResultView } from "./types.ts";
import { StreamedText } from "../text/streamed.ts";
import { type Differences, drawDifferences, drawVote, replaceVoted } from "./views/comparison.ts";

interface Column {
  model: string;
  provider?: string;
  text: string;
  state: string;
  error: string;
  first_token_seconds?: number | null;
  tokens_per_second?: number | null;
  seconds?: number | null;
  tokens?: number | null;
  dollars?: number | null;
}

interface Places {
  body: HTMLElement;
  input: HTMLElement;
  tools: HTMLElement;
}

export function makeCompare(link: Link, announce: (text: string) => void, places: Places): Compare {
  return new Compare(link, announce, places);
}

const MEASURES: [string, (column: Column) => string][] = [
  ["First token", ({ first_token_seconds: s }) => (s == null ? "" : `${s.toFixed(2)} s`)],
  ["Tokens/s", ({ tokens_per_second: rate }) => (rate == null ? "" : rate.toFixed(1))],
  ["Total", ({ seconds: s }) => (s == null ? "" : `${s.toFixed(2)} s`)],
  ["Tokens", ({ tokens }) => (tokens == null ? "" : String(tokens))],
  ["Price", ({ dollars }) => (dollars == null ? "" : `$${dollars.toPrecision(2)}`)],
];

class Compare {
  #box: HTMLTextAreaElement;
  #run: HTMLButtonElement;
  #stop: HTMLButtonElement;
  #columns: ColumnView[];
  #extras: Extras;
  #prompt = "";
  #verdict = h("div", { class: "hfw-comparison" });
  #drawn = "";

  constructor(
    private link: Link,
    private announce: (text: string) => void,
    places: Places,
  ) {
    const source = {
      get shown() {
        return link.doc["result"] as ResultView | null;
      },
    };
    this.#extras = new Extras({ link, announce }, source);
    this.#box = h("textarea", { class: "hfw-input", dir: "auto", rows: 2, "aria-label": "Prompt for all models", placeholder: "Ask all models" });
    this.#run = h("button", { type: "button", class: "hfw-button hfw-primary hfw-run" }, "Run");
    this.#run.title = "Ctrl+Enter or Cmd+Enter";
    this.#run.addEventListener("click", () => this.#start());
    this.#stop = h("button", { type: "button", class: "hfw-button hfw-run hfw-stop" }, icon("stop"), "Stop");
    this.#stop.addEventListener("click", () => link.stop());
    this.#box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.#start();
    });
    const row = h("div", { class: "hfw-row hfw-start" }, this.#run, this.#stop);
    places.input.append(this.#box, row);
    this.#columns = this.#all.map((column) => new ColumnView(link, column.model));
    const grid = h("div", { class: "hfw-columns" }, ...this.#columns.map((view) => view.node));
    places.body.append(h("div", { class: "hfw-view" }, grid, this.#verdict), this.#extras.node);
    places.tools.append(...this.#extras.buttons);
  }

  update(): void {
    const { busy, doc } = this.link;
    exchange(this.#run, this.#stop, busy);
    bar(this.#stop, doc.state.stopping);
    const prompt = doc["prompt"] as string;
    if (prompt !== this.#prompt) this.#box.value = this.#prompt = prompt;
    this.#extras.update();
    for (const [at, column] of this.#all.entries()) this.#columns[at]?.update(column);
    this.#judge();
  }

  /** What differs and the vote, once all have answered. */
  #judge(): void {
    const { link, announce } = this;
    const result = link.doc["result"] as ResultView | null;
    const differences = link.doc["differences"] as Differences | null;
    const vote = link.doc["vote"] as string;
    const drawn = link.busy || !result ? "" : `${result.n} ${vote}`;
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const names = this.#all.map(({ model }) => model);
    const cast = (at: number | null) => link.act("vote", { winner: at === null ? "same" : (names[at] ?? "") });
    const parts = differences ? [drawDifferences(differences, { link, announce })] : [];
    replaceVoted(this.#verdict, drawn ? [...parts, drawVote(names, vote, cast)] : []);
  }

  focus(): void {
    this.#box.focus();
  }

  close(): void {
    // nothing outlives the columns
  }

  get #all(): Column[] {
    return this.link.doc["columns"] as Column[];
  }

  #start(): void {
    const prompt = this.#box.value;
    if (!this.link.busy && prompt.trim()) this.link.act("run", { prompt });
  }
}

class ColumnView {
  readonly node: HTMLElement;
  #text: StreamedText;
  #state = h("span", { class: "hfw-hint" });
  #error = h("p", { class: "hfw-column-error", hidden: true });
  #values = MEASURES.map(() => h("dd", {}));
  #source = "";

  constructor(link: Link, model: string) {
    this.#text = new StreamedText(link.chunks, codeInserter(link));
    const facts = h("dl", { class: "hfw-facts" });
    for (const [at, [name]] of MEASURES.entries()) facts.append(h("dt", {}, name), this.#values[at] as HTMLElement);
    const head = h("div", { class: "hfw-row" }, h("h3", { class: "hfw-column-title", title: model }, model), this.#state, copyButton(`Copy the answer of ${model}`, () => this.#source));
    this.node = h("section", { class: "hfw-column", "aria-label": model }, head, this.#text.node, this.#error, facts);
  }

  update(column: Column): void {
    this.#source = column.text;
    this.#text.update(column.text, column.state === "done" || column.state === "failed");
    say(this.#state, column.state === "done" ? (column.provider ?? "") : column.state);
    say(this.#error, column.error);
    show(this.#error, column.error !== "");
    for (const [at, [, read]] of MEASURES.entries()) say(this.#values[at] as HTMLElement, read(column) || "–");
  }
}
