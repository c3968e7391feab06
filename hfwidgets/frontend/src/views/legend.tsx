// The legend of boxes, masks and spans: each row is linked to its place.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { LabelRow } from "../document/protocol.ts";
import { areShares, describeRow, formatShare } from "../parts/describe.ts";
import { labelColors } from "./colors.ts";
import type { Linked } from "./linked.ts";
import { ScoreBar } from "./score-bar.tsx";

interface LegendProps {
  rows: LabelRow[];
  linked: Linked;
  shown: (at: number) => boolean;
  extra?: (at: number) => ComponentChildren;
}

/** The rows, each a button in a list. */
export function Legend({ rows, linked, shown, extra }: LegendProps) {
  const colors = labelColors(rows);
  const percent = areShares(rows);
  const active = linked.active.value;
  return (
    <ul class="hfw-legend">
      {rows.map((row, at) => (
        <li key={at} class={active !== null && active !== at ? "hfw-dim" : ""} hidden={!shown(at)}>
          <button type="button" class="hfw-legend-row" aria-label={describeRow(row)} {...linked.join(at)}>
            <ScoreBar row={row} color={colors.get(row.label) ?? ""} percent={percent} />
          </button>
          {extra?.(at)}
        </li>
      ))}
    </ul>
  );
}

/** A threshold that filters what is shown; nothing is sent again. */
export function Threshold({ rows, changed }: { rows: LabelRow[]; changed: (least: number) => void }) {
  const scores = rows.map((row) => row.score).filter((score) => score !== null);
  const low = Math.floor(Math.min(...scores) * 100) / 100;
  const [least, setLeast] = useState(low);
  if (scores.length < 2) return null;
  const move = (event: Event & { currentTarget: HTMLInputElement }) => {
    setLeast(event.currentTarget.valueAsNumber);
    changed(event.currentTarget.valueAsNumber);
  };
  const kept = scores.filter((score) => score >= least).length;
  return (
    <label class="hfw-local">
      <input type="range" min={low} max={1} step={0.01} value={least} aria-label="Minimum score" onInput={move} />
      <output class="hfw-hint">{`Score at least ${areShares(rows) ? formatShare(least) : least.toFixed(2)}: ${kept} of ${rows.length}`}</output>
    </label>
  );
}
