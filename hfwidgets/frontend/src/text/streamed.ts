// A text that grows: finished blocks are rendered once and frozen, only the tail is rendered again.

import type { Token, TokensList } from "marked";
import type { LazyModules, Modules } from "../document/lazy-modules.ts";
import type { CodeInserter } from "../parts/notebook.ts";
import { closeMarkup } from "./close-markup.ts";
import { CodeBlock } from "./code.tsx";
import { Fence } from "./fence.ts";

type Markdown = Modules["markdown"];

/** Work on the main thread is cut into slices of so many milliseconds. */
const SLICE_MS = 12;
/** The tail is rendered again at most after so many times as long as its last rendering took. */
const REST = 8;
/** A longer paragraph is shown unformatted until it ends. */
const TAIL_CHARS = 20_000;

const BLOCKS = "p, h1, h2, h3, h4, h5, h6, ul, ol, li, blockquote, th, td";

export class StreamedText {
  readonly node = block("hfw-md");
  #text = "";
  #done = false;
  #frozen = 0;
  #tail = block("hfw-tail");
  #fence: { at: number; fence: Fence; block: CodeBlock } | null = null;
  /** Blocks that are final and not yet on the page. */
  #queue: Token[] = [];
  #links: TokensList["links"] = {};
  #defined = false;
  #due = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private modules: LazyModules,
    private inserter?: CodeInserter,
  ) {
    this.node.append(this.#tail);
  }

  /** Show the text; `done` says that it is complete. Returns true when all of it is shown. */
  update(given: string, done: boolean): boolean {
    const text = given.includes("\r") ? given.replace(/\r\n?/g, "\n") : given;
    if (!text.startsWith(this.#text) || (this.#done && !done)) this.#reset();
    const changed = text !== this.#text || done !== this.#done;
    this.#text = text;
    this.#done = done;
    if (!changed && this.#timer === undefined && this.#frozen >= text.length) return true;
    return this.#render();
  }

  #reset(): void {
    this.#text = "";
    this.#frozen = this.#due = 0;
    this.#fence = null;
    this.#queue = [];
    this.#defined = this.#done = false;
    this.#tail.replaceChildren();
    this.node.replaceChildren(this.#tail);
  }

  #render(): boolean {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const markdown = this.modules.now("markdown");
    if (!markdown) return this.#plain();
    this.#tail.classList.remove("hfw-plain");
    const until = performance.now() + SLICE_MS;
    while (this.#step(markdown)) {
      if (performance.now() > until) return this.#later(0);
    }
    return this.#finish(markdown);
  }

  /** Render one block; false when nothing but an unfinished tail is left. */
  #step(markdown: Markdown): boolean {
    if (this.#fence) return this.#growFence();
    const next = this.#queue.shift();
    if (next) return this.#freeze(markdown, next);
    const rest = this.#text.slice(this.#frozen);
    if (!rest) return this.#drawTail(null);
    const now = performance.now();
    if (!this.#done && now < this.#due) return this.#later(this.#due - now);
    const tokens = markdown.lex(rest, this.#done);
    this.#links = tokens.links;
    this.#defined ||= Object.keys(tokens.links).length > 0;
    const ends = this.#done ? tokens.length : lastBlock(tokens);
    this.#queue = tokens.slice(0, ends);
    return ends > 0 || this.#open(markdown, tokens[0], now);
  }

  #freeze(markdown: Markdown, token: Token): true {
    this.#frozen += token.raw.length;
    this.#drawTail(null); // it showed the beginning of what is final now
    if (token.type !== "space") {
      this.#tail.before(this.#nodes(markdown, Object.assign([token], { links: this.#links })));
    }
    return true;
  }

  /** Show the block that may still grow: code is appended to, anything else is drawn again. */
  #open(markdown: Markdown, tail: Token | undefined, began: number): boolean {
    if (!tail) return this.#drawTail(null);
    if (this.#openFence(tail)) return true;
    this.#drawTail(this.#unfinished(markdown));
    this.#due = performance.now() + REST * (performance.now() - began);
    return false;
  }

  #unfinished(markdown: Markdown): Node {
    const text = this.#text.slice(this.#frozen);
    if (text.length > TAIL_CHARS) {
      const plain = block("hfw-plain");
      plain.textContent = text;
      return plain;
    }
    return this.#nodes(markdown, markdown.lex(closeMarkup(text), false), true);
  }

  /** Safe nodes, with code and formulas brought to life. */
  #nodes(markdown: Markdown, tokens: Token[], draft = false): DocumentFragment {
    const nodes = markdown.render(tokens);
    // Each block has its own direction; code and formulas stay left to right, by their style.
    for (const block of nodes.querySelectorAll<HTMLElement>(BLOCKS)) block.dir = "auto";
    for (const pre of nodes.querySelectorAll("pre")) this.#code(pre, draft);
    for (const span of nodes.querySelectorAll<HTMLElement>(".hfw-math, .hfw-math-block")) {
      void this.#formula(span);
    }
    for (const table of nodes.querySelectorAll("table")) {
      const scroll = block("hfw-table");
      scroll.tabIndex = 0;
      scroll.role = "group";
      scroll.ariaLabel = "Table";
      table.replaceWith(scroll);
      scroll.append(table);
    }
    return nodes;
  }

  #code(pre: Element, draft: boolean): void {
    const code = pre.querySelector("code");
    const language = /language-(\S+)/.exec(code?.className ?? "")?.[1] ?? "";
    const block = new CodeBlock(language, this.modules, this.inserter, code?.title || language);
    block.update(code?.textContent ?? "");
    if (!draft) void block.finish(code?.textContent ?? "");
    pre.replaceWith(block.node);
  }

  async #formula(span: HTMLElement): Promise<void> {
    const tex = span.textContent ?? "";
    const { draw } = await this.modules.get("math");
    draw(span, tex, span.classList.contains("hfw-math-block"));
  }

  #openFence(tail: Token): boolean {
    if (tail.type !== "code") return false;
    const fence = Fence.open(this.#text.slice(this.#frozen));
    if (!fence) return false;
    const block = new CodeBlock(fence.language, this.modules, this.inserter, fence.info);
    this.#drawTail(null);
    this.#tail.before(block.node);
    this.#fence = { at: this.#frozen, fence, block };
    return true;
  }

  #growFence(): boolean {
    const open = this.#fence;
    if (!open) return false;
    const text = this.#text.slice(open.at);
    const { code, end } = open.fence.read(text, this.#done);
    open.block.update(text.slice(open.fence.from, code));
    if (end === null && !this.#done) return false;
    void open.block.finish(text.slice(open.fence.from, code));
    this.#frozen = open.at + (end ?? text.length);
    this.#fence = null;
    return true;
  }

  #drawTail(node: Node | null): false {
    if (node) this.#tail.replaceChildren(node);
    else if (this.#tail.firstChild) this.#tail.replaceChildren();
    return false;
  }

  /** A reference that was defined late changes earlier blocks: then the whole is rendered again. */
  #finish(markdown: Markdown): boolean {
    if (this.#timer !== undefined) return false;
    if (!this.#done || !this.#defined) return true;
    const tokens = markdown.lex(this.#text, true);
    this.#defined = false;
    this.node.replaceChildren(this.#nodes(markdown, tokens), this.#tail);
    return true;
  }

  /** Until the Markdown chunk is there the text stands unformatted. */
  #plain(): boolean {
    this.#tail.classList.add("hfw-plain");
    this.#tail.textContent = this.#text.slice(this.#frozen);
    return this.#later(100);
  }

  #later(ms: number): false {
    this.#timer ??= setTimeout(() => this.#render(), ms);
    return false;
  }
}

function block(name: string): HTMLElement {
  const made = document.createElement("div");
  made.className = name;
  return made;
}

/** The number of leading tokens that no further text can change. */
function lastBlock(tokens: Token[]): number {
  let at = tokens.length - 1;
  while (at > 0 && tokens[at]?.type === "space") at--;
  return Math.max(at, 0);
}
