// The message that is written, and the one that is on its way to the kernel.

import { effect, signal, untracked } from "@preact/signals";
import type { AttachedImage, Draft } from "../document/protocol.ts";
import { shortModel } from "../parts/describe.ts";
import { Upload } from "../document/upload.ts";
import type { Panel } from "../parts/panel.ts";

const MOST_BYTES = 20_000_000;

interface Message {
  n: number;
  text: string;
  images: File[];
}

/** Numbers grow over all views and reloads of a page. */
let lastNumber = 0;

export class ComposerState {
  readonly text = signal("");
  readonly images = signal<readonly File[]>([]);
  readonly note = signal("");
  #pending = signal<Message | null>(null);
  #draft: Draft = { n: 0, text: "" };
  #attached: number;

  constructor(private panel: Panel) {
    this.#attached = panel.link.part("attached")?.n ?? 0;
  }

  /** Follow the kernel until what is returned is called. */
  follow(): () => void {
    const { link } = this.panel;
    const ends = [
      effect(() => this.#settle(link.part("heard") ?? 0, link.part("taken") ?? 0)),
      effect(() => this.#restore(link.part("draft") ?? null)),
      effect(() => this.#attach(link.part("attached") ?? null)),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  isReady(): boolean {
    const isEmpty = !this.text.value.trim() && this.images.value.length === 0;
    return !isEmpty && this.#pending.value === null;
  }

  submit(): void {
    if (!this.isReady()) return;
    lastNumber = Math.max(lastNumber + 1, Date.now());
    const message = { n: lastNumber, text: this.text.value, images: [...this.images.value] };
    this.#pending.value = message;
    void this.#send(message);
  }

  /** False where the model is known to read text only. */
  readsImages(): boolean {
    return this.panel.link.part("expected")?.reads_images !== false;
  }

  /** Take files that were pasted, dropped or chosen; false when no image was among them. */
  attach(files: File[]): boolean {
    const hasImages = files.some((file) => file.type.startsWith("image/"));
    if (!hasImages || this.readsImages()) return this.add(files);
    const model = this.panel.link.part("expected")?.model;
    this.note.value = `${model ? shortModel(model) : "This model"} reads text only, so the image was left out.`;
    return true;
  }

  /** Put images into the next message; false when none was among the files. */
  add(files: File[]): boolean {
    const images = files.filter((file) => file.type.startsWith("image/"));
    const fitting = images.filter((file) => file.size <= MOST_BYTES);
    if (fitting.length < images.length) this.panel.announce("An image over 20 MB was left out.");
    this.images.value = [...this.images.peek(), ...fitting];
    return images.length > 0;
  }

  remove(file: File): void {
    this.images.value = this.images.value.filter((other) => other !== file);
  }

  async #send({ n, text, images }: Message): Promise<void> {
    const { link } = this.panel;
    const sent: { name: string; type: string }[] = [];
    try {
      for (const [at, image] of images.entries()) {
        const name = `image-${n}-${at}`;
        const progress = (share: number) => {
          this.note.value = `Sending image ${at + 1}: ${Math.round(share * 100)}%`;
        };
        await new Upload(link, name, image, image.name, progress).run();
        sent.push({ name, type: image.type });
      }
      if (link.act("send", { text, n, images: sent })) this.note.value = "";
      else this.#release("");
    } catch (error) {
      this.#release(link.dead.value ? "" : String(error instanceof Error ? error.message : error));
    }
  }

  /** The message could not be sent: it stays, for another try. */
  #release(note: string): void {
    this.#pending.value = null;
    this.note.value = note;
  }

  /** The kernel has heard a message: what it has taken leaves the box, what it refused stays. */
  #settle(heard: number, taken: number): void {
    const pending = this.#pending.peek();
    if (!pending || heard < pending.n) return;
    this.#pending.value = null;
    this.note.value = "";
    if (taken < pending.n) return;
    this.images.value = this.images.peek().filter((image) => !pending.images.includes(image));
    const text = this.text.peek();
    this.text.value = text.startsWith(pending.text) ? text.slice(pending.text.length) : text;
  }

  /** A message that was not answered comes back, and leaves again when it is sent after all. */
  #restore(draft: Draft | null): void {
    if (!draft || draft.n === this.#draft.n) return;
    const text = this.text.peek();
    if (!text || text === this.#draft.text) {
      this.text.value = draft.text;
      this.images.value = [];
      for (const id of draft.images ?? []) void this.#fetch(id, "image", () => draft.n === this.#draft.n);
    }
    this.#draft = draft;
  }

  /** An image that a variable holds travels to the page, so that it is seen before it is sent. */
  #attach(found: AttachedImage | null): void {
    if (!found || found.n === this.#attached) return;
    this.#attached = found.n;
    void this.#fetch(found.id, found.about, () => true);
  }

  async #fetch(id: string, name: string, isWanted: () => boolean): Promise<void> {
    const { blob } = await untracked(() => this.panel.link.media(id));
    if (isWanted()) this.add([new File([blob], name, { type: blob.type })]);
  }
}
