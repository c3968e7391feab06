// The place of the result: what will stand there, what went wrong, or the view of what came.

import { useRef } from "preact/hooks";
import type { View } from "../document/protocol.ts";
import { usePanel } from "../parts/panel.ts";
import { FailureCard } from "../shell/failure-card.tsx";
import { ResultView } from "../views/result-view.tsx";
import type { FormState } from "./form-state.ts";
import { Gallery } from "./gallery.tsx";

export function ResultPlace({ state }: { state: FormState }) {
  const { link } = usePanel();
  const view = link.part("result") ?? null;
  const key = useResultKey(view);
  const busy = link.busy.value;
  const isOver = (view?.n ?? 0) > 0;
  const stale = isOver && !busy && state.isStale();
  const dim = isOver && (busy || stale);
  return (
    <section class="hfw-result" aria-label="Result">
      <FailureCard />
      {stale && <p class="hfw-stale-note">From the previous input</p>}
      {view ? (
        <div class={`hfw-view${dim ? " hfw-stale" : ""}`}>
          <ResultView key={key} view={view} />
        </div>
      ) : (
        <p class="hfw-outcome">{state.form.outcome}</p>
      )}
      <Gallery />
    </section>
  );
}

/** A key that changes with the result, but not when a streamed text has ended: that is the same text. */
function useResultKey(view: View | null): string {
  const last = useRef({ kind: "", n: 0, key: 0 });
  const { kind, n = 0 } = view ?? { kind: "" };
  const before = last.current;
  const isEnd = kind === before.kind && before.n < 0 && n > 0;
  if (n !== before.n || kind !== before.kind) last.current = { kind, n, key: before.key + (isEnd ? 0 : 1) };
  return `${kind} ${last.current.key}`;
}
