// Score bars; also the legend of boxes, masks and spans: each row is linked to its place.

import { h } from "../../dom.ts";
import { spoken } from "../result.ts";
import type { Row } from "../types.ts";

/** Colours that most kinds of colour blindness tell apart (Okabe and Ito). */
export const COLOURS = [
  "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C564B", "#7F7F7F",
];

/** Black or white, whichever reads better on a colour (WCAG's relative luminance). */
export function over(colour: string): string {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

/** A colour for each label, in the order of their first appearance. */
export function colours(rows: Row[]): Map<string, string> {
  const labels = [...new Set(rows.map((row) => row.label))];
  return new Map(labels.map((label, at) => [label, COLOURS[at % COLOURS.length] as string]));
}

/** One row: label, bar and number. Scores beside 0 to 1 are measured against `most`. */
export function barRow(row: Row, colour?: string, most = 1): HTMLElement {
  const share = row.score === null ? 0 : Math.max(0, row.score / most);
  const bar = h("span", { class: "hfw-score-bar", "aria-hidden": "true" });
  bar.style.width = `${Math.min(100, share * 100)}%`;
  if (colour) bar.style.background = colour;
  const number = row.score === null ? "" : row.score.toFixed(3);
  const label = h("span", { class: "hfw-score-label" }, row.label);
  if (row.note) label.append(h("span", { class: "hfw-hint hfw-score-note" }, row.note));
  return h(
    "span",
    { class: "hfw-score" },
    label,
    h("span", { class: "hfw-score-track" }, bar),
    h("span", { class: "hfw-score-number" }, number),
  );
}

/** Which of the items is pointed at or pinned; every part of the view listens. */
export class Linked {
  #pinned: number | null = null;
  #pointed: number | null = null;

  constructor(private changed: (active: number | null) => void) {}

  get pinned(): number | null {
    return this.#pinned;
  }

  get active(): number | null {
    return this.#pointed ?? this.#pinned;
  }

  point(at: number | null): void {
    if (this.#pointed === at) return;
    this.#pointed = at;
    this.changed(this.active);
  }

  pin(at: number): void {
    this.#pinned = this.#pinned === at ? null : at;
    this.changed(this.active);
  }

  /** Items that are not shown any more are neither pointed at nor pinned. */
  keep(kept: (at: number) => boolean): void {
    if (this.#pinned !== null && !kept(this.#pinned)) this.#pinned = null;
    if (this.#pointed !== null && !kept(this.#pointed)) this.#pointed = null;
    this.changed(this.active);
  }

  /** Make an element stand for an item: pointer and keyboard point, a click or Enter pins. */
  join(node: HTMLElement, at: number): void {
    node.addEventListener("pointerenter", () => this.point(at));
    node.addEventListener("pointerleave", () => this.point(null));
    node.addEventListener("focus", () => this.point(at));
    node.addEventListener("blur", () => this.point(null));
    node.addEventListener("click", () => this.pin(at));
  }
}

/** The rows as buttons in a list. */
export function legend(rows: Row[], linked: Linked, more?: (at: number) => HTMLElement): HTMLElement[] {
  const ink = colours(rows);
  return rows.map((row, at) => {
    const button = h("button", { type: "button", class: "hfw-legend-row", "aria-label": spoken(row) });
    button.append(barRow(row, ink.get(row.label)));
    linked.join(button, at);
    return h("li", {}, button, more?.(at));
  });
}

/** A threshold that filters what is shown; nothing is asked again. */
export function threshold(rows: Row[], changed: (least: number) => void): HTMLElement | null {
  const scores = rows.map((row) => row.score).filter((score) => score !== null);
  if (scores.length < 2) return null;
  const low = Math.floor(Math.min(...scores) * 100) / 100;
  const range = h("input", { type: "range", min: low, max: 1, step: 0.01, "aria-label": "Least score shown" });
  range.value = String(low);
  const words = h("output", { class: "hfw-hint" });
  const tell = () => {
    const least = range.valueAsNumber;
    const kept = scores.filter((score) => score >= least).length;
    words.textContent = `score ≥ ${least.toFixed(2)}: ${kept} of ${rows.length}`;
    changed(least);
  };
  range.addEventListener("input", tell);
  words.textContent = `score ≥ ${low.toFixed(2)}: ${rows.length} of ${rows.length}`;
  return h("label", { class: "hfw-local" }, range, words);
}
