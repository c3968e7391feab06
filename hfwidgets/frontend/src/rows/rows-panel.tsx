// The rows of an evaluation, one at a time: arrow keys walk, a filter chooses, a correction scores again.

import { useEffect, useRef } from "preact/hooks";
import type { FilterChoice, RowState } from "../document/protocol.ts";
import { useDraft } from "../form/use-draft.ts";
import { IconButton } from "../parts/buttons.tsx";
import { usePanel } from "../parts/panel.ts";
import { useId } from "../parts/use-id.ts";
import { FailureCard } from "../shell/failure-card.tsx";
import { ResultView } from "../views/result-view.tsx";
import { LabelMappings } from "./label-mappings.tsx";

/** Elements that use the arrow keys themselves. */
const EDITED = "input, textarea, select, .hfw [role=slider], .hfw-scroll";
const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1 };

export function RowsPanel() {
  const { link } = usePanel();
  const row = link.part("row");
  const result = link.part("result");
  const scores = link.part("scores");
  useSpoken(row?.spoken ?? "");
  if (!row) return null;
  const go = (step: number) => {
    const next = row.at + step;
    if (next >= 0 && next < row.count) link.act("go", { at: next });
  };
  const key = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    const isHeld = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
    if (step === undefined || isHeld || (event.target instanceof Element && event.target.closest(EDITED))) return;
    event.preventDefault();
    go(step);
  };
  return (
    <div class="hfw-rows" onKeyDown={key}>
      <p class="hfw-hint hfw-verdict" dir="auto">{link.part("verdict")}</p>
      {scores && <ResultView view={scores} />}
      <LabelMappings mappings={link.part("mappings") ?? []} />
      <Toolbar row={row} filters={link.part("filters") ?? []} go={go} />
      <FailureCard />
      <div class="hfw-view">
        {row.inputs.map(({ name, view }) => (
          <figure key={`${row.index} ${name}`} class="hfw-part">
            <figcaption class="hfw-label">{name}</figcaption>
            <ResultView view={view} />
          </figure>
        ))}
        <RightAnswer key={row.index} row={row} />
      </div>
      {result && <ResultView key={result.n} view={result} />}
    </div>
  );
}

/** Say what a row is to those who do not see it, once another one is shown. */
function useSpoken(text: string): void {
  const { announce } = usePanel();
  const before = useRef(text);
  useEffect(() => {
    if (text !== before.current) announce(text);
    before.current = text;
  }, [text]);
}

function Toolbar({ row, filters, go }: { row: RowState; filters: FilterChoice[]; go: (step: number) => void }) {
  const { link } = usePanel();
  return (
    <div class="hfw-row hfw-start" role="toolbar" aria-label="Rows">
      <IconButton icon="before" label="Previous row" act={() => go(-1)} barred={row.at === 0} />
      <IconButton icon="after" label="Next row" act={() => go(1)} barred={row.at >= row.count - 1} />
      <select
        class="hfw-input"
        aria-label="Rows to show"
        value={String(row.filter)}
        onChange={({ currentTarget }) => link.act("filter", { which: currentTarget.selectedIndex })}
      >
        {filters.map(({ label, count }, at) => <option key={at} value={String(at)}>{`${label} (${count})`}</option>)}
      </select>
      <span class="hfw-hint">{`Row ${row.index} · ${row.at + 1} of ${row.count}`}</span>
    </div>
  );
}

/** The right answer, and a box to correct it. */
function RightAnswer({ row: { answer, correctable, classes } }: { row: RowState }) {
  const { link } = usePanel();
  const id = useId();
  const [text, setText] = useDraft(answer);
  const submit = (event: Event) => {
    event.preventDefault();
    if (text.trim()) link.act("correct", { value: text });
  };
  return (
    <div class="hfw-row hfw-start">
      {answer && <p class="hfw-row-answer" dir="auto">{`Right answer: ${answer}`}</p>}
      {correctable && (
        <form class="hfw-row" onSubmit={submit}>
          <input
            class="hfw-input"
            type="text"
            list={id}
            dir="auto"
            aria-label="The right answer"
            value={text}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
          <datalist id={id}>
            {classes.map((value) => <option key={value} value={value} />)}
          </datalist>
          <button class="hfw-button">Correct the label</button>
        </form>
      )}
    </div>
  );
}
