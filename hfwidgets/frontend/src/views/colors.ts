// Colors of labels and numbers.

import type { LabelRow } from "../document/protocol.ts";

/** Colors that most kinds of color blindness tell apart (Okabe and Ito). */
export const COLORS: readonly string[] = [
  "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C564B", "#7F7F7F",
];

/** The color of the label that is number `at`. */
export function colorAt(at: number): string {
  return COLORS[at % COLORS.length] ?? "#7F7F7F";
}

/** A color for each label, in the order of their first appearance. */
export function labelColors(rows: LabelRow[]): Map<string, string> {
  const labels = [...new Set(rows.map((row) => row.label))];
  return new Map(labels.map((label, at) => [label, colorAt(at)]));
}

/** Black or white, whichever reads better on a color (WCAG's relative luminance). */
export function contrastColor(color: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = parseInt(color.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

/** Blue for what is below zero, orange for what is above, gray for zero; strength by size. */
export function numberColor(value: number, most: number): string {
  const share = Math.min(1, Math.abs(value) / (most || 1));
  const ink = value < 0 ? "#0072B2" : "#D55E00";
  return `color-mix(in srgb, ${ink} ${Math.round(share * 100)}%, var(--hfw-bg))`;
}
