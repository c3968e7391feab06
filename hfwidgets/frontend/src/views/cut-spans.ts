// Cut a text at its spans.

import type { LabelRow } from "../document/protocol.ts";

export interface Piece {
  text: string;
  /** Index of the row that this piece belongs to, null for what is between. */
  row: number | null;
}

interface Span {
  at: number;
  start: number;
  end: number;
}

/** Cut a text at its spans, in code points as the server counts; of those that overlap, the surest stays. */
export function cutSpans(text: string, rows: LabelRow[], kept: (at: number) => boolean): Piece[] {
  const letters = [...text];
  const pieces: Piece[] = [];
  let done = 0;
  for (const { at, start, end } of placeSpans(rows, kept)) {
    if (start > done) pieces.push({ text: letters.slice(done, start).join(""), row: null });
    pieces.push({ text: letters.slice(start, end).join(""), row: at });
    done = end;
  }
  if (done < letters.length) pieces.push({ text: letters.slice(done).join(""), row: null });
  return pieces;
}

/** The spans that are kept, without those that a surer one overlaps, in the order of the text. */
function placeSpans(rows: LabelRow[], kept: (at: number) => boolean): Span[] {
  const spans = rows.map(({ start, end }, at) => ({ at, start: start ?? 0, end: end ?? 0 }));
  const surest = spans.filter(({ at }) => kept(at));
  surest.sort((a, b) => (rows[b.at]?.score ?? 1) - (rows[a.at]?.score ?? 1));
  const placed: Span[] = [];
  for (const span of surest) {
    const clash = placed.some((other) => span.start < other.end && span.end > other.start);
    if (!clash && span.end > span.start) placed.push(span);
  }
  return placed.sort((a, b) => a.start - b.start);
}
