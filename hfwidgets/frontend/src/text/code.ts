// A block of code with its language and a Copy button.

import type { ChunkLoader } from "../chunks.ts";
import { copyButton, h } from "../dom.ts";

const NODE_CHARS = 4096;
const HIGHLIGHT_CHARS = 20_000;

/** Makes one more button for a block of code, where there is use for it. */
export type CodeTool = (language: string, code: () => string) => HTMLElement | null;

export class CodeBlock {
  readonly node: HTMLElement;
  #code = h("code");
  #length = 0;

  constructor(
    readonly language: string,
    private chunks: ChunkLoader,
    tool?: CodeTool,
  ) {
    const code = () => this.#code.textContent ?? "";
    const name = h("span", {}, language || "text");
    const more = tool?.(language, code) ?? null;
    const head = h("div", { class: "hfw-code-head" }, name, h("span", { class: "hfw-gap" }), more, copyButton("Copy code", code));
    const scroll = h("pre", { tabIndex: 0, "aria-label": `${language || "text"} code` }, this.#code);
    this.node = h("div", { class: "hfw-code" }, head, scroll);
  }

  /** Show the code, of which only what is new is touched. */
  update(code: string): void {
    let rest = code.slice(this.#length);
    this.#length = code.length;
    const tail = this.#code.lastChild;
    if (tail instanceof Text && tail.length < NODE_CHARS) {
      tail.appendData(rest.slice(0, NODE_CHARS));
      rest = rest.slice(NODE_CHARS);
    }
    for (; rest; rest = rest.slice(NODE_CHARS)) this.#code.append(rest.slice(0, NODE_CHARS));
  }

  /** The code is complete: drop the line end before the closing fence and bring the colours in. */
  async finish(code: string): Promise<void> {
    const whole = code.replace(/\n$/, "");
    if (whole.length !== this.#length) this.#code.textContent = whole;
    this.#length = whole.length;
    if (!this.language || whole.length > HIGHLIGHT_CHARS) return;
    const { highlight } = await this.chunks.get("highlight");
    await idle();
    const coloured = highlight(whole, this.language);
    if (coloured) this.#code.replaceChildren(coloured);
  }
}

function idle(): Promise<void> {
  return new Promise((done) => {
    if ("requestIdleCallback" in globalThis) requestIdleCallback(() => done(), { timeout: 500 });
    else setTimeout(done, 0);
  });
}
