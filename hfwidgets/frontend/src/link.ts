// One panel's line to its kernel: lives as long as the model, so late and second views show all.

import { ChunkLoader } from "./chunks.ts";
import { Mirror } from "./mirror.ts";
import { BUSY, type Doc, type FromKernel, type Shape, type ToKernel } from "./protocol.ts";

/** The part of a widget model that is used here. */
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
  on(name: string, callback: (...args: never[]) => void): void;
  off(name: string, callback: (...args: never[]) => void): void;
  widget_manager?: unknown;
}

const REPEAT_MS = 1000;
const SILENCE_MS = 3000;
const UNHEARD_MS = 4000;

export class Link {
  #fixed: Shape;
  readonly chunks: ChunkLoader;
  readonly mirror: Mirror;
  /** True once the kernel said anything: the notebook is live, not merely reopened. */
  live = false;
  /** True when the kernel has kept silent since the panel was opened. */
  unheard = false;
  /** True once a message could not be sent: the kernel was restarted or ended. */
  dead = false;
  #watchers = new Set<() => void>();
  #media = new Map<string, { url: Promise<string>; resolve: (url: string) => void }>();
  #heard = performance.now();
  #timer: ReturnType<typeof setInterval>;
  #check = () => this.#hello();
  #runs = 0;
  /** marimo runs cells again for what a page saves, not for what the kernel sets: say it again. */
  #echo = () => {
    const runs = this.model.get("completed_runs");
    if (typeof runs !== "number" || runs === this.#runs) return;
    this.#runs = runs;
    this.model.set("completed_runs", runs);
    this.model.save_changes();
  };
  /** Some hosts leave the buffers out where there are none. */
  #receive = (message: FromKernel, buffers?: DataView[]) => this.#take(message, buffers ?? []);

  constructor(private model: Model) {
    const start = model.get("_hfw_start") as { shape: Shape; doc: Doc };
    this.#fixed = start.shape;
    this.mirror = new Mirror(structuredClone(start.doc));
    this.chunks = new ChunkLoader(this.#fixed.chunks, (name) => this.tell({ k: "chunk", name }));
    model.on("msg:custom", this.#receive);
    // Front ends mark a widget when its kernel restarts; some do so before messages fail.
    model.on("comm_live_update", this.#check);
    model.on("change:completed_runs", this.#echo);
    this.#hello();
    this.#timer = setInterval(() => this.#watch(), REPEAT_MS);
  }

  /** What the panel shows beside its document; the form of a task replaces parts of it. */
  get shape(): Shape {
    const form = this.mirror.doc["form"] as Partial<Shape> | undefined;
    return form ? { ...this.#fixed, ...form } : this.#fixed;
  }

  get doc(): Doc {
    return this.mirror.doc;
  }

  /** The front end's widget manager, which knows the notebook in some of them. */
  get manager(): unknown {
    return this.model.widget_manager;
  }

  get busy(): boolean {
    return !this.dead && BUSY.has(this.doc.state.status);
  }

  /** Call `watcher` after every change; returns what ends it. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Send a message; false when there is no kernel to take it. */
  tell(message: ToKernel, buffers?: ArrayBuffer[]): boolean {
    let sent = true;
    try {
      this.model.send(message, undefined, buffers);
    } catch {
      sent = false;
    }
    if (this.dead === sent) {
      this.dead = !sent;
      this.#changed();
    }
    return sent;
  }

  /** Ask the kernel for an action; false when there is no kernel to take it, and the input is kept. */
  act(name: string, more: Record<string, unknown> = {}, buffers?: ArrayBuffer[]): boolean {
    return this.tell({ k: "do", do: name, ...more }, buffers);
  }

  /** Stop the run; the kernel is interrupted only when its own blocking call hears nothing else. */
  stop(): void {
    const { run } = this.doc.state;
    this.act("stop", { run });
    setTimeout(() => {
      const { state } = this.doc;
      const deaf = state.run === run && this.busy && !state.stopping;
      if (deaf && state.inCell) void interrupt(this.model.widget_manager).catch(() => undefined);
    }, 1000);
  }

  /** An address for media that the kernel holds, fetched once per page. */
  media(id: string): Promise<string> {
    const known = this.#media.get(id);
    if (known) return known.url;
    let resolve!: (url: string) => void;
    const url = new Promise<string>((yes) => (resolve = yes));
    this.#media.set(id, { url, resolve });
    this.tell({ k: "media", id });
    return url;
  }

  close(): void {
    clearInterval(this.#timer);
    this.model.off("msg:custom", this.#receive);
    this.model.off("comm_live_update", this.#check);
    this.model.off("change:completed_runs", this.#echo);
    for (const { url } of this.#media.values()) void url.then((made) => URL.revokeObjectURL(made));
  }

  #take(message: FromKernel, buffers: DataView[]): void {
    this.#heard = performance.now();
    this.live = true;
    this.dead = false;
    this.unheard = false;
    const [bytes] = buffers;
    if (message.k === "chunk" && bytes) {
      void this.chunks.take(message.name, message.hash, bytes).then(() => this.#changed());
    } else if (message.k === "media" && bytes) {
      const blob = new Blob([bytes as DataView<ArrayBuffer>], { type: message.type });
      this.#media.get(message.id)?.resolve(URL.createObjectURL(blob));
    } else {
      const before = this.mirror.lost;
      if (!this.mirror.take(message) && !before) this.#hello();
      this.#changed();
    }
  }

  #hello(): void {
    this.tell({ k: "hello", seq: this.mirror.lost ? -1 : this.mirror.seq });
  }

  /** Messages may be lost on a busy server without a word: what is missing is asked for again. */
  #watch(): void {
    if (this.dead) return;
    const silent = performance.now() - this.#heard;
    const wanting = !this.live || this.mirror.lost || (this.busy && silent > SILENCE_MS);
    if (wanting && (this.live || !this.unheard)) this.#hello();
    if (this.live) this.chunks.repeat();
    if (!this.live && !this.unheard && silent > UNHEARD_MS) {
      this.unheard = true;
      this.#changed();
    }
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

interface Kernel {
  interrupt?: () => Promise<void>;
}

async function interrupt(manager: unknown): Promise<void> {
  const kernel = (manager as { kernel?: Kernel } | undefined)?.kernel;
  await kernel?.interrupt?.();
}
