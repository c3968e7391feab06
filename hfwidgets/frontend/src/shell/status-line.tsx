// How the run goes or went: short here, with all that is known of it under Details.

import { useEffect, useRef, useState } from "preact/hooks";
import { BUSY } from "../document/messages.ts";
import type { State } from "../document/protocol.ts";
import { listStats, summarizeRun } from "../parts/describe.ts";
import { Facts } from "../parts/facts.tsx";
import { usePanel } from "../parts/panel.ts";

const TICK_MS = 250;

export function StatusLine() {
  const { link } = usePanel();
  const state = link.part("state");
  const seconds = useElapsed(state);
  if (link.dead.value) {
    return (
      <>
        <span class="hfw-dot hfw-is-failed" />
        <span class="hfw-status">Kernel restarted</span>
      </>
    );
  }
  const { status, eta, stats, stopping } = state;
  const talks = link.shape.value.view === "chat" && status === "running";
  const note = state.note || (talks ? "Waiting for the first token" : "");
  const facts = stats ? listStats(stats) : [];
  const all = facts.map(([name, text]) => `${name}: ${text}`).join("\n");
  return (
    <>
      <span class={`hfw-dot hfw-is-${status}`} />
      <span class="hfw-status" title={all}>{stopping ? "Stopping…" : describeState({ ...state, note }, seconds)}</span>
      {status === "loading" && eta !== null && (
        <progress class="hfw-bar" max={1} value={Math.min(0.98, seconds / Math.max(eta, 1))} aria-label="Loading" />
      )}
      {facts.length > 0 && (
        <details class="hfw-details">
          <summary>Details</summary>
          <Facts rows={facts} />
        </details>
      )}
    </>
  );
}

/** Seconds since the wait of the present kind began. */
function useElapsed({ run, status }: State): number {
  const { link } = usePanel();
  const busy = link.busy.value;
  const wait = `${run} ${status === "loading" ? status : BUSY.has(status)}`;
  const since = useRef({ wait, at: performance.now() });
  const [, tick] = useState(0);
  if (since.current.wait !== wait) since.current = { wait, at: performance.now() };
  useEffect(() => {
    if (!busy) return undefined;
    const timer = setInterval(() => tick((n) => n + 1), TICK_MS);
    return () => clearInterval(timer);
  }, [busy]);
  return (performance.now() - since.current.at) / 1000;
}

function describeState({ status, note, eta, stats }: State, seconds: number): string {
  const elapsed = `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (status === "loading") return `${note || "Loading"}${eta ? `, about ${Math.round(eta)} s` : ""}… ${elapsed}`;
  if (status === "validating") return "Checking…";
  if (status === "running") return `${note || "Working"}… ${elapsed}`;
  if (status === "streaming") return `Answering… ${elapsed}`;
  const summary = stats ? summarizeRun(stats) : "";
  if (status === "stopped") return summary ? `Stopped · ${summary}` : note || "Stopped";
  if (status === "failed") return summary || "Failed";
  return summary || note;
}
