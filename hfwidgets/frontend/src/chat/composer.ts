// Where the next message is written: Enter sends, Shift+Enter breaks the line, Esc stops. What was
// written stays until the kernel has it, and comes back when it was not answered.

import { bar, exchange, h, icon, iconButton, say, show } from "../dom.ts";
import type { Link } from "../link.ts";
import { Upload } from "../upload.ts";

const MAX_IMAGE = 20_000_000;

interface Draft {
  n: number;
  text: string;
  images?: string[];
}

/** Numbers grow over all views and reloads of a page. */
function nextNumber(): number {
  lastNumber = Math.max(lastNumber + 1, Date.now());
  return lastNumber;
}

let lastNumber = 0;

export class Composer {
  readonly node: HTMLElement;
  #box: HTMLTextAreaElement;
  #send: HTMLButtonElement;
  #stop: HTMLButtonElement;
  #files: HTMLInputElement;
  #strip = h("div", { class: "hfw-pictures", hidden: true });
  #note = h("p", { class: "hfw-hint", role: "status", hidden: true });
  #images: File[] = [];
  /** The message on its way: its number, and what it is made of. */
  #pending: { n: number; text: string; images: File[] } | null = null;
  /** Where pictures of variables are offered, once that part of the page is there. */
  readonly attach = h("span", { hidden: true });
  #draft: Draft = { n: 0, text: "" };

  constructor(
    private link: Link,
    private lastPrompt: () => string,
    private announce: (text: string) => void,
  ) {
    this.#box = this.#textarea();
    this.#send = this.#button("hfw-primary", "Send", "send", () => this.#submit());
    this.#stop = this.#button("hfw-stop", "Stop", "stop", () => this.link.stop());
    this.#files = h("input", { type: "file", accept: "image/*", multiple: true, hidden: true });
    this.#files.addEventListener("change", () => this.add([...(this.#files.files ?? [])]));
    const attach = iconButton("attach", "Attach pictures", () => this.#files.click());
    const row = h("div", { class: "hfw-compose-row" }, attach, this.attach, this.#files, this.#box, this.#send, this.#stop);
    this.node = h("div", { class: "hfw-compose" }, this.#strip, row, this.#note);
    this.#transfers();
  }

  focus(): void {
    this.#box.focus();
  }

  /** Put a text into the box, for its user to send or to change. */
  write(text: string): void {
    this.#box.value = text;
    this.#fit();
    this.#ready();
  }

  update(): void {
    const { busy, doc } = this.link;
    exchange(this.#send, this.#stop, busy);
    bar(this.#stop, doc.state.stopping);
    this.#settle(doc["heard"] as number, doc["taken"] as number);
    this.#restore(doc["draft"] as Draft);
    this.#ready();
  }

  /** A message that was not answered comes back, and leaves again when it is sent after all. */
  #restore(draft: Draft): void {
    if (draft.n === this.#draft.n) return;
    if (!this.#box.value || this.#box.value === this.#draft.text) {
      this.write(draft.text);
      this.#images = [];
      this.#preview();
      for (const id of draft.images ?? []) void this.#fetch(id, draft.n);
    }
    this.#draft = { ...draft };
  }

  async #fetch(id: string, n: number): Promise<void> {
    const blob = await (await fetch(await this.link.media(id))).blob();
    if (n === this.#draft.n) this.add([new File([blob], "image", { type: blob.type })]);
  }

  /** The kernel has heard a message: what it has taken leaves the box, what it refused stays. */
  #settle(heard: number, taken: number): void {
    const pending = this.#pending;
    if (!pending || heard < pending.n) return;
    this.#pending = null;
    this.#say("");
    if (taken < pending.n) return;
    this.#images = this.#images.filter((image) => !pending.images.includes(image));
    this.#preview();
    const { value } = this.#box;
    this.write(value.startsWith(pending.text) ? value.slice(pending.text.length) : value);
  }

  #say(text: string): void {
    say(this.#note, text);
    show(this.#note, text !== "");
  }

  #textarea(): HTMLTextAreaElement {
    return h("textarea", {
      class: "hfw-box",
      dir: "auto",
      rows: 1,
      placeholder: "Write a message",
      "aria-label": "Message",
      title: "Enter sends, Shift+Enter starts a new line, Esc stops",
      oninput: () => {
        this.#fit();
        this.#ready();
      },
      onkeydown: (event: KeyboardEvent) => this.#key(event),
    });
  }

  #button(kind: string, label: string, name: "send" | "stop", act: () => void): HTMLButtonElement {
    const props = { type: "button", class: `hfw-go ${kind}`, title: label, "aria-label": label };
    return h("button", { ...props, onclick: act }, icon(name));
  }

  #key(event: KeyboardEvent): void {
    const plain = !event.shiftKey && !event.isComposing && !event.altKey;
    if (event.key === "Enter" && plain) {
      event.preventDefault();
      if (!this.link.busy) this.#submit();
    } else if (event.key === "ArrowUp" && plain && !this.#box.value) {
      const text = this.lastPrompt();
      if (!text) return;
      event.preventDefault();
      this.write(text);
    }
  }

  #submit(): void {
    const text = this.#box.value;
    if (this.#pending || (!text.trim() && this.#images.length === 0)) return;
    this.#pending = { n: nextNumber(), text, images: [...this.#images] };
    this.#ready();
    void this.#ship(this.#pending);
  }

  async #ship(message: { n: number; text: string; images: File[] }): Promise<void> {
    const { n, text } = message;
    const images: { name: string; type: string }[] = [];
    try {
      for (const [at, image] of message.images.entries()) {
        const name = `image-${n}-${at}`;
        const progress = (share: number) => this.#say(`Sending image ${at + 1}: ${Math.round(share * 100)} %`);
        await new Upload(this.link, name, image, image.name, progress).run();
        images.push({ name, type: image.type });
      }
      if (this.link.act("send", { text, n, images })) this.#say("");
      else this.#release();
    } catch (error) {
      this.#release();
      if (!this.link.dead) this.#say(error instanceof Error ? error.message : String(error));
    }
  }

  /** The message could not be sent: it stays, for another try. */
  #release(): void {
    this.#pending = null;
    this.#say("");
    this.#ready();
  }

