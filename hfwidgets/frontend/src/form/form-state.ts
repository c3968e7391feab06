// What a form shows: an example that is pointed at, what its user has changed and the kernel has
// not heard of yet, else what the kernel holds.

import { signal } from "@preact/signals";
import type { Connection } from "../document/connection.ts";
import type { Form, InputView, Json } from "../document/protocol.ts";

interface Edit {
  value: Json;
  /** What the control shows: with rows that are still empty, say. */
  show: Json;
  /** The number of the message that told the kernel; infinite until then. */
  n: number;
}

/** Takes files that were pasted anywhere in the form; false when they are of another kind. */
export type TakeFiles = (files: File[]) => boolean;

/** Numbers grow, whichever page or view of a panel they come from. */
let lastNumber = 0;

export class FormState {
  /** The number of the example that is previewed. */
  readonly preview = signal<number | null>(null);
  readonly takers = new Set<TakeFiles>();
  #edits = signal<ReadonlyMap<string, Edit>>(new Map());

  constructor(
    private link: Connection,
    readonly form: Form,
  ) {}

  /** What the control of an input shows. */
  shown(name: string): InputView | null {
    const example = this.form.examples?.[this.preview.value ?? -1];
    if (example) return example.preview[name] ?? null;
    const edit = this.#edit(name);
    return edit ? { kind: "plain", value: edit.show } : this.#held(name);
  }

  edit(name: string, value: Json, show: Json = value): void {
    this.#edits.value = new Map(this.#edits.value).set(name, { value, show, n: Infinity });
  }

  /** Tell the kernel what was changed. */
  commit(): void {
    this.link.act("inputs", this.#tellEdits());
  }

  run(): void {
    if (!this.link.busy.value) this.link.act("run", this.#tellEdits());
  }

  runExample(number: number): void {
    this.preview.value = null;
    if (!this.link.busy.value && this.link.act("example", { number })) this.#edits.value = new Map();
  }

  clear(): void {
    if (this.link.act("clear")) this.#edits.value = new Map();
  }

  /** True if the result answers other inputs than those that the form holds. */
  isStale(): boolean {
    const answered = this.link.part("answered");
    if (!answered) return false;
    return this.form.inputs.some(({ name }) => {
      const [edit, before] = [this.#edit(name), answered[name] ?? null];
      if (edit) return !isSameValue(edit.value, plainValue(before));
      return JSON.stringify(this.#held(name)) !== JSON.stringify(before);
    });
  }

  #held(name: string): InputView | null {
    return this.link.part("inputs")?.[name] ?? null;
  }

  /** A change that the kernel has not heard of, or that it holds, perhaps written otherwise. */
  #edit(name: string): Edit | undefined {
    const edit = this.#edits.value.get(name);
    const heard = this.link.part("heard") ?? 0;
    if (!edit || edit.n > heard) return edit;
    return isSameValue(edit.value, plainValue(this.#held(name))) ? edit : undefined;
  }

  #tellEdits(): { inputs: Record<string, Json>; n: number } {
    lastNumber = Math.max(lastNumber + 1, Date.now());
    const inputs: Record<string, Json> = {};
    const next = new Map(this.#edits.value);
    for (const [name, edit] of next) {
      if (edit.n !== Infinity) continue;
      inputs[name] = edit.value;
      next.set(name, { ...edit, n: lastNumber });
    }
    this.#edits.value = next;
    return { inputs, n: lastNumber };
  }
}

export function plainValue(shown: InputView | null): Json {
  return shown?.kind === "plain" ? (shown.value ?? null) : null;
}

/** True if two values are the same to a reader: 1e3 is 1000.0, and nothing is an empty text. */
export function isSameValue(one: Json, other: Json): boolean {
  if (typeof one === "object" && typeof other === "object" && one && other) {
    const keys = Object.keys(one);
    const [a, b] = [Object.entries(one), Object.entries(other)];
    return keys.length === b.length && a.every(([key, value], at) => key === b[at]?.[0] && isSameValue(value, b[at]?.[1] ?? null));
  }
  const [a, b] = [asText(one), asText(other)];
  return a === b || (a !== "" && b !== "" && Number(a) === Number(b));
}

function asText(value: Json): string {
  const isEmpty = value === null || (typeof value === "object" && Object.keys(value).length === 0);
  return isEmpty ? "" : String(value).trim();
}
