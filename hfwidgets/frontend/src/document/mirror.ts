// The page's copy of a panel's document: a signal for each part. A patch copies what lies on its
// path and shares the rest, so that a component is drawn again only when what it reads changed.

import { batch, type Signal, signal } from "@preact/signals";
import type { FromKernel, Op, Path } from "./messages.ts";
import type { PanelDocument } from "./protocol.ts";

const MISFIT = Symbol("misfit");

export class Mirror {
  #parts = new Map<string, Signal<unknown>>();
  /** Number of the last patch that is in the document. */
  seq = 0;
  /** True once a number was missed: patches are refused until the whole document comes. */
  lost = false;

  constructor(start: PanelDocument) {
    this.#replace(start);
  }

  /** A part of the document; what reads it within a component or an effect follows its changes. */
  part<K extends keyof PanelDocument>(name: K): PanelDocument[K] {
    return this.#signal(name).value as PanelDocument[K];
  }

  /** Take one message in; false means that the whole document has to be asked for. */
  take(message: FromKernel): boolean {
    batch(() => {
      if (message.k === "doc") {
        this.#replace(message.doc);
        this.seq = message.seq;
        this.lost = false;
      } else if (message.k === "ops") {
        this.lost ||= !this.#patch(message.seq, message.ops);
      }
    });
    return !this.lost;
  }

  #patch(seq: number, ops: Op[]): boolean {
    if (ops.length === 0) return seq <= this.seq; // an acknowledgement carries the latest number
    if (seq <= this.seq) return true; // already within the document that came meanwhile
    if (this.lost || seq !== this.seq + 1) return false;
    this.seq = seq;
    return ops.every((op) => this.#apply(op));
  }

  #apply(op: Op): boolean {
    const [name, ...path] = op[1];
    if (typeof name !== "string") return false;
    const part = this.#signal(name);
    const next = patched(part.peek(), path, op);
    if (next === MISFIT) return false;
    part.value = next;
    return true;
  }

  #replace(doc: PanelDocument): void {
    const parts = new Map<string, unknown>(Object.entries(doc));
    for (const name of new Set([...this.#parts.keys(), ...parts.keys()])) {
      this.#signal(name).value = parts.get(name);
    }
  }

  #signal(name: string): Signal<unknown> {
    const known = this.#parts.get(name);
    if (known) return known;
    const made = signal<unknown>(undefined);
    this.#parts.set(name, made);
    return made;
  }
}

/** The node with an operation applied to what lies at the path below it; MISFIT if it does not fit. */
function patched(node: unknown, path: Path, op: Op): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return changed(node, op);
  const isNew = rest.length === 0 && op[0] === "=";
  if (Array.isArray(node)) {
    const most = isNew ? node.length : node.length - 1;
    if (typeof key !== "number" || key < 0 || key > most) return MISFIT;
    const next = patched(node[key], rest, op);
    return next === MISFIT ? MISFIT : node.toSpliced(key, 1, next);
  }
  if (!isRecord(node) || (!isNew && !Object.hasOwn(node, key))) return MISFIT;
  const next = patched(Object.hasOwn(node, key) ? node[key] : undefined, rest, op);
  if (next === MISFIT) return MISFIT;
  // Defined, not assigned: a key such as __proto__ is a key like any other.
  return Object.defineProperty({ ...node }, key, {
    value: next,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

function changed(old: unknown, op: Op): unknown {
  if (op[0] === "=") return op[2];
  if (op[0] === "+") return typeof old === "string" && old.length === op[2] ? old + op[3] : MISFIT;
  return Array.isArray(old) && old.length >= op[2] ? old.slice(0, op[2]) : MISFIT;
}

function isRecord(node: unknown): node is Record<string | number, unknown> {
  return typeof node === "object" && node !== null;
}
