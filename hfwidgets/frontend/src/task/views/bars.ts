// Labels with scores as a real list; how many are shown is chosen here, without another call.

import { h, say } from "../../dom.ts";
import { draw, type Drawn, spoken, view } from "../result.ts";
import type { Context, ResultView, Row } from "../types.ts";
import { likeness } from "./embedding.ts";
import { barRow } from "./legend.ts";

const FIRST = 8;

view("bars", (shown, context) => {
  const rows = shown.rows ?? [];
  const noted = rows.some((row) => row.note);
  const list = h("ol", { class: "hfw-scores" });
  const most = Math.max(1, ...rows.map((row) => row.score ?? 0));
  const sentence = h("p", { class: "hfw-text hfw-sentence", "aria-live": "polite" });
  const make = noted
    ? (row: Row) => pointed(row, most, () => tell(sentence, row))
    : (row: Row) => barRow(row, undefined, most);
  const fill = (count: number) =>
    list.replaceChildren(...rows.slice(0, count).map((row) => h("li", {}, make(row))));
  fill(FIRST);
  const node = h("div", { class: "hfw-bars" }, noted ? sentence : null, list);
  if (noted) tell(sentence, rows[0] as Row);
  if (rows.length > FIRST) {
    const box = h("input", { type: "number", class: "hfw-input hfw-count", min: 1, max: rows.length, value: FIRST });
    box.addEventListener("input", () => box.validity.valid && fill(box.valueAsNumber || FIRST));
    node.append(h("label", { class: "hfw-row hfw-start hfw-hint" }, "Show the first", box, `of ${rows.length}`));
  }
  return shown["pairs"] ? pairs(node, shown, context) : { node };
});

/** A row that says its whole sentence when it is pointed at or reached by keyboard. */
function pointed(row: Row, most: number, act: () => void): HTMLElement {
  const button = h("button", { type: "button", class: "hfw-legend-row", "aria-label": `${spoken(row)}: ${row.note ?? ""}` });
  button.append(barRow({ ...row, note: "" }, undefined, most));
  for (const name of ["pointerenter", "focus", "click"]) button.addEventListener(name, act);
  return button;
}

/** The sentence, with the word that was put into it marked. */
function tell(place: HTMLElement, row: Row): void {
  const [note, word] = [row.note ?? "", row.label.trim()];
  const at = word ? note.toLowerCase().indexOf(word.toLowerCase()) : -1;
  if (at < 0) say(place, note);
  else place.replaceChildren(note.slice(0, at), h("mark", {}, note.slice(at, at + word.length)), note.slice(at + word.length));
}

interface Pairs {
  n: number;
  names: string[];
  matrix: number[][] | null;
}

/** A button for the likeness of all sentences, each with each. */
function pairs(node: HTMLElement, shown: ResultView, { link }: Context): Drawn {
  const button = h("button", { type: "button", class: "hfw-button" }, "Compare each with each");
  button.addEventListener("click", () => link.act("pairs"));
  const place = h("div", {});
  node.append(h("div", { class: "hfw-row hfw-start" }, button), place);
  let drawn = false;
  const update = () => {
    const found = link.doc["pairs"] as Pairs | null;
    const ours = found !== null && found.n === (link.doc["result"] as ResultView | null)?.n;
    button.disabled = ours && !found.matrix;
    button.hidden = ours && found.matrix !== null;
    if (!ours || !found.matrix || drawn) return;
    drawn = true;
    place.replaceChildren(likeness(found.matrix, found.names));
  };
  void shown;
  update();
  return { node, update };
}

view("groups", (shown, context) => {
  const groups = shown["groups"] as ResultView[];
  const parts = groups.map((group, at) => {
    const title = h("div", { class: "hfw-label" }, `${at + 1} of ${groups.length}`);
    return h("section", { "aria-label": title.textContent ?? "" }, title, draw(group, context).node);
  });
  return { node: h("div", { class: "hfw-groups" }, ...parts) };
});
