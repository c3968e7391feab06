// What the tools work on: a result, a conversation, a comparison.

import type { Connection } from "../document/connection.ts";
import type { Save, View } from "../document/protocol.ts";

export interface Source {
  n: number;
  /** The id of its JSON; empty where there is none. */
  raw: string;
  saves: Save[];
  /** What is copied; its JSON where this is empty. Only read when it is needed: it may be growing. */
  text: () => string;
  /** An image that was made from another can be the next one's input. */
  isInput: boolean;
}

export function findSource(link: Connection): Source | null {
  const files = link.part("files");
  if (!files) return sourceOf(link.part("result") ?? null);
  const text = () => link.part("turns")?.findLast(({ role }) => role === "assistant")?.text ?? "";
  return { n: files.n, raw: files.raw ?? "", saves: files.saves ?? [], text, isInput: false };
}

function sourceOf(view: View | null): Source | null {
  if (!view) return null;
  const tracks = view.kind === "audio" ? view.tracks.flatMap(({ saves = [] }) => saves) : [];
  return {
    n: view.n ?? 0,
    raw: view.raw ?? "",
    saves: [...tracks, ...(view.saves ?? [])],
    text: () => ("text" in view && view.kind !== "spans" ? view.text : ""),
    isInput: view.kind === "image" && Boolean(view.before),
  };
}
