// A picture, sound or film: chosen, dropped, pasted, named by URL, path or variable, or recorded.

import { h, icon, iconButton, say, show, type Icon } from "../../dom.ts";
import type { Field } from "../../protocol.ts";
import { blocked, type Device } from "../devices.ts";
import { type Player, player } from "../player.ts";
import { recorder } from "../recorder.ts";
import { Trim } from "../trim.ts";
import type { Context, InputView, Shown } from "../types.ts";
import { LIMIT, Upload } from "../../upload.ts";
import { webcam } from "../webcam.ts";
import { variables } from "./variables.ts";

type Medium = Extract<Shown, { kind: "media" }>;

const NOUNS: Record<string, string> = { image: "picture", audio: "sound", video: "film" };

export class MediaInput implements InputView {
  readonly node: HTMLElement;
  #kind: string;
  #noun: string;
  #zone: HTMLElement;
  #show = h("div", { class: "hfw-medium" });
  #note = h("div", { class: "hfw-hint", role: "status" });
  #bar = h("progress", { class: "hfw-bar", max: 1, hidden: true, "aria-label": "Upload" });
  #amount = h("div", { class: "hfw-hint" });
  #auto = h("input", { type: "checkbox" });
  #file: HTMLInputElement;
  #choose: HTMLButtonElement;
  #device = h("div", { hidden: true });
  #end: () => void = () => undefined;
  #pick: ReturnType<typeof variables>;
  #upload: Upload | null = null;
  #shown = "";

