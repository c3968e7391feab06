// Entities and answers in their text: marked where they stand, linked to a list of labels.

import { useMemo, useState } from "preact/hooks";
import type { LabelRow } from "../document/protocol.ts";
import { Button } from "../parts/buttons.tsx";
import { areShares, describeRow, formatScore } from "../parts/describe.ts";
import { labelColors } from "./colors.ts";
import { cutSpans } from "./cut-spans.ts";
import { Legend, Threshold } from "./legend.tsx";
import { Linked } from "./linked.ts";
import { registerView, type ViewOf } from "./registry.ts";
import { TopLabel } from "./top-label.tsx";

function Spans({ view }: { view: ViewOf<"spans"> }) {
  const { rows, text } = view;
  const linked = useMemo(() => new Linked(), [view]);
  const [least, setLeast] = useState(-Infinity);
  const [off, setOff] = useState<ReadonlySet<string>>(new Set());
  const [asTable, setAsTable] = useState(false);
  const shown = (at: number) => (rows[at]?.score ?? Infinity) >= least && !off.has(rows[at]?.label ?? "");
  const toggle = (label: string) => {
    const next = new Set(off);
    if (!next.delete(label)) next.add(label);
    setOff(next);
  };
  const word = (at: number) => <span class="hfw-hint hfw-legend-word" dir="auto">{coveredText(rows[at], text)}</span>;
  const [first] = rows;
  // An answer is what its span covers.
  const answer = rows.length === 1 && first && coveredText(first, text) === "" ? first : null;
  return (
    <div class="hfw-span-view">
      {answer && <TopLabel row={answer} percent={areShares(rows)} />}
      {asTable ? (
        <SpanTable rows={rows} text={text} shown={shown} />
      ) : (
        <MarkedText rows={rows} text={text} linked={linked} shown={shown} />
      )}
      {!asTable && !answer && (
        <div class="hfw-side">
          <Legend rows={rows} linked={linked} shown={shown} extra={word} />
          <Threshold rows={rows} changed={setLeast} />
        </div>
      )}
      {rows.length > 1 && (
        <div class="hfw-row hfw-start">
          <LabelFilter rows={rows} text={text} off={off} toggle={toggle} />
          <span class="hfw-gap" />
          <Button kind="hfw-tab" pressed={asTable} act={() => setAsTable(!asTable)}>
            Table
          </Button>
        </div>
      )}
    </div>
  );
}

interface SpanProps {
  rows: LabelRow[];
  text: string;
  shown: (at: number) => boolean;
}

function MarkedText({ rows, text, linked, shown }: SpanProps & { linked: Linked }) {
  const colors = labelColors(rows);
  return (
    <div class="hfw-text hfw-marked" dir="auto">
      {cutSpans(text, rows, shown).map(({ text: words, row: at }) => {
        const row = at === null ? undefined : rows[at];
        if (at === null || !row) return words;
        return <Mark key={at} at={at} words={words} row={row} color={colors.get(row.label) ?? ""} linked={linked} />;
      })}
    </div>
  );
}

interface MarkProps {
  at: number;
  words: string;
  row: LabelRow;
  color: string;
  linked: Linked;
}

function Mark({ at, words, row, color, linked }: MarkProps) {
  const press = (event: KeyboardEvent) => {
    const isPress = event.key === "Enter" || event.key === " ";
    if (!isPress || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    linked.pin(at);
  };
  const same = row.label.trim().toLowerCase() === words.trim().toLowerCase();
  return (
    <span
      class={linked.mark(at, "hfw-span")}
      role="button"
      tabIndex={0}
      aria-label={`${words}: ${describeRow(row)}`}
      style={{ "--hfw-ink": color }}
      onKeyDown={press}
      {...linked.join(at)}
    >
      {words}
      {!same && <small>{row.label}</small>}
    </span>
  );
}

/** Return what a span covers, where its label does not say it. */
function coveredText(row: LabelRow | undefined, text: string): string {
  const words = [...text].slice(row?.start ?? 0, row?.end ?? 0).join("");
  return words.trim().toLowerCase() === row?.label.trim().toLowerCase() ? "" : words;
}

interface FilterProps {
  rows: LabelRow[];
  text: string;
  off: ReadonlySet<string>;
  toggle: (label: string) => void;
}

/** A chip for each label, to show or to hide what has it; nothing is sent again. */
function LabelFilter({ rows, text, off, toggle }: FilterProps) {
  const colors = labelColors(rows);
  if (colors.size < 2 || rows.every((row) => coveredText(row, text) === "")) return null;
  return (
    <span class="hfw-row hfw-start" role="group" aria-label="Labels shown">
      {[...colors].map(([label, color]) => (
        <button
          key={label}
          type="button"
          class="hfw-filter"
          aria-pressed={!off.has(label)}
          title={`Show or hide ${label}`}
          style={{ "--hfw-ink": color }}
          onClick={() => toggle(label)}
        >
          {`${label} ${rows.filter((row) => row.label === label).length}`}
        </button>
      ))}
    </span>
  );
}

function SpanTable({ rows, text, shown }: SpanProps) {
  const letters = [...text];
  return (
    <div class="hfw-scroll" tabIndex={0} role="region" aria-label="Entities">
      <table class="hfw-table">
        <thead>
          <tr>
            {["Text", "Label", "Score", "Start", "End"].map((name) => (
              <th key={name} scope="col">{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at} hidden={!shown(at)}>
              <td dir="auto">{letters.slice(row.start ?? 0, row.end ?? 0).join("")}</td>
              <td>{row.label}</td>
              <td class="hfw-number">{row.score === null ? "" : formatScore(row.score)}</td>
              <td class="hfw-number">{row.start}</td>
              <td class="hfw-number">{row.end}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

registerView("spans", Spans);
