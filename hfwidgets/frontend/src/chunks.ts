// Heavy parts (Markdown, highlighter, formulas) come through the kernel, once per page, when a
// text needs them: no CDN, no port, and the notebook file holds none of them.

import type * as highlight from "./chunks/highlight.ts";
import type * as markdown from "./chunks/markdown.ts";
import type * as math from "./chunks/math.ts";
import type * as task from "./chunks/task.ts";

export interface Chunks {
  markdown: typeof markdown;
  highlight: typeof highlight;
  math: typeof math;
  task: typeof task;
}

interface Entry {
  module: Promise<unknown>;
  ready: unknown;
  resolve: (module: unknown) => void;
  reject: (why: unknown) => void;
}

const PAGE = Symbol.for("hfwidgets.chunks");

function cache(): Map<string, Entry> {
  const page = globalThis as { [PAGE]?: Map<string, Entry> };
  return (page[PAGE] ??= new Map());
}

function entry(name: string, hash: string): Entry {
  const key = `${name}@${hash}`;
  const known = cache().get(key);
  if (known) return known;
  let resolve!: Entry["resolve"];
  let reject!: Entry["reject"];
  const module = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
  module.catch(() => cache().delete(key));
  const made: Entry = { module, ready: undefined, resolve, reject };
  module.then((value) => (made.ready = value), () => undefined);
  cache().set(key, made);
  return made;
}

export class ChunkLoader {
  #asked = new Set<string>();

  constructor(
    private hashes: Record<string, string>,
    private ask: (name: string) => void,
  ) {}

  /** The chunk when the page has it already; asks for it otherwise. */
  now<K extends keyof Chunks>(name: K): Chunks[K] | undefined {
    const found = entry(name, this.hashes[name] ?? "");
    if (found.ready === undefined) this.#request(name);
    return found.ready as Chunks[K] | undefined;
  }

  async get<K extends keyof Chunks>(name: K): Promise<Chunks[K]> {
    const found = entry(name, this.hashes[name] ?? "");
    if (found.ready === undefined) this.#request(name);
    return (await found.module) as Chunks[K];
  }

  /** Take in the bytes that the kernel sent, asked for or not. */
  async take(name: string, hash: string, bytes: DataView): Promise<void> {
    const found = entry(name, hash);
    if (found.ready !== undefined) return;
    const copy = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice();
    const url = URL.createObjectURL(new Blob([copy], { type: "text/javascript" }));
    try {
      found.resolve(await import(/* @vite-ignore */ url));
    } catch (why) {
      found.reject(why);
    } finally {
      URL.revokeObjectURL(url);
    }
  }

  /** Ask again for what has not come: a message to the kernel may have been lost. */
  repeat(): void {
    for (const name of this.#asked) {
      if (entry(name, this.hashes[name] ?? "").ready === undefined) this.ask(name);
      else this.#asked.delete(name);
    }
  }

  #request(name: string): void {
    if (this.#asked.has(name)) return;
    this.#asked.add(name);
    this.ask(name);
  }
}
