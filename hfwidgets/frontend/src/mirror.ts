// The page's copy of a panel's document. Pure logic: no DOM, no timers.

import type { Doc, FromKernel, Op, Path } from "./protocol.ts";

type Node = Record<string | number, unknown>;

export class Mirror {
  doc: Doc;
  /** Number of the last patch that is in `doc`. */
  seq = 0;
  /** True once a number was missed: patches are refused until the whole document comes. */
  lost = false;

  constructor(start: Doc) {
    this.doc = start;
  }

  /** Take one message in; false means that the whole document has to be asked for. */
  take(message: FromKernel): boolean {
    if (message.k === "doc") {
      this.doc = message.doc;
      this.seq = message.seq;
      this.lost = false;
    } else if (message.k === "ops") {
      this.lost ||= !this.#patch(message.seq, message.ops);
    }
    return !this.lost;
  }

  #patch(seq: number, ops: Op[]): boolean {
    if (ops.length === 0) return seq <= this.seq; // an acknowledgement carries the latest number
    if (seq <= this.seq) return true; // already within the document that came meanwhile
    if (this.lost || seq !== this.seq + 1) return false;
    this.seq = seq;
    return ops.every((op) => apply(this.doc, op));
  }
}

/** Change the document in place; false when the operation does not fit it. */
export function apply(doc: object, op: Op): boolean {
  const [kind, path] = op;
  const last = path.at(-1);
  const parent = reach(doc, path.slice(0, -1));
  if (last === undefined || parent === null) return false;
  const old = Object.hasOwn(parent, last) ? parent[last] : undefined;
  if (kind === "=") {
    if (Array.isArray(parent) && (typeof last !== "number" || last > parent.length)) return false;
    define(parent, last, op[2]);
    return true;
  }
  if (kind === "+") {
    if (typeof old !== "string" || old.length !== op[2]) return false;
    parent[last] = old + op[3];
    return true;
  }
  if (!Array.isArray(old) || old.length < op[2]) return false;
  old.length = op[2];
  return true;
}

function define(parent: Node, key: string | number, value: unknown): void {
  Object.defineProperty(parent, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

function reach(doc: object, path: Path): Node | null {
  let node: unknown = doc;
  for (const key of path) {
    if (node === null || typeof node !== "object" || !Object.hasOwn(node, key)) return null;
    node = (node as Node)[key];
  }
  return node !== null && typeof node === "object" ? (node as Node) : null;
}
