// The widget module, which every notebook with a panel holds: it fetches the rest from the kernel.

import { ChunkLoader } from "./boot/chunk-loader.ts";
import type { Model } from "./boot/model.ts";

/** The chunk with the panels, as far as it is needed here. */
interface Ui {
  open(model: Model, loader: ChunkLoader): OpenPanel;
}

interface OpenPanel {
  mount(el: HTMLElement): () => void;
  close(): void;
}

interface ChunkMessage {
  k: string;
  name: string;
  hash: string;
}

const REPEAT_MS = 1000;
/** The kernel sends the panels' code unasked where it shows one. */
const PATIENCE_MS = 250;
const UNHEARD_MS = 4000;
const SILENT =
  "The kernel has not answered. It is busy with a cell, or this notebook was only reopened. " +
  "Run the panel's cell to use it again.";

class Boot {
  readonly panel: Promise<OpenPanel>;
  #live = false;
  #loader: ChunkLoader;
  #timer: ReturnType<typeof setInterval>;
  #receive = (message: ChunkMessage, buffers?: DataView[]) => {
    this.#live = true;
    const bytes = buffers?.[0];
    if (message.k === "chunk" && bytes) void this.#loader.take(message.name, message.hash, bytes);
  };

  constructor(private model: Model) {
    const { shape } = model.get("_hfw_start") as { shape: { chunks: Record<string, string> } };
    this.#loader = new ChunkLoader(shape.chunks, (name) => this.#ask(name));
    model.on("msg:custom", this.#receive);
    this.#timer = setInterval(() => this.#live && this.#loader.repeat(), REPEAT_MS);
    this.panel = this.#open();
  }

  async #open(): Promise<OpenPanel> {
    const ui = (await this.#loader.get("ui", PATIENCE_MS)) as Ui;
    return ui.open(this.model, this.#loader);
  }

  #ask(name: string): void {
    try {
      this.model.send({ k: "chunk", name });
    } catch {
      // No kernel is there to answer, which the note below says.
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.model.off("msg:custom", this.#receive);
    void this.panel.then((panel) => panel.close());
  }
}

const boots = new WeakMap<Model, Boot>();

function bootOf(model: Model): Boot {
  const known = boots.get(model);
  if (known) return known;
  const made = new Boot(model);
  boots.set(model, made);
  return made;
}

function initialize({ model }: { model: Model }): () => void {
  const boot = bootOf(model);
  return () => {
    boot.close();
    boots.delete(model);
  };
}

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  let closed = false;
  let unmount = () => undefined as void;
  const note = document.createElement("section");
  note.className = "hfw";
  const words = document.createElement("p");
  words.className = "hfw-note";
  words.textContent = SILENT;
  words.style.cssText = "margin: 4px; font: 13px/1.5 system-ui, sans-serif; opacity: 0.8";
  note.append(words);
  const timer = setTimeout(() => el.append(note), UNHEARD_MS);
  void bootOf(model).panel.then((panel) => {
    clearTimeout(timer);
    note.remove();
    if (!closed) unmount = panel.mount(el);
  });
  return () => {
    closed = true;
    clearTimeout(timer);
    note.remove();
    unmount();
  };
}

export default { initialize, render };
