// Numbers and rows in the form that people read and hear.

import type { LabelRow, RunStats, View } from "../document/protocol.ts";

/** A score with the digits that mean something. */
export function formatScore(score: number): string {
  if (score !== 0 && Math.abs(score) < 0.001) return score > 0 ? "<0.001" : ">-0.001";
  return score.toFixed(3);
}

/** Return the percentage of a share of 1. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent === 0 || percent === 100) return `${percent}%`;
  if (percent < 0.1) return "<0.1%";
  if (percent > 99.9) return ">99.9%";
  const digits = percent < 10 || percent > 99 ? 1 : 0;
  return `${Number(percent.toFixed(digits))}%`;
}

/** True if all scores are shares of 1. */
export function areShares(rows: LabelRow[]): boolean {
  return rows.every(({ score }) => score === null || (score >= 0 && score <= 1));
}

/** A row in words, for those who do not see it. */
export function describeRow(row: LabelRow): string {
  return row.score === null ? row.label : `${row.label}, ${Math.round(row.score * 100)} percent`;
}

/** A result in a few words: its first row, or the beginning of its text. */
export function outlineResult(view: View): string {
  if ("rows" in view && view.kind !== "parts" && view.rows[0]) return describeRow(view.rows[0]);
  return "text" in view ? view.text.slice(0, 200) : "";
}

/** Seconds of a wall clock; what is short is said more exactly. */
export function formatDuration(seconds: number): string {
  if (seconds < 0.1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
}

/** Return minutes and seconds: 1:02.3. */
export function formatClock(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  const rest = tenths % 600;
  return `${Math.floor(tenths / 600)}:${String(Math.floor(rest / 10)).padStart(2, "0")}.${rest % 10}`;
}

/** A model's name without its owner. */
export function shortModel(model: string): string {
  return model.split("/").at(-1) ?? model;
}

function formatRate({ rate, counted }: RunStats): string | null {
  return rate == null ? null : `${counted ? "≈ " : ""}${formatCount(rate, rate < 10 ? 1 : 0)} tokens/s`;
}

/** A number with separators between its thousands. */
function formatCount(count: number, digits = 0): string {
  return count.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function formatTokens({ prompt, completion, counted }: RunStats): string | null {
  if (completion == null) return null;
  const noun = completion === 1 && prompt == null ? "token" : "tokens";
  if (counted) return `≈ ${formatCount(completion)} ${noun}`;
  return `${prompt == null ? "" : `${formatCount(prompt)} + `}${formatCount(completion)} ${noun}`;
}

/** The little that is shown of a run that is over. */
export function summarizeRun(stats: RunStats): string {
  const rate = formatRate(stats);
  const parts = [
    stats.seconds != null && !rate && formatDuration(stats.seconds),
    rate,
    stats.recorded && `recorded on ${stats.recorded}`,
    stats.cached && "cached",
    stats.finish === "length" && "cut at the token limit",
    stats.provider,
  ];
  return parts.filter(Boolean).join(" · ");
}

/** All that is known of a run that is over, by name. */
export function listStats(stats: RunStats): [name: string, text: string][] {
  const all: [string, string | null | undefined][] = [
    ["Model", stats.model],
    ["Provider", stats.provider],
    ["Total", stats.seconds == null ? null : formatDuration(stats.seconds)],
    ["First token", stats.first == null ? null : formatDuration(stats.first)],
    // A stream's header tells how long it took to begin, and that is the first token's time.
    ["Server", stats.server == null || stats.first != null ? null : formatDuration(stats.server)],
    ["Speed", formatRate(stats)],
    ["Tokens", formatTokens(stats)],
    ["Price", stats.cost == null ? null : `$${stats.cost.toPrecision(2)}`],
    ["Cache", stats.cached == null ? null : stats.cached ? "cached" : "fresh"],
    ["Recorded", stats.recorded],
    ["Ended", stats.finish],
  ];
  return all.filter((one): one is [string, string] => Boolean(one[1]));
}
