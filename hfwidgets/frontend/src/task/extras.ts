// The foot's tools: the result as input, raw JSON, the call as code, saving, the whole screen.

import { bar, copyButton, h, iconButton, show } from "../dom.ts";
import { insertBelow } from "./insert.ts";
import { saveButtons } from "./save.ts";
import type { Context, ResultView } from "./types.ts";

interface Code {
  python: string;
  magic: string;
  hub: string;
  curl: string;
}

const FORMS = { python: "Python", magic: "%%infer", hub: "huggingface_hub", curl: "curl" } as const;

type Drawer = "raw" | "code" | "save" | "name";

/** What the tools work on: a result, or a conversation. */
interface Source {
  readonly shown: ResultView | null;
}

export class Extras {
  readonly node = h("div", { class: "hfw-extras", hidden: true });
  readonly buttons: HTMLElement[];
  #open: Drawer | null = null;
  #copy: HTMLButtonElement;
  #name: HTMLButtonElement;
  #raw: HTMLButtonElement;
  #code: HTMLButtonElement;
  #save: HTMLButtonElement;
  #use: HTMLButtonElement;
  #form: keyof Code = "python";
  #drawn = "";

  constructor(
    private context: Context,
    private result: Source,
  ) {
    const { link } = context;
    this.#use = iconButton("use", "Use the result as input", () => link.act("use"));
    this.#copy = copyButton("Copy the result", () => this.#text());
    this.#name = iconButton("name", "Send to a variable", () => this.#toggle("name"));
    this.#raw = iconButton("raw", "Raw JSON", () => this.#toggle("raw"));
    this.#code = iconButton("code", "Code", () => this.#toggle("code"));
    this.#save = iconButton("save", "Save the result", () => this.#toggle("save"));
    const max = iconButton("max", "Maximise", () => void this.#maximise());
    this.buttons = [this.#use, this.#copy, this.#name, this.#raw, this.#code, this.#save, max];
  }

  update(): void {
    const shown = this.result.shown;
    const { busy } = this.context.link;
    for (const button of [this.#raw, this.#copy, this.#name]) button.disabled = !shown?.raw;
    this.#save.disabled = !shown?.saves?.length && !shown?.["tracks"];
    show(this.#use, shown?.kind === "image" && Boolean(shown["before"]));
    bar(this.#use, busy);
    const pairs = [["raw", this.#raw], ["code", this.#code], ["save", this.#save], ["name", this.#name]] as const;
    for (const [name, button] of pairs) button.setAttribute("aria-expanded", String(this.#open === name));
    if (((this.#open === "raw" || this.#open === "name") && !shown?.raw) || (this.#open === "save" && this.#save.disabled)) this.#open = null;
    show(this.node, this.#open !== null);
    this.#draw();
  }

  #toggle(name: Drawer): void {
    this.#open = this.#open === name ? null : name;
    if (this.#open === "code") this.context.link.act("code");
    this.update();
    if (this.#open === "name") this.node.querySelector("input")?.focus();
  }

  /** The result's text; for what is none, its JSON. */
  async #text(): Promise<string> {
    const { shown } = this.result;
    if (shown?.text && shown.kind !== "spans") return shown.text;
    return shown?.raw ? (await fetch(await this.context.link.media(shown.raw))).text() : "";
  }

  #draw(): void {
    const { link } = this.context;
    const code = link.doc["code"] as Code | null;
    const shown = this.result.shown;
    const sent = String(link.doc["sent"] ?? "");
    const key = JSON.stringify([this.#open, this.#form, code, shown?.n, this.#open === "name" && sent]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    if (this.#open === "raw" && shown?.raw) this.node.replaceChildren(...this.#json(shown.raw));
    else if (this.#open === "code") this.node.replaceChildren(...this.#written(code));
    else if (this.#open === "name") this.node.replaceChildren(this.#naming(sent));
    else if (this.#open === "save" && shown) this.node.replaceChildren(saveButtons(shown, link));
  }

  #json(id: string): HTMLElement[] {
    const pre = h("pre", { class: "hfw-raw", tabIndex: 0, role: "region", "aria-label": "Raw JSON" });
    void this.context.link.media(id).then(async (url) => {
      pre.textContent = await (await fetch(url)).text();
    });
    const bar = h("div", { class: "hfw-row" }, copyButton("Copy JSON", () => pre.textContent ?? ""));
    return [bar, pre];
  }

  /** A name under which the notebook's next cell finds the result. */
  #naming(sent: string): HTMLElement {
    const box = h("input", {
      class: "hfw-input",
      value: /^\w+/.exec(sent)?.[0] ?? "result",
      "aria-label": "Name of the variable",
      spellcheck: false,
      autocomplete: "off",
    });
    const send = h("button", { type: "submit", class: "hfw-button" }, "Send");
    const said = h("span", { class: "hfw-hint", role: "status" }, sent);
    const form = h("form", { class: "hfw-row hfw-start" }, h("span", { class: "hfw-hint" }, "The last result as the variable"), box, send, said);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (box.value.trim()) this.context.link.act("assign", { variable: box.value.trim() });
    });
    return form;
  }

  #written(code: Code | null): HTMLElement[] {
    const text = code?.[this.#form] ?? "…";
    const tabs = Object.entries(FORMS).map(([name, label]) => {
      const on = name === this.#form;
      const tab = h("button", { type: "button", class: "hfw-tab", "aria-pressed": String(on) }, label);
      tab.addEventListener("click", () => {
        this.#form = name as keyof Code;
        this.update();
      });
      return tab;
    });
    const pre = h("pre", { class: "hfw-raw", tabIndex: 0, role: "region", "aria-label": "Code" }, text);
    const tools = [copyButton("Copy code", () => text)];
    const insert = this.#form === "curl" ? null : insertBelow(this.context.link, this.node, () => text);
    if (insert) tools.unshift(insert);
    return [h("div", { class: "hfw-row" }, ...tabs, h("span", { class: "hfw-gap" }), ...tools), pre];
  }

  async #maximise(): Promise<void> {
    const panel = this.node.closest<HTMLElement>(".hfw");
    if (!panel) return;
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (document.fullscreenEnabled) await panel.requestFullscreen();
    else panel.classList.toggle("hfw-maximised");
  }
}
