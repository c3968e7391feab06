// Answers in their table, predictions as a column, and objects that have no view of their own.

import { h } from "../../dom.ts";
import { draw, view } from "../result.ts";
import type { ResultView } from "../types.ts";
import { COLOURS } from "./legend.ts";

const MOST = 200;

type Columns = Record<string, string[]>;

function grid(columns: Columns, more: (r: number) => HTMLElement[], heads: string[], mark: (r: number, c: number) => boolean): HTMLElement {
  const names = Object.keys(columns);
  const length = Math.max(0, ...names.map((name) => columns[name]?.length ?? 0));
  const head = [...names, ...heads].map((name) => h("th", { scope: "col" }, name));
  const rows = Array.from({ length: Math.min(length, MOST) }, (_, r) => {
    const cells = names.map((name, c) => {
      const on = mark(r, c);
      const text = columns[name]?.[r] ?? "";
      const cell = h("td", { class: on ? "hfw-hit" : "" }, text);
      if (heads.length && !text.trim()) cell.append(h("span", { class: "hfw-missing" }, "missing"));
      if (on) cell.append(h("span", { class: "hfw-unseen" }, " (matches)"));
      return cell;
    });
    return h("tr", {}, ...cells, ...more(r));
  });
  const table = h("table", { class: "hfw-table" }, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows));
  const note = length > MOST ? h("p", { class: "hfw-hint" }, `${MOST} of ${length} rows are shown`) : null;
  const scroll = { class: "hfw-scroll", tabIndex: 0, role: "region", "aria-label": "Table" };
  return h("div", {}, h("div", scroll, table), note);
}

/** Scroll the table, and only the table, to what matters: the notebook stays where it is. */
function reveal(table: HTMLElement, what: string): void {
  const [cell, frame] = [table.querySelector<HTMLElement>(what), table.querySelector<HTMLElement>(".hfw-scroll")];
  if (!cell || !frame) return;
  const [inner, outer] = [cell.getBoundingClientRect(), frame.getBoundingClientRect()];
  if (inner.right > outer.right) frame.scrollLeft += inner.right - outer.right;
  if (inner.bottom > outer.bottom) frame.scrollTop += inner.top - outer.top - outer.height / 2;
}

view("cells", (shown) => {
  const hits = new Set((shown["cells"] as number[][]).map(([r, c]) => `${r},${c}`));
  const table = grid(shown["columns"] as Columns, () => [], [], (r, c) => hits.has(`${r},${c}`));
  const aggregator = shown["aggregator"] as string;
  const answer = h(
    "p",
    { class: "hfw-answer-line" },
    h("strong", {}, String(shown["answer"] || "No answer was found.")),
    aggregator ? h("span", { class: "hfw-tag" }, aggregator.toLowerCase()) : null,
  );
  requestAnimationFrame(() => reveal(table, ".hfw-hit"));
  return { node: h("div", {}, answer, table) };
});

view("predictions", (shown) => {
  const values = shown["values"] as (string | number)[];
  const numeric = Boolean(shown["numeric"]);
  const labels = [...new Set(values.map(String))];
  const most = Math.max(1e-9, ...values.map((value) => Math.abs(Number(value)) || 0));
  const cell = (r: number): HTMLElement[] => {
    const value = values[r];
    if (value === undefined) return [h("td", {}, "")];
    const td = h("td", { class: "hfw-prediction" });
    if (numeric) {
      const bar = h("span", { class: "hfw-score-bar", "aria-hidden": "true" });
      bar.style.width = `${(Math.abs(Number(value)) / most) * 60}px`;
      td.append(Number(value).toPrecision(5), bar);
    } else {
      const tag = h("span", { class: "hfw-tag hfw-class" }, String(value));
      tag.style.setProperty("--hfw-ink", COLOURS[labels.indexOf(String(value)) % COLOURS.length] ?? "");
      td.append(tag);
    }
    return [td];
  };
  const columns = shown["columns"] as Columns;
  if (!Object.keys(columns).length) columns["row"] = values.map((_, at) => String(at + 1));
  const table = grid(columns, cell, ["Prediction"], () => false);
  requestAnimationFrame(() => reveal(table, ".hfw-prediction"));
  return { node: table };
});

view("table", (shown) => ({ node: grid(shown["columns"] as Columns, () => [], [], () => false) }));

view("parts", (shown, context) => {
  const parts = shown["parts"] as { name: string; view: ResultView }[];
  const rows = shown.rows as unknown as [string, string][];
  const figures = parts.map(({ name, view: inner }) =>
    h("figure", { class: "hfw-part" }, h("figcaption", { class: "hfw-label" }, name), draw(inner, context).node),
  );
  const list = h("dl", { class: "hfw-facts" });
  for (const [name, text] of rows) list.append(h("dt", {}, name), h("dd", {}, text));
  return { node: h("div", { class: "hfw-parts" }, ...figures, rows.length ? list : null) };
});
