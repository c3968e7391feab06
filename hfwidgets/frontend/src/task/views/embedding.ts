// Embeddings: shape, type and norm, a strip of the first numbers, and how alike several are.

import { h } from "../../dom.ts";
import { view } from "../result.ts";

/** Blue for what is below zero, orange for what is above, grey for zero; strength by size. */
export function colourOf(value: number, most: number): string {
  const share = Math.min(1, Math.abs(value) / (most || 1));
  const ink = value < 0 ? "#0072B2" : "#D55E00";
  return `color-mix(in srgb, ${ink} ${Math.round(share * 100)}%, var(--hfw-bg))`;
}

view("embedding", (shown) => {
  const shape = (shown["shape"] as number[]).join(" × ");
  const facts = [
    ["Shape", shape],
    ["Type", String(shown["dtype"])],
    ["Norm", Number(shown["norm"]).toFixed(4)],
    ["Range", `${Number(shown["low"]).toFixed(3)} to ${Number(shown["high"]).toFixed(3)}`],
  ];
  const list = h("dl", { class: "hfw-facts" });
  for (const [name, text] of facts) list.append(h("dt", {}, name), h("dd", {}, text));
  const numbers = shown["strip"] as number[];
  const strip = heat([numbers], Math.max(...numbers.map(Math.abs)), `The first ${numbers.length} numbers as colours`);
  strip.classList.add("hfw-strip");
  const node = h("div", {}, list, strip, h("div", { class: "hfw-hint" }, `The first ${numbers.length} numbers; blue is below zero, orange above.`));
  const matrix = shown["matrix"] as number[][] | undefined;
  if (matrix) node.append(h("div", { class: "hfw-label" }, "Cosine similarity"), likeness(matrix));
  return { node };
});

/** Numbers as coloured cells. */
function heat(rows: number[][], most: number, label: string): HTMLElement {
  const node = h("div", { class: "hfw-heat", role: "img", "aria-label": label });
  node.style.gridTemplateColumns = `repeat(${rows[0]?.length ?? 1}, minmax(0, 1fr))`;
  for (const value of rows.flat()) {
    const cell = h("i", { title: String(value) });
    cell.style.background = colourOf(value, most);
    node.append(cell);
  }
  return node;
}

/** A matrix of likeness between 0 and 1 as a table; names stand beside it in full. */
export function likeness(matrix: number[][], names: string[] = []): HTMLElement {
  const table = h("table", { class: "hfw-table hfw-likeness" });
  const head = matrix.map((_, at) => h("th", { scope: "col", title: names[at] ?? "" }, String(at + 1)));
  table.append(h("thead", {}, h("tr", {}, h("td", {}), ...head)));
  const body = matrix.map((row, at) => {
    const cells = row.map((value) => {
      const cell = h("td", {}, value.toFixed(2));
      cell.style.background = colourOf(value, 2);
      return cell;
    });
    const name = names[at] ? `${at + 1} ${names[at]}` : String(at + 1);
    return h("tr", {}, h("th", { scope: "row" }, name), ...cells);
  });
  table.append(h("tbody", {}, ...body));
  const scroll = { class: "hfw-scroll", tabIndex: 0, role: "region", "aria-label": "Similarity of each with each" };
  return h("div", scroll, table);
}
