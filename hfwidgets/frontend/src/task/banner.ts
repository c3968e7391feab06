// A word before the form is filled: nobody serves the task, or there is no token; and ways out.

import { h, icon, say, show } from "../dom.ts";
import type { Link } from "../link.ts";
import type { Banner } from "./types.ts";

export class Notice {
  readonly node: HTMLElement;
  #text = h("span", {});
  #engine: HTMLButtonElement;
  #key: HTMLFormElement;

  constructor(link: Link) {
    this.#engine = h("button", { type: "button", class: "hfw-button" }, "Use the embedded engine");
    this.#engine.addEventListener("click", () => link.act("set", { provider: "local" }));
    this.#key = asked("password", "Token or API key", "Use", (value) => link.act("key", { value }));
    const url = asked("url", "URL of an endpoint", "Use", (value) => link.act("endpoint", { url: value }));
    const ways = h("div", { class: "hfw-row hfw-start" }, this.#engine, this.#key, url);
    const words = h("div", { class: "hfw-failure-text" }, this.#text, ways);
    this.node = h("div", { class: "hfw-banner", role: "note", hidden: true }, icon("warn"), words);
    this.#link = link;
  }

  #link: Link;

  update(): void {
    const banner = this.#link.doc["banner"] as Banner | null;
    show(this.node, banner !== null);
    if (!banner) return;
    say(this.#text, banner.text);
    show(this.#engine, banner.local);
    show(this.#key, banner.why === "key");
  }
}

function asked(type: string, label: string, verb: string, use: (value: string) => void): HTMLFormElement {
  const box = h("input", { class: "hfw-input", type, placeholder: label, "aria-label": label, autocomplete: "off" });
  const form = h("form", { class: "hfw-row hfw-start" }, box, h("button", { class: "hfw-button" }, verb));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const value = box.value.trim();
    box.value = "";
    if (value) use(value);
  });
  return form;
}