  #fit(): void {
    this.#box.style.height = "auto";
    this.#box.style.height = `${Math.min(this.#box.scrollHeight, 200)}px`;
  }

  #ready(): void {
    const empty = !this.#box.value.trim() && this.#images.length === 0;
    this.#send.disabled = empty || this.#pending !== null;
  }

  #transfers(): void {
    this.#box.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (this.add(files)) event.preventDefault();
    });
    for (const name of ["dragenter", "dragover"] as const) {
      this.node.addEventListener(name, (event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        event.stopPropagation();
        this.node.classList.add("hfw-drop");
      });
    }
    this.node.addEventListener("dragleave", () => this.node.classList.remove("hfw-drop"));
    this.node.addEventListener("drop", (event) => {
      this.node.classList.remove("hfw-drop");
      if (!this.add([...(event.dataTransfer?.files ?? [])])) return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /** Put pictures into the next message; false when none was among the files. */
  add(files: File[]): boolean {
    const images = files.filter((file) => file.type.startsWith("image/"));
    const fitting = images.filter((file) => file.size <= MAX_IMAGE);
    if (fitting.length < images.length) this.announce("An image over 20 MB was left out.");
    this.#images.push(...fitting);
    this.#files.value = "";
    this.#preview();
    this.#ready();
    return images.length > 0;
  }

  #preview(): void {
    for (const image of this.#strip.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    this.#strip.replaceChildren(...this.#images.map((file) => this.#thumb(file)));
    show(this.#strip, this.#images.length > 0);
  }

  #thumb(file: File): HTMLElement {
    const drop = iconButton("close", `Remove ${file.name || "picture"}`, () => {
      this.#images = this.#images.filter((other) => other !== file);
      this.#preview();
      this.#ready();
    });
    const image = h("img", { alt: file.name || "picture", src: URL.createObjectURL(file) });
    return h("span", { class: "hfw-thumb" }, image, drop);
  }
}
