// Labels with scores: the first one large, then a bar for each. How many are shown is chosen here,
// without another call.

import { useState } from "preact/hooks";
import type { LabelRow } from "../document/protocol.ts";
import { Button } from "../parts/buttons.tsx";
import { areShares, describeRow } from "../parts/describe.ts";
import { usePanel } from "../parts/panel.ts";
import { Likeness } from "./likeness.tsx";
import { registerView, type ViewOf } from "./registry.ts";
import { ScoreBar } from "./score-bar.tsx";
import { TopLabel } from "./top-label.tsx";

const FIRST = 8;
/** Characters of a label that fit next to its bar; longer ones stand above it. */
const FITTING = 24;

function Bars({ view }: { view: ViewOf<"bars"> }) {
  const { rows } = view;
  const [count, setCount] = useState(FIRST);
  const [pointed, setPointed] = useState(rows[0]);
  const most = Math.max(1, ...rows.map((row) => row.score ?? 0));
  const percent = !view.pairs && areShares(rows);
  // Notes are whole sentences, of which one is shown at a time.
  const noted = rows.some((row) => row.note);
  const long = rows.some(({ label }) => label.length > FITTING);
  return (
    <div class="hfw-bars">
      {!view.pairs && rows[0] && <TopLabel row={rows[0]} percent={percent} />}
      {noted && pointed && <Sentence row={pointed} />}
      {(rows.length > 1 || view.pairs || noted) && (
        <ol class={`hfw-scores${long ? " hfw-long" : ""}`}>
          {rows.slice(0, count).map((row, at) => (
            <li key={at}>
              {noted ? (
                <PointedRow row={row} most={most} percent={percent} point={() => setPointed(row)} />
              ) : (
                <ScoreBar row={row} most={most} percent={percent} />
              )}
            </li>
          ))}
        </ol>
      )}
      {rows.length > FIRST && <Count most={rows.length} changed={setCount} />}
      {view.pairs && <PairButton n={view.n ?? 0} />}
    </div>
  );
}

/** A row that shows its whole sentence when it is pointed at or reached by keyboard. */
function PointedRow({ row, most, percent, point }: { row: LabelRow; most: number; percent: boolean; point: () => void }) {
  const label = `${describeRow(row)}: ${row.note ?? ""}`;
  return (
    <button type="button" class="hfw-legend-row" aria-label={label} onPointerEnter={point} onFocus={point} onClick={point}>
      <ScoreBar row={{ ...row, note: "" }} most={most} percent={percent} />
    </button>
  );
}

/** The sentence, with the word that was put into it marked. */
function Sentence({ row }: { row: LabelRow }) {
  const [note, word] = [row.note ?? "", row.label.trim()];
  const at = word ? note.toLowerCase().indexOf(word.toLowerCase()) : -1;
  const end = at + word.length;
  return (
    <p class="hfw-text hfw-sentence" dir="auto" aria-live="polite">
      {at < 0 ? note : [note.slice(0, at), <mark>{note.slice(at, end)}</mark>, note.slice(end)]}
    </p>
  );
}

function Count({ most, changed }: { most: number; changed: (count: number) => void }) {
  return (
    <label class="hfw-row hfw-start hfw-hint">
      Show the first
      <input
        type="number"
        class="hfw-input hfw-count"
        min={1}
        max={most}
        defaultValue={String(FIRST)}
        onInput={({ currentTarget: box }) => box.validity.valid && changed(box.valueAsNumber || FIRST)}
      />
      {`of ${most}`}
    </label>
  );
}

/** A button for the similarity of all sentences with each other, and their matrix. */
function PairButton({ n }: { n: number }) {
  const { link } = usePanel();
  const found = link.part("pairs");
  const ours = found && found.n === n ? found : null;
  if (ours?.matrix) return <Likeness matrix={ours.matrix} names={ours.names} />;
  return (
    <div class="hfw-row hfw-start">
      <Button act={() => link.act("pairs")} disabled={ours !== null}>
        Compare each with each
      </Button>
    </div>
  );
}

registerView("bars", Bars);
