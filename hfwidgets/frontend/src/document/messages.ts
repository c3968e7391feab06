// What the kernel and the page send each other, apart from the document itself.

import type { Json, PanelDocument } from "./protocol.ts";

export type Path = (string | number)[];

/** Set a value; append text at an offset (UTF-16 units); cut a list to a length. */
export type Op = ["=", Path, unknown] | ["+", Path, number, string] | ["cut", Path, number];

export type FromKernel =
  | { k: "ops"; seq: number; ops: Op[] }
  | { k: "doc"; seq: number; doc: PanelDocument }
  | { k: "chunk"; name: string; hash: string }
  | { k: "media"; id: string; type: string };

export type Arguments = Record<string, Json | undefined>;

export type ToKernel =
  | { k: "hello"; seq: number }
  | { k: "media"; id: string }
  | ({ k: "do"; do: string } & Arguments);

export const BUSY: ReadonlySet<string> = new Set(["validating", "loading", "running", "streaming"]);
