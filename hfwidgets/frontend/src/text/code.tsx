// A block of code with its language and a Copy button. Its text grows while it streams, so it is kept
// by hand: only what is new is touched.

import { render } from "preact";
import type { LazyModules } from "../document/lazy-modules.ts";
import { CopyButton, IconButton } from "../parts/buttons.tsx";
import type { CodeInserter } from "../parts/notebook.ts";

const NODE_CHARS = 4096;
const HIGHLIGHT_CHARS = 20_000;

export class CodeBlock {
  readonly node = document.createElement("div");
  #code = document.createElement("code");
  #length = 0;

  constructor(
    readonly language: string,
    private modules: LazyModules,
    inserter?: CodeInserter,
    info = language,
  ) {
    const head = document.createElement("div");
    const scroll = document.createElement("pre");
    this.node.className = "hfw-code";
    head.className = "hfw-code-head";
    scroll.tabIndex = 0;
    scroll.setAttribute("aria-label", `${language || "text"} code`);
    scroll.append(this.#code);
    this.node.append(head, scroll);
    const text = () => this.#code.textContent ?? "";
    const insert = inserter?.(language) ?? null;
    render(
      <>
        <span>{info || "text"}</span>
        <span class="hfw-gap" />
        {insert && <IconButton icon="plus" label="Insert below as a cell" act={() => insert(this.node, text())} />}
        <CopyButton label="Copy code" text={text} />
      </>,
      head,
    );
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

  /** The code is complete: drop the line end before the closing fence and bring the colors in. */
  async finish(code: string): Promise<void> {
    const whole = code.replace(/\n$/, "");
    if (whole.length !== this.#length) this.#code.textContent = whole;
    this.#length = whole.length;
    if (!this.language || whole.length > HIGHLIGHT_CHARS) return;
    const { highlight } = await this.modules.get("highlight");
    await idle();
    const colored = highlight(whole, this.language);
    if (colored) this.#code.replaceChildren(colored);
  }
}

function idle(): Promise<void> {
  return new Promise((done) => {
    if ("requestIdleCallback" in globalThis) requestIdleCallback(() => done(), { timeout: 500 });
    else setTimeout(done, 0);
  });
}