  constructor(
    private context: Context,
    private field: Field,
  ) {
    this.#kind = field.control.kind;
    this.#noun = NOUNS[this.#kind] ?? "file";
    this.#file = h("input", { type: "file", accept: `${this.#kind}/*`, hidden: true });
    this.#file.addEventListener("change", () => this.#take([...(this.#file.files ?? [])]));
    this.#choose = h(
      "button",
      { type: "button", class: "hfw-button", onclick: () => this.#file.click() },
      `Choose a ${this.#noun}`,
    );
    this.#pick = variables(context.link, field.name);
    const hint = h("span", { class: "hfw-hint" }, "or drop it here, or paste it");
    const first = h("div", { class: "hfw-row hfw-start" }, this.#choose, hint, this.#file);
    this.#auto.addEventListener("change", () => context.link.act("auto", { on: this.#auto.checked }));
    const auto = h("label", { class: "hfw-row hfw-check hfw-hint" }, this.#auto, `Run as soon as a ${this.#noun} is here`);
    const tools = h("div", { class: "hfw-row hfw-start" }, this.#address(), this.#pick.node, ...this.#record());
    this.#zone = h(
      "div",
      { class: "hfw-zone", role: "group", "aria-label": field.label, tabIndex: -1 },
      this.#show,
      h("div", { class: "hfw-ways" }, first, tools, auto),
      this.#device,
      this.#bar,
      this.#amount,
      this.#note,
    );
    this.node = h("div", { class: "hfw-field" }, h("span", { class: "hfw-label" }, field.label), this.#zone);
    this.#transfers();
  }

  read(): undefined {
    return undefined;
  }

  focus(): void {
    this.#choose.focus();
  }

  update(): void {
    this.#pick.update();
    this.#auto.checked = Boolean(this.context.link.doc["auto"]);
  }

  close(): void {
    this.#upload?.stop();
    this.#end();
  }

  write(shown: Shown | null): void {
    const medium = shown?.kind === "media" ? shown : null;
    const key = JSON.stringify(medium);
    if (key === this.#shown) return;
    this.#shown = key;
    this.#show.replaceChildren(...(medium ? this.#preview(medium) : []));
    this.#zone.classList.toggle("hfw-filled", medium !== null);
    say(this.#choose, medium ? `Another ${this.#noun}` : `Choose a ${this.#noun}`);
  }

  #preview(medium: Medium): HTMLElement[] {
    const drop = iconButton("close", `Remove the ${this.#noun}`, () => this.#name(""));
    const about = h("div", { class: "hfw-row hfw-start hfw-hint" }, h("span", {}, medium.about), drop);
    if (!medium.fetch) return [about];
    const url = this.context.link.media(medium.id);
    if (this.#kind === "audio") return this.#sound(url, medium.about || "Sound", about);
    const image = h("img", { alt: medium.about || "The chosen picture" });
    void url.then((address) => (image.src = address));
    return [image, about];
  }

  #sound(url: Promise<string>, label: string, about: HTMLElement): HTMLElement[] {
    const played = player(url, label);
    const place = h("div", { class: "hfw-part-of", hidden: true });
    const trim = h("button", { type: "button", class: "hfw-button hfw-small", disabled: true }, "Trim");
    played.sound.addEventListener("loadedmetadata", () => (trim.disabled = !Number.isFinite(played.sound.duration)));
    trim.setAttribute("aria-expanded", "false");
    trim.addEventListener("click", () => {
      const open = Boolean(place.hidden);
      trim.setAttribute("aria-expanded", String(open));
      show(place, open);
      if (open) place.replaceChildren(...this.#handles(played));
      else played.choose(null);
    });
    about.append(trim);
    return [played.node, about, place];
  }

  /** The kernel cuts: it holds the sound, in a format that the page may not know to write. */
  #handles(played: Player): HTMLElement[] {
    const handles = new Trim(played.sound.duration, (part) => played.choose(part));
    const keep = h("button", { type: "button", class: "hfw-button" }, "Keep this part");
    keep.addEventListener("click", () => {
      this.context.link.act("trim", { name: this.field.name, ...handles.part });
      this.#choose.focus();
    });
    return [handles.node, keep];
  }

  #address(): HTMLElement {
    const box = h("input", {
      class: "hfw-input hfw-address",
      placeholder: "URL or path",
      "aria-label": `URL or path of the ${this.#noun}`,
      spellcheck: false,
      onchange: () => {
        if (box.value.trim()) this.#name(box.value.trim());
        box.value = "";
      },
    });
    return box;
  }

  #name(value: string): void {
    say(this.#note, "");
    this.context.link.act("address", { name: this.field.name, value });
  }

  #record(): HTMLElement[] {
    const device: Device | null =
      this.#kind === "audio" ? "microphone" : this.#kind === "image" ? "camera" : null;
    if (!device) return [];
    const [label, name]: [string, Icon] = device === "microphone" ? ["Record", "mic"] : ["Camera", "camera"];
    const open = h("button", { type: "button", class: "hfw-button hfw-with-icon" }, icon(name), label);
    open.addEventListener("click", () => this.#open(device, open));
    return [open];
  }

  #open(device: Device, opener: HTMLElement): void {
    const why = blocked(device);
    say(this.#note, why);
    if (why) return;
    const use = (blob: Blob, name: string) => this.#send(blob, name);
    const closed = () => {
      this.#end = () => undefined;
      this.#device.replaceChildren();
      show(this.#device, false);
      opener.focus();
    };
    this.#end(); // the one that was open lets its device go
    const { node, end } = (device === "microphone" ? recorder : webcam)(use, closed);
    this.#end = end;
    this.#device.replaceChildren(node);
    show(this.#device, true);
  }

  #transfers(): void {
    for (const name of ["dragenter", "dragover"] as const) {
      this.#zone.addEventListener(name, (event) => {
        if (!event.dataTransfer?.types.some((type) => type === "Files" || type === "text/uri-list")) return;
        event.preventDefault();
        event.stopPropagation();
        this.#zone.classList.add("hfw-drop");
      });
    }
    this.#zone.addEventListener("dragleave", () => this.#zone.classList.remove("hfw-drop"));
    this.#zone.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.#zone.classList.remove("hfw-drop");
      const files = [...(event.dataTransfer?.files ?? [])];
      const address = event.dataTransfer?.getData("text/uri-list").split("\n")[0];
      if (files.length) this.#take(files);
      else if (address) this.#name(address);
    });
  }

  /** Take a file that was pasted anywhere in the form; false when it is of another kind. */
  paste(files: File[]): boolean {
    const fitting = files.filter((file) => file.type.startsWith(`${this.#kind}/`));
    if (fitting.length) this.#take(fitting);
    return fitting.length > 0;
  }

  #take(files: File[]): void {
    const [file] = files;
    this.#file.value = "";
    if (!file) return;
    if (file.type && !file.type.startsWith(`${this.#kind}/`)) {
      say(this.#note, `${file.name} is no ${this.#noun}: it is ${file.type}.`);
    } else this.#send(file, file.name);
  }

  #send(file: Blob, name: string): void {
    const megabytes = file.size / 2 ** 20;
    if (file.size === 0) return say(this.#note, `${name} is empty.`);
    if (file.size > LIMIT) {
      return say(this.#note, `${name} has ${megabytes.toFixed(0)} MB; 256 MB is the limit.`);
    }
    this.#upload?.stop();
    say(this.#note, "");
    this.#bar.value = 0;
    show(this.#bar, true);
    const progress = (share: number) => {
      this.#bar.value = share;
      if (megabytes > 1) say(this.#amount, `${(share * megabytes).toFixed(1)} of ${megabytes.toFixed(1)} MB`);
    };
    const upload = new Upload(this.context.link, this.field.name, file, name, progress);
    this.#upload = upload;
    const over = (words: string) => {
      if (this.#upload !== upload) return;
      show(this.#bar, false);
      say(this.#amount, "");
      say(this.#note, words);
    };
    upload.run().then(
      () => over(""),
      (why: Error) => over(why.message),
    );
  }
}
