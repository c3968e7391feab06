// Where the next message is written: Enter sends, Shift+Enter breaks the line, Esc stops.

import { bar, exchange, h, icon, iconButton, show } from "../dom.ts";
import type { Link } from "../link.ts";

const MAX_IMAGE = 20_000_000;

export class Composer {
  readonly node: HTMLElement;
  #box: HTMLTextAreaElement;
  #send: HTMLButtonElement;
  #stop: HTMLButtonElement;
  #files: HTMLInputElement;
  #strip = h("div", { class: "hfw-pictures", hidden: true });
  #images: File[] = [];
  /** Where pictures of variables are offered, once that part of the page is there. */
  readonly attach = h("span", { hidden: true });
  #draft = { n: 0, text: "" };

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
    this.node = h("div", { class: "hfw-compose" }, this.#strip, row);
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
    this.#restore(doc["draft"] as { n: number; text: string });
    this.#ready();
  }

  /** A message that was not answered comes back, and leaves again when it is sent after all. */
  #restore(draft: { n: number; text: string }): void {
    if (draft.n === this.#draft.n) return;
    if (!this.#box.value || this.#box.value === this.#draft.text) this.write(draft.text);
    this.#draft = { ...draft };
  }

  #textarea(): HTMLTextAreaElement {
    return h("textarea", {
      class: "hfw-box",
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
    if (!text.trim() && this.#images.length === 0) return;
    const images = this.#images;
    this.#images = [];
    this.#preview();
    this.write("");
    void this.#ship(text, images);
  }

  async #ship(text: string, images: File[]): Promise<void> {
    const buffers = await Promise.all(images.map((image) => image.arrayBuffer()));
    const types = images.map((image) => image.type);
    this.link.act("send", { text, types }, buffers);
  }

  #fit(): void {
    this.#box.style.height = "auto";
    this.#box.style.height = `${Math.min(this.#box.scrollHeight, 200)}px`;
  }

  #ready(): void {
    this.#send.disabled = !this.#box.value.trim() && this.#images.length === 0;
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
    if (fitting.length < images.length) this.announce("A picture over 20 MB was left out.");
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
