// Several models' results side by side, each in the view of its kind, with what differs and a vote.

import type { ComparedResult } from "../document/protocol.ts";
import { Facts } from "../parts/facts.tsx";
import { usePanel } from "../parts/panel.ts";
import { registerView, type ViewOf } from "./registry.ts";
import { ResultView } from "./result-view.tsx";
import { Differences, VoteButtons } from "./verdict.tsx";

function Comparison({ view }: { view: ViewOf<"comparison"> }) {
  const { link } = usePanel();
  const { columns, differences, vote = "" } = view;
  const cast = (at: number | null) => link.act("vote", { place: at === null ? null : (columns[at]?.place ?? null) });
  return (
    <div class="hfw-comparison">
      <div class="hfw-columns">
        {columns.map((column) => (
          // A voted comparison names its files anew, so its views are new ones as well.
          <Column key={`${column.name} ${view.raw}`} column={column} />
        ))}
      </div>
      {differences && <Differences differences={differences} />}
      <VoteButtons names={columns.map(({ name }) => name)} chosen={vote} cast={cast} />
    </div>
  );
}

function Column({ column: { name, view, error, facts, mark } }: { column: ComparedResult }) {
  return (
    <section class="hfw-column" aria-label={name}>
      <div class="hfw-row">
        <h3 class="hfw-column-title" title={name}>{name}</h3>
        {mark && <span class="hfw-hint">{mark}</span>}
      </div>
      {view ? <ResultView view={view} /> : <p class="hfw-column-error" dir="auto">{error}</p>}
      {facts.length > 0 && <Facts rows={facts.map(([title = "", text = ""]) => [title, text])} />}
    </section>
  );
}

registerView("comparison", Comparison);
