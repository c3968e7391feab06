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
  const linked = new Linked((active) => {
    for (const [at, mark] of marks) {
      mark.classList.toggle("hfw-active", at === active);
      mark.classList.toggle("hfw-dim", active !== null && at !== active);
      mark.setAttribute("aria-pressed", String(linked.pinned === at));
    }
    for (const [at, item] of items.entries()) item.classList.toggle("hfw-dim", active !== null && at !== active);
  });
  const items = legend(rows, linked);
  const draw = () => {
    marks = [];
    const kept = (at: number) => (rows[at]?.score ?? Infinity) >= least;
    const nodes = cut(shown.text ?? "", rows, kept).map(({ text: words, row }) => {
      if (row === null) return words;
      const made = mark(words, rows[row] as Row, ink);
      linked.join(made, row);
      marks.push([row, made]);
      return made;
    });
    text.replaceChildren(...nodes);
    for (const [at, item] of items.entries()) item.hidden = !kept(at);
  };
  draw();
  const slider = threshold(rows, (value) => {
    least = value;
    draw();
  });
  const list = h("ul", { class: "hfw-legend" }, ...items);
  return { node: h("div", { class: "hfw-spans" }, text, h("div", { class: "hfw-side" }, list, slider)) };
});

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
