// Heavy parts, fetched when something needs them. Each is a module of its own, which names no other.

import type { ChunkLoader } from "../boot/chunk-loader.ts";
import type * as highlight from "../chunks/highlight.ts";
import type * as markdown from "../chunks/markdown.ts";
import type * as math from "../chunks/math.ts";
import type * as wave from "../chunks/wave.ts";

export interface Modules {
  markdown: typeof markdown;
  highlight: typeof highlight;
  math: typeof math;
  wave: typeof wave;
}

/** Where the heavy parts come from. */
export interface LazyModules {
  /** The module when the page has it already; asks for it otherwise. */
  now<K extends keyof Modules>(name: K): Modules[K] | undefined;
  get<K extends keyof Modules>(name: K): Promise<Modules[K]>;
}

export function lazyModules(loader: ChunkLoader): LazyModules {
  return {
    now: <K extends keyof Modules>(name: K) => loader.now(name) as Modules[K] | undefined,
    get: <K extends keyof Modules>(name: K) => loader.get(name) as Promise<Modules[K]>,
  };
}
