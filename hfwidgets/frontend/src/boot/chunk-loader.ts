// Code comes through the kernel, once per page: no CDN, no port, and none of it in the notebook.

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
  /** Chunks that were asked for, with the time until they are asked for again. */
  #asked = new Map<string, { at: number; rest: number }>();

  constructor(
    private hashes: Record<string, string>,
    private ask: (name: string) => void,
  ) {}

  /** The chunk when the page has it already; asks for it otherwise. */
  now(name: string): unknown {
    const found = this.#entry(name);
    if (found.ready === undefined) this.#request(name);
    return found.ready;
  }

  /** The chunk once it is there; `wait` milliseconds are left for one that comes unasked. */
  get(name: string, wait = 0): Promise<unknown> {
    const found = this.#entry(name);
    if (found.ready === undefined && wait === 0) this.#request(name);
    else if (found.ready === undefined) setTimeout(() => this.now(name), wait);
    return found.module;
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

  /** Ask again for what has not come, ever more rarely: the kernel may only be busy. */
  repeat(): void {
    for (const [name, asked] of this.#asked) {
      if (this.#entry(name).ready !== undefined) this.#asked.delete(name);
      else if (performance.now() - asked.at > asked.rest) {
        this.#asked.set(name, { at: performance.now(), rest: asked.rest * 2 });
        this.ask(name);
      }
    }
  }

  #entry(name: string): Entry {
    return entry(name, this.hashes[name] ?? "");
  }

  #request(name: string): void {
    if (this.#asked.has(name)) return;
    this.#asked.set(name, { at: performance.now(), rest: 900 });
    this.ask(name);
  }
}
