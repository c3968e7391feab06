// One row of scores: label, bar and number.

import type { LabelRow } from "../document/protocol.ts";
import { formatScore, formatShare } from "../parts/describe.ts";

interface ScoreBarProps {
  row: LabelRow;
  color?: string;
  /** The score that fills the bar. */
  most?: number;
  /** Write a percentage. */
  percent?: boolean;
}

export function ScoreBar({ row, color, most = 1, percent = false }: ScoreBarProps) {
  const { score } = row;
  const share = score === null ? 0 : Math.min(1, Math.max(0, score / most));
  const text = score === null ? "" : percent ? formatShare(score) : formatScore(score);
  return (
    <span class="hfw-score">
      <span class="hfw-score-label" dir="auto">
        {row.label}
        {row.note && <span class="hfw-hint hfw-score-note">{row.note}</span>}
      </span>
      <span class="hfw-score-track">
        <span class="hfw-score-bar" aria-hidden="true" style={{ width: `${share * 100}%`, ...(color ? { background: color } : {}) }} />
      </span>
      <span class="hfw-score-number">{text}</span>
    </span>
  );
}
