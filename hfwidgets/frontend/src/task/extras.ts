// The foot's tools: the result as input, raw JSON, the call as code, saving, the whole screen.

import { copyButton, h, iconButton, show } from "../dom.ts";
import { insertBelow } from "./insert.ts";
import type { ResultPlace } from "./result.ts";
import { saveButtons } from "./save.ts";
import type { Context } from "./types.ts";

interface Code {
  python: string;
  magic: string;
  curl: string;
}

const FORMS = { python: "Python", magic: "%%infer", curl: "curl" } as const;

export class Extras {
  readonly node = h("div", { class: "hfw-extras", hidden: true });
  readonly buttons: HTMLElement[];
  #open: "raw" | "code" | "save" | null = null;
  #raw: HTMLButtonElement;
  #code: HTMLButtonElement;
  #save: HTMLButtonElement;
  #use: HTMLButtonElement;
  #form: keyof Code = "python";
  #drawn = "";

  constructor(
    private context: Context,
    private result: ResultPlace,
  ) {
    const { link } = context;
    this.#use = iconButton("use", "Use the result as input", () => link.act("use"));
    this.#raw = iconButton("raw", "Raw JSON", () => this.#toggle("raw"));
    this.#code = iconButton("code", "Code", () => this.#toggle("code"));
    this.#save = iconButton("save", "Save the result", () => this.#toggle("save"));
    const max = iconButton("max", "Maximise", () => void this.#maximise());
    this.buttons = [this.#use, this.#raw, this.#code, this.#save, max];
  }

  update(): void {
    const shown = this.result.shown;
    const { busy } = this.context.link;
    this.#raw.disabled = !shown?.raw;
    this.#save.disabled = !shown?.saves?.length && !shown?.["tracks"];
    show(this.#use, shown?.kind === "picture" && Boolean(shown["before"]));
    this.#use.disabled = busy;
    const pairs = [["raw", this.#raw], ["code", this.#code], ["save", this.#save]] as const;
    for (const [name, button] of pairs) button.setAttribute("aria-expanded", String(this.#open === name));
    if ((this.#open === "raw" && !shown?.raw) || (this.#open === "save" && this.#save.disabled)) this.#open = null;
    show(this.node, this.#open !== null);
    this.#draw();
  }

  #toggle(name: "raw" | "code" | "save"): void {
    this.#open = this.#open === name ? null : name;
    if (this.#open === "code") this.context.link.act("code");
    this.update();
  }

  #draw(): void {
    const { link } = this.context;
    const code = link.doc["code"] as Code | null;
    const shown = this.result.shown;
    const key = JSON.stringify([this.#open, this.#form, code, shown?.n]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    if (this.#open === "raw" && shown?.raw) this.node.replaceChildren(...this.#json(shown.raw));
    else if (this.#open === "code") this.node.replaceChildren(...this.#written(code));
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
