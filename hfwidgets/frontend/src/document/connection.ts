// One panel's line to its kernel: lives as long as the model, so late and second views show all.

import { computed, effect, type ReadonlySignal, signal, untracked } from "@preact/signals";
import type { ChunkLoader } from "../boot/chunk-loader.ts";
import type { Model } from "../boot/model.ts";
import { addressOf } from "./address.ts";
import { type LazyModules, lazyModules } from "./lazy-modules.ts";
import { type Arguments, BUSY, type FromKernel, type ToKernel } from "./messages.ts";
import { Mirror } from "./mirror.ts";
import type { Form, PanelDocument, PanelShape } from "./protocol.ts";

const REPEAT_MS = 1000;
const SILENCE_MS = 3000;
const UNHEARD_MS = 4000;
const INTERRUPT_MS = 1000;

/** A file that the kernel holds, on this page. */
export interface Media {
  url: string;
  blob: Blob;
}

export type Shape = PanelShape & Partial<Form>;

export class Connection {
  /** True once the kernel said anything: the notebook is live, not merely reopened. */
  readonly live = signal(false);
  /** True when the kernel has kept silent since the panel was opened. */
  readonly unheard = signal(false);
  /** True once a message could not be sent: the kernel was restarted or ended. */
  readonly dead = signal(false);
  /** The run whose Stop the kernel has not heard, since a cell occupies it. */
  readonly #unstopped = signal<number | null>(null);
  readonly modules: LazyModules;
  /** What the panel shows beside its document; the form of a task replaces parts of it. */
  readonly shape: ReadonlySignal<Shape>;
  readonly busy = computed(() => !this.dead.value && BUSY.has(this.part("state").status));
  /** True while a Stop waits for a cell to end. */
  readonly stopWaits = computed(() => {
    const { run, stopping } = this.part("state");
    return this.busy.value && !stopping && this.#unstopped.value === run;
  });
  readonly #mirror: Mirror;
  #media = new Map<string, { made: Promise<Media>; resolve: (media: Media) => void }>();
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

  constructor(
    private model: Model,
    loader: ChunkLoader,
  ) {
    const start = model.get("_hfw_start") as { shape: PanelShape; doc: PanelDocument };
    this.#mirror = new Mirror(structuredClone(start.doc));
    this.shape = computed(() => ({ ...start.shape, ...this.part("form") }));
    this.modules = lazyModules(loader);
    model.on("msg:custom", this.#receive);
    // Front ends mark a widget when its kernel restarts; some do so before messages fail.
    model.on("comm_live_update", this.#check);
    model.on("change:completed_runs", this.#echo);
    this.#hello();
    this.#timer = setInterval(() => this.#watch(), REPEAT_MS);
  }

  /** A part of the document, followed by the component or effect that reads it. */
  part<K extends keyof PanelDocument>(name: K): PanelDocument[K] {
    return this.#mirror.part(name);
  }

  /** The front end's widget manager, which knows the notebook in some of them. */
  get manager(): unknown {
    return this.model.widget_manager;
  }

  /** Ask the kernel for an action; false when there is no kernel to take it, and the input is kept. */
  act(name: string, more: Arguments = {}, buffers?: ArrayBuffer[]): boolean {
    return this.#tell({ k: "do", do: name, ...more }, buffers);
  }

  /** Stop the run; the kernel is interrupted only when its own blocking call hears nothing else. */
  stop(): void {
    const { run } = this.part("state");
    this.act("stop", { run });
    setTimeout(() => {
      const state = this.part("state");
      const deaf = state.run === run && this.busy.value && !state.stopping;
      if (deaf) void this.#interrupt(state.inCell).then((done) => !done && (this.#unstopped.value = run));
    }, INTERRUPT_MS);
  }

  /** Interrupt the panel's own cell; false where it is another one, or the front end cannot. */
  async #interrupt(isOwn: boolean): Promise<boolean> {
    try {
      return isOwn && (await interrupt(this.manager));
    } catch {
      return false;
    }
  }

  /** A file that the kernel holds, fetched once per page. */
  media(id: string): Promise<Media> {
    const known = this.#media.get(id);
    if (known) return known.made;
    let resolve!: (media: Media) => void;
    const made = new Promise<Media>((yes) => (resolve = yes));
    this.#media.set(id, { made, resolve });
    this.#tell({ k: "media", id });
    return made;
  }

  close(): void {
    clearInterval(this.#timer);
    this.model.off("msg:custom", this.#receive);
    this.model.off("comm_live_update", this.#check);
    this.model.off("change:completed_runs", this.#echo);
    for (const { made } of this.#media.values()) void made.then(({ url }) => URL.revokeObjectURL(url));
  }

  /** Call `act` with every new status, and whether the panel was busy before it. */
  onStatus(act: (status: string, before: string) => void): () => void {
    let before = this.part("state").status;
    return effect(() => {
      const { status } = this.part("state");
      const was = before;
      before = status;
      if (status !== was) untracked(() => act(status, was));
    });
  }

  #tell(message: ToKernel, buffers?: ArrayBuffer[]): boolean {
    try {
      this.model.send(message, undefined, buffers);
      this.dead.value = false;
    } catch {
      this.dead.value = true;
    }
    return !this.dead.value;
  }

  #take(message: FromKernel, buffers: DataView[]): void {
    this.#heard = performance.now();
    this.live.value = true;
    this.dead.value = false;
    this.unheard.value = false;
    const [bytes] = buffers;
    if (message.k === "media" && bytes) this.#keep(message.id, message.type, bytes);
    else if (message.k === "ops" || message.k === "doc") {
      const before = this.#mirror.lost;
      if (!this.#mirror.take(message) && !before) this.#hello();
    }
  }

  #keep(id: string, type: string, bytes: DataView): void {
    // A copy, because a Blob takes no view of shared memory.
    const copy = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice();
    const blob = new Blob([copy], { type });
    void addressOf(blob).then((url) => this.#media.get(id)?.resolve({ url, blob }));
  }

  #hello(): void {
    this.#tell({ k: "hello", seq: this.#mirror.lost ? -1 : this.#mirror.seq });
  }

  /** Messages may be lost on a busy server without a word: what is missing is asked for again. */
  #watch(): void {
    if (this.dead.value) return;
    const silent = performance.now() - this.#heard;
    const live = this.live.value;
    const wanting = !live || this.#mirror.lost || (this.busy.value && silent > SILENCE_MS);
    if (wanting && (live || !this.unheard.value)) this.#hello();
    if (!live && silent > UNHEARD_MS) this.unheard.value = true;
  }
}

function has<K extends string>(value: unknown, key: K): value is Record<K, unknown> {
  return typeof value === "object" && value !== null && key in value;
}

/** Interrupt the kernel; false where the front end does not reach it. */
async function interrupt(manager: unknown): Promise<boolean> {
  const kernel = has(manager, "kernel") ? manager.kernel : null;
  if (!has(kernel, "interrupt") || typeof kernel.interrupt !== "function") return false;
  await kernel.interrupt();
  return true;
}
