// The chat: a log of messages, a composer below it, and nothing more until it is needed.

import { bar, h, iconButton, show } from "../dom.ts";
import type { Link } from "../link.ts";
import { BUSY, type Status } from "../protocol.ts";
import { register, type View } from "../view.ts";
import { Composer } from "./composer.ts";
import type { Talk } from "./tools.ts";
import { type Turn, TurnView } from "./turn.ts";

const NEAR_END = 32;

class ChatView implements View {
  readonly body: HTMLElement;
  readonly input: HTMLElement;
  readonly actions: HTMLElement[];
  #log = h("div", { class: "hfw-log", role: "log", "aria-label": "Conversation", tabIndex: 0 });
  #turns = h("div", { class: "hfw-turns" });
  #empty: HTMLElement;
  #down: HTMLButtonElement;
  #composer: Composer;
  #views = new Map<number, TurnView>();
  #undo: HTMLButtonElement;
  #redo: HTMLButtonElement;
  #clear: HTMLButtonElement;
  #top = h("div", { class: "hfw-talk-top" });
  #drawer = h("div", {});
  #tools = h("span", { class: "hfw-actions" });
  #talk: Talk | null = null;
  #stick = true;
  #status: Status = "idle";

  constructor(
    private link: Link,
    private announce: (text: string) => void,
  ) {
    this.#composer = new Composer(link, () => this.#lastPrompt(), announce);
    this.#empty = this.#starters();
    this.#down = iconButton("down", "Jump to the latest", () => this.#toEnd());
    this.#down.classList.add("hfw-down");
    this.#log.setAttribute("aria-live", "off");
    this.#log.append(this.#empty, this.#turns);
    this.#log.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.body = h("div", { class: "hfw-body" }, this.#top, this.#log, this.#down);
    this.input = h("div", {}, this.#composer.node, this.#drawer);
    this.#undo = iconButton("undo", "Undo", () => link.act("undo"));
    this.#redo = iconButton("redo", "Redo", () => link.act("redo"));
    this.#clear = iconButton("clear", "Clear the conversation", () => link.act("clear"));
    this.actions = [this.#undo, this.#redo, this.#clear, this.#tools];
    new ResizeObserver(() => this.#follow()).observe(this.#turns);
  }

  focus(): void {
    this.#composer.focus();
  }

  update(): void {
    const turns = this.#all;
    const { busy } = this.link;
    this.#log.setAttribute("aria-busy", String(busy));
    show(this.#empty, turns.length === 0);
    this.#sync(turns);
    this.#composer.update();
    this.#more();
    bar(this.#undo, busy || !this.link.doc["canUndo"]);
    bar(this.#redo, busy || !this.link.doc["canRedo"]);
    bar(this.#clear, busy || turns.length === 0);
    this.#speak(turns);
    this.#follow();
  }

  /** The tools come with a chunk of their own, so that the notebook file need not hold them. */
  #more(): void {
    const chunk = this.#talk ? undefined : this.link.chunks.now("task");
    if (chunk) {
      const { attach } = this.#composer;
      const places = { top: this.#top, drawer: this.#drawer, tools: this.#tools, attach, compose: this.#composer.node };
      this.#talk = chunk.makeTalk(this.link, this.announce, { ...places, add: (files) => this.#composer.add(files) });
    }
    this.#talk?.update();
  }

  get #all(): Turn[] {
    return this.link.doc["turns"] as Turn[];
  }

  #sync(turns: Turn[]): void {
    const alive = new Set(turns.map((turn) => turn.id));
    for (const [id, view] of this.#views) {
      if (alive.has(id)) continue;
      view.node.remove();
      this.#views.delete(id);
    }
    for (const [i, turn] of turns.entries()) {
      const view = this.#viewOf(turn);
      view.update(turn, i === turns.length - 1);
      if (this.#turns.children[i] !== view.node) {
        this.#turns.insertBefore(view.node, this.#turns.children[i] ?? null);
      }
    }
  }

  #viewOf(turn: Turn): TurnView {
    const known = this.#views.get(turn.id);
    if (known) return known;
    const at = () => this.#all.findIndex((other) => other.id === turn.id);
    const made = new TurnView(this.link, turn, at);
    this.#views.set(turn.id, made);
    if (turn.role === "user") this.#stick = true;
    return made;
  }

  #starters(): HTMLElement {
    const buttons = this.link.shape.starters.map((text) => {
      const send = () => this.link.act("send", { text });
      return h("button", { class: "hfw-starter", type: "button", onclick: send }, text);
    });
    return h(
      "div",
      { class: "hfw-empty" },
      h("p", { class: "hfw-empty-title" }, "What would you like to know?"),
      h("div", { class: "hfw-starters" }, ...buttons),
    );
  }

  #lastPrompt(): string {
    return this.#all.findLast((turn) => turn.role === "user")?.text ?? "";
  }

  /** Only the start, the end and errors are spoken: a word for each token would be noise. */
  #speak(turns: Turn[]): void {
    const { status, failure } = this.link.doc.state;
    const begins = this.link.busy && !BUSY.has(this.#status);
    const changed = status !== this.#status;
    this.#status = status;
    if (begins) this.announce("Answering");
    if (!changed || this.link.busy) return;
    const words = (turns.at(-1)?.text ?? "").split(/\s+/).filter(Boolean).length;
    if (status === "done") this.announce(`Answer complete, ${words} words`);
    else if (status === "stopped") this.announce(`Stopped after ${words} words`);
    else if (status === "failed" && failure) this.announce(`Failed: ${failure.title}`);
  }

  #scrolled(): void {
    const { scrollTop, clientHeight, scrollHeight } = this.#log;
    this.#stick = scrollHeight - scrollTop - clientHeight < NEAR_END;
    show(this.#down, !this.#stick);
  }

  #follow(): void {
    if (this.#stick) this.#log.scrollTop = this.#log.scrollHeight;
    this.#scrolled();
  }

  #toEnd(): void {
    this.#stick = true;
    this.#follow();
  }
}

register("chat", (link, announce) => new ChatView(link, announce));
