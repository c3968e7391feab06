// One prompt, a column per model: the answers stream side by side, with what each took.

import type { Column } from "../document/protocol.ts";
import { isRunKey, RunRow } from "../form/run-row.tsx";
import { useDraft } from "../form/use-draft.ts";
import { CopyButton } from "../parts/buttons.tsx";
import { formatDuration } from "../parts/describe.ts";
import { Facts } from "../parts/facts.tsx";
import { usePanel } from "../parts/panel.ts";
import { FailureCard } from "../shell/failure-card.tsx";
import { Notice } from "../shell/notice.tsx";
import { MarkdownText } from "../text/markdown-text.tsx";
import { Differences, VoteButtons } from "../views/verdict.tsx";

export function ComparePanel() {
  const { link } = usePanel();
  const [prompt, setPrompt] = useDraft(link.part("prompt") ?? "");
  const columns = link.part("columns") ?? [];
  const run = () => {
    if (!link.busy.value && prompt.trim()) link.act("run", { prompt });
  };
  const key = (event: KeyboardEvent) => {
    if (!isRunKey(event)) return;
    event.preventDefault();
    run();
  };
  return (
    <>
      <div class="hfw-form">
        <Notice />
        <textarea
          class="hfw-input"
          dir="auto"
          rows={2}
          aria-label="Prompt for all models"
          placeholder="Ask all models"
          value={prompt}
          onInput={({ currentTarget }) => setPrompt(currentTarget.value)}
          onKeyDown={key}
        />
        <RunRow verb="Compare" run={run} />
      </div>
      <FailureCard />
      <div class="hfw-view hfw-comparison">
        <div class="hfw-columns">
          {columns.map((column) => <ColumnView key={column.model} column={column} />)}
        </div>
        <Verdict />
      </div>
    </>
  );
}

/** What differs and the vote, once all have answered. */
function Verdict() {
  const { link } = usePanel();
  const differences = link.part("differences");
  const names = (link.part("columns") ?? []).map(({ model }) => model);
  if (link.busy.value || !link.part("files")) return null;
  const cast = (at: number | null) => link.act("vote", { winner: at === null ? "same" : (names[at] ?? "") });
  return (
    <>
      {differences && <Differences differences={differences} />}
      <VoteButtons names={names} chosen={link.part("vote") ?? ""} cast={cast} />
    </>
  );
}

function ColumnView({ column }: { column: Column }) {
  const { model, provider, state, text, error } = column;
  const measures = listMeasures(column);
  const isOver = state === "done" || state === "failed";
  return (
    <section class="hfw-column" aria-label={model}>
      <div class="hfw-row">
        <h3 class="hfw-column-title" title={model}>{model}</h3>
        <span class="hfw-hint">{state === "done" ? provider : state}</span>
        <CopyButton label={`Copy the answer of ${model}`} text={() => text} />
      </div>
      {text ? <MarkdownText text={text} done={isOver} /> : !error && <p class="hfw-nothing">{state ? "…" : "The answer will appear here."}</p>}
      {error && <p class="hfw-column-error" dir="auto">{error}</p>}
      {measures.length > 0 && <Facts rows={measures} />}
    </section>
  );
}

function listMeasures(column: Column): [string, string][] {
  const { first_token_seconds: first, tokens_per_second: rate, seconds, tokens, dollars } = column;
  const all: [string, string | null][] = [
    ["First token", first == null ? null : formatDuration(first)],
    ["Tokens/s", rate == null ? null : rate.toFixed(1)],
    ["Total", seconds == null ? null : formatDuration(seconds)],
    ["Tokens", tokens == null ? null : String(tokens)],
    ["Price", dollars == null ? null : `$${dollars.toPrecision(2)}`],
  ];
  return all.filter((one): one is [string, string] => one[1] !== null);
}
