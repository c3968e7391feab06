// What a result says first, large.

import type { LabelRow } from "../document/protocol.ts";
import { formatShare } from "../parts/describe.ts";

export function TopLabel({ row, percent }: { row: LabelRow; percent: boolean }) {
  return (
    <p class="hfw-top-label">
      <strong dir="auto">{row.label}</strong>
      {percent && row.score !== null && <span>{formatShare(row.score)}</span>}
    </p>
  );
}
