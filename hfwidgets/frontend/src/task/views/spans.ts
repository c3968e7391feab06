// Entities and answers in their text: marked where they stand, linked to a list of labels.

import { h } from "../../dom.ts";
import { spoken, view } from "../result.ts";
import type { Row } from "../types.ts";
import { colours, legend, Linked, threshold } from "./legend.ts";

export interface Piece {
  text: string;
  /** Index of the row that this piece belongs to, null for what is between. */
  row: number | null;
}

/** Cut a text at its spans, in code points as the server counts; of those that overlap, the surest stays. */
export function cut(text: string, rows: Row[], kept: (at: number) => boolean): Piece[] {
  const letters = [...text];
  const order = [...rows.keys()].filter(kept).sort((a, b) => (rows[b]?.score ?? 1) - (rows[a]?.score ?? 1));
  const placed: number[] = [];
  for (const at of order) {
    const { start = 0, end = 0 } = rows[at] as Row;
    const clash = placed.some((other) => start < (rows[other]?.end ?? 0) && end > (rows[other]?.start ?? 0));
    if (!clash && end > start) placed.push(at);
  }
  placed.sort((a, b) => (rows[a]?.start ?? 0) - (rows[b]?.start ?? 0));
  const pieces: Piece[] = [];
  let done = 0;
  for (const at of placed) {
    const { start = 0, end = 0 } = rows[at] as Row;
    if (start > done) pieces.push({ text: letters.slice(done, start).join(""), row: null });
    pieces.push({ text: letters.slice(start, end).join(""), row: at });
    done = end;
  }
  if (done < letters.length) pieces.push({ text: letters.slice(done).join(""), row: null });
  return pieces;
}

view("spans", (shown) => {
  const rows = shown.rows ?? [];
  const ink = colours(rows);
  const text = h("div", { class: "hfw-text hfw-marked" });
  let marks: [number, HTMLElement][] = [];
  let least = -Infinity;
  const off = new Set<string>();
  const kept = (at: number) => (rows[at]?.score ?? Infinity) >= least && !off.has(rows[at]?.label ?? "");
  const linked = new Linked((active) => {
    for (const [at, mark] of marks) {
      mark.classList.toggle("hfw-active", at === active);
      mark.classList.toggle("hfw-dim", active !== null && at !== active);
      mark.setAttribute("aria-pressed", String(linked.pinned === at));
    }
    for (const [at, item] of items.entries()) item.classList.toggle("hfw-dim", active !== null && at !== active);
  });
  const items = legend(rows, linked, (at) => h("span", { class: "hfw-hint hfw-legend-word" }, said(rows[at], shown.text ?? "")));
  const table = spanTable(rows, shown.text ?? "");
  const draw = () => {
    marks = [];
    const nodes = cut(shown.text ?? "", rows, kept).map(({ text: words, row }) => {
      if (row === null) return words;
      const made = mark(words, rows[row] as Row, ink);
      linked.join(made, row);
      marks.push([row, made]);
      return made;
    });
    text.replaceChildren(...nodes);
    for (const [at, item] of items.entries()) item.hidden = !kept(at);
    for (const [at, row] of [...(table.tBodies[0]?.rows ?? [])].entries()) row.hidden = !kept(at);
  };
  draw();
  const slider = threshold(rows, (value) => {
    least = value;
    draw();
  });
  const list = h("ul", { class: "hfw-legend" }, ...items);
  const side = h("div", { class: "hfw-side" }, list, slider);
  const filter = labelFilter(rows, ink, off, shown.text ?? "", draw);
  const front = h("div", { class: "hfw-spans" }, text, side);
  const scroll = h("div", { class: "hfw-scroll", tabIndex: 0, role: "region", "aria-label": "Entities", hidden: true }, table);
  const toggle = rows.length > 1 ? asTable(front, scroll) : null;
  const bar = h("div", { class: "hfw-row hfw-start" }, filter, h("span", { class: "hfw-gap" }), toggle);
  return { node: h("div", { class: "hfw-span-view" }, filter || toggle ? bar : null, front, scroll) };
});

/** What a span covers, where its label does not say it. */
function said(row: Row | undefined, text: string): string {
  const words = [...text].slice(row?.start ?? 0, row?.end ?? 0).join("");
  return words.trim().toLowerCase() === row?.label.trim().toLowerCase() ? "" : words;
}

/** A chip for each label, to show or to hide what has it; nothing is asked again. */
function labelFilter(rows: Row[], ink: Map<string, string>, off: Set<string>, text: string, changed: () => void): HTMLElement | null {
  if (ink.size < 2 || rows.every((row) => said(row, text) === "")) return null;
  const chips = [...ink].map(([label, colour]) => {
    const number = rows.filter((row) => row.label === label).length;
    const chip = h("button", { type: "button", class: "hfw-filter", "aria-pressed": "true", title: `Show or hide ${label}` }, `${label} ${number}`);
    chip.style.setProperty("--hfw-ink", colour);
    chip.addEventListener("click", () => {
      if (!off.delete(label)) off.add(label);
      chip.setAttribute("aria-pressed", String(!off.has(label)));
      changed();
    });
    return chip;
  });
  return h("span", { class: "hfw-row hfw-start", role: "group", "aria-label": "Labels shown" }, ...chips);
}

function asTable(front: HTMLElement, back: HTMLElement): HTMLElement {
  const button = h("button", { type: "button", class: "hfw-tab", "aria-pressed": "false" }, "Table");
  button.addEventListener("click", () => {
    back.hidden = !back.hidden;
    front.hidden = !back.hidden;
    button.setAttribute("aria-pressed", String(!back.hidden));
  });
  return button;
}

function spanTable(rows: Row[], text: string): HTMLTableElement {
  const letters = [...text];
  const head = ["Text", "Label", "Score", "Start", "End"].map((name) => h("th", { scope: "col" }, name));
  const body = rows.map((row) => {
    const cells = [letters.slice(row.start ?? 0, row.end ?? 0).join(""), row.label, row.score?.toFixed(3) ?? "", row.start, row.end];
    return h("tr", {}, ...cells.map((cell) => h("td", {}, String(cell ?? ""))));
  });
  return h("table", { class: "hfw-table" }, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...body));
}

function mark(words: string, row: Row, ink: Map<string, string>): HTMLElement {
  const same = row.label.trim().toLowerCase() === words.trim().toLowerCase();
  const node = h(
    "span",
    { class: "hfw-span", role: "button", tabIndex: 0, "aria-pressed": "false", "aria-label": `${words}: ${spoken(row)}` },
    words,
    same ? null : h("small", {}, row.label),
  );
  node.style.setProperty("--hfw-ink", ink.get(row.label) ?? "");
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    if (event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    node.click();
  });
  return node;
}
