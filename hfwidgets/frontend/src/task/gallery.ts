// Past pictures of this panel, with their seeds.

import { h, show } from "../dom.ts";
import type { Link } from "../link.ts";

interface Past {
  n: number;
  id: string;
  seed: number | null;
}

export class Gallery {
  readonly node: HTMLElement;
  #strip = h("div", { class: "hfw-gallery", role: "group", "aria-label": "Past pictures" });
  #drawn = "";

  constructor(private link: Link) {
    this.node = h("div", { hidden: true }, h("span", { class: "hfw-label" }, "Past pictures"), this.#strip);
  }

  update(): void {
    const past = (this.link.doc["gallery"] as Past[] | undefined) ?? [];
    const shown = (this.link.doc["result"] as { n?: number } | null)?.n;
    show(this.node, past.length > 1);
    const key = JSON.stringify([past, shown]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#strip.replaceChildren(...past.map((one) => this.#card(one, one.n === shown)));
  }

  #card({ n, id, seed }: Past, current: boolean): HTMLElement {
    const words = seed === null ? "no seed" : `seed ${seed}`;
    const image = h("img", { alt: `Picture ${n}` });
    void this.link.media(id).then((url) => (image.src = url));
    const open = h(
      "button",
      { type: "button", class: "hfw-past", "aria-pressed": String(current), "aria-label": `Show picture ${n}, ${words}` },
      image,
    );
    open.addEventListener("click", () => this.link.act("show", { number: n }));
    const note = h("span", { class: "hfw-hint" }, words);
    const card = h("div", { class: "hfw-card" }, open, note);
    if (seed !== null) {
      const keep = h("button", { type: "button", class: "hfw-link" }, "use");
      keep.setAttribute("aria-label", `Use seed ${seed} for the next run`);
      keep.addEventListener("click", () => this.link.act("set", { values: { seed } }));
      note.append(" ", keep);
    }
    return card;
  }
}
