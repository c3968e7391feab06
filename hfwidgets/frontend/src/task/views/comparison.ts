// Several models' results side by side, each in the view of its kind, with what differs and a vote.

import { h } from "../../dom.ts";
import { draw, view } from "../result.ts";
import type { Context, ResultView } from "../types.ts";

interface Column {
  name: string;
  place: number;
  view?: ResultView;
  error: string;
  facts: [string, string][];
  mark?: string;
}

export interface Differences {
  summary: string;
  table: ResultView | null;
}

view("comparison", (shown, context) => {
  const node = h("div", { class: "hfw-comparison" });
  let drawn = "";
  const update = (next: ResultView) => {
    const key = JSON.stringify([next["vote"], next["hidden"], next.raw]);
    if (key === drawn) return;
    drawn = key;
    replaceVoted(node, drawComparison(next, context));
  };
  update(shown);
  return { node, update };
});

/** Replace a comparison's parts; the focus stays on the vote that was cast. */
export function replaceVoted(node: HTMLElement, parts: Node[]): void {
  const held = node.contains(node.ownerDocument.activeElement);
  node.replaceChildren(...parts);
  if (held) node.querySelector<HTMLElement>(".hfw-vote[aria-pressed=true]")?.focus();
}

function drawComparison(shown: ResultView, context: Context): Node[] {
  const columns = shown["columns"] as Column[];
  const grid = h("div", { class: "hfw-columns" }, ...columns.map((column) => drawColumn(column, context)));
  const differences = shown["differences"] as Differences | null;
  const parts = differences ? [grid, drawDifferences(differences, context)] : [grid];
  const chosen = (shown["vote"] as string | undefined) ?? "";
  const vote = drawVote(columns.map(({ name }) => name), chosen, (at) => {
    const place = at === null ? null : columns[at]?.place;
    context.link.act("vote", { place: place ?? null });
  });
  return [...parts, vote];
}

function drawColumn({ name, view: inner, error, facts, mark }: Column, context: Context): HTMLElement {
  const list = h("dl", { class: "hfw-facts" });
  for (const [title, text] of facts) list.append(h("dt", {}, title), h("dd", {}, text));
  const body = inner ? draw(inner, context).node : h("p", { class: "hfw-column-error" }, error);
  const head = h("div", { class: "hfw-row" }, h("h3", { class: "hfw-column-title", title: name }, name), mark ? h("span", { class: "hfw-hint" }, mark) : null);
  return h("section", { class: "hfw-column", "aria-label": name }, head, body, list);
}

export function drawDifferences({ summary, table }: Differences, context: Context): HTMLElement {
  const head = h("p", { class: "hfw-differences" }, summary);
  return h("section", { "aria-label": "Differences" }, head, table ? draw(table, context).node : null);
}

/** Buttons for "better" and "same"; the pressed one is the vote. */
export function drawVote(names: string[], chosen: string, cast: (at: number | null) => void): HTMLElement {
  const button = (text: string, at: number | null, on: boolean) =>
    h("button", { type: "button", class: "hfw-button hfw-vote", "aria-pressed": String(on), onclick: () => cast(at) }, on ? `✓ ${text}` : text);
  const better = names.map((name, at) => button(`${name} is better`, at, chosen === name));
  return h("div", { class: "hfw-row hfw-votes", role: "group", "aria-label": "Your vote" }, ...better, button("Same", null, chosen === "same"));
}
