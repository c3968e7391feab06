// The place of the result: draws the view of its kind, and says in words what came.

import { h } from "../dom.ts";
import type { Context, ResultView, Row } from "./types.ts";

export interface Drawn {
  node: HTMLElement;
  /** Take a streamed result's growth. */
  update?(view: ResultView): void;
}

export type Draw = (view: ResultView, context: Context) => Drawn;

const VIEWS = new Map<string, Draw>();

export function view(kind: string, draw: Draw): void {
  VIEWS.set(kind, draw);
}

/** Draw any view, and below it the fields that it leaves out; an unknown view shows its data. */
export function draw(shown: ResultView, context: Context): Drawn {
  const make = VIEWS.get(shown.kind);
  if (make) {
    const drawn = make(shown, context);
    return shown.rest ? { ...drawn, node: h("div", {}, drawn.node, draw(shown.rest, context).node) } : drawn;
  }
  return { node: h("pre", { class: "hfw-raw" }, JSON.stringify(shown, null, 2)) };
}

export class ResultPlace {
  readonly node = h("div", { class: "hfw-view", hidden: true });
  #drawn: Drawn | null = null;
  #n: number | undefined;
  #live: ResultView | null = null;

  constructor(
    private context: Context,
    private empty: string,
  ) {}

  get shown(): ResultView | null {
    return this.context.link.doc["result"] as ResultView | null;
  }

  update(): void {
    const { shown } = this;
    const { busy } = this.context.link;
    this.node.hidden = shown === null;
    this.node.classList.toggle("hfw-stale", busy && (shown?.n ?? 0) > 0);
    if (!shown) {
      this.#n = undefined;
      this.#drawn = null;
      this.node.replaceChildren();
    } else if (shown.n === this.#n || this.#grown(shown)) this.#drawn?.update?.(shown);
    else this.#draw(shown);
    this.#n = shown?.n;
    this.#live = shown;
  }

  summary(): string {
    const rows = this.shown?.rows;
    if (this.shown?.kind === "nothing") return this.shown.text || this.empty;
    if (rows?.length) return `${rows.length} results, first: ${spoken(rows[0] as Row)}`;
    return (this.shown?.text ?? "").slice(0, 200);
  }

  /** A streamed text that has ended is the same text with a number of its own. */
  #grown(shown: ResultView): boolean {
    const streams = shown.kind === "continuation" || Boolean(shown["markdown"]);
    return streams && shown.kind === this.#live?.kind && (this.#live?.n ?? 0) < 0 && (shown.n ?? 0) > 0;
  }

  #draw(shown: ResultView): void {
    if (shown.kind === "nothing") {
      this.#drawn = null;
      this.node.replaceChildren(h("p", { class: "hfw-nothing" }, shown.text || this.empty));
      return;
    }
    this.#drawn = draw(shown, this.context);
    this.node.replaceChildren(this.#drawn.node);
  }
}

/** A row in words, for those who do not see it. */
export function spoken(row: Row): string {
  return row.score === null ? row.label : `${row.label}, ${Math.round(row.score * 100)} percent`;
}
