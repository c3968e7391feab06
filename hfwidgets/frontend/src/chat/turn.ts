// One message of a conversation, kept up to date in place.

import { bar, copyButton, h, icon, iconButton, say, show } from "../dom.ts";
import type { Link } from "../link.ts";
import { codeInserter } from "../task/insert.ts";
import { StreamedText } from "../text/streamed.ts";

export interface Call {
  name: string;
  arguments: string;
}

export interface Turn {
  id: number;
  role: string;
  text: string;
  think: string;
  calls: Call[];
  images: string[];
  /** Remarks such as "stopped here". */
  note: string;
  done: boolean;
}

const SPEAKERS: Record<string, string> = { user: "You", assistant: "Assistant", tool: "Tool" };

export class TurnView {
  readonly node: HTMLElement;
  #body: AnswerBody | UserBody;
  #actions = h("div", { class: "hfw-turn-actions" });
  #note = h("div", { class: "hfw-hint", hidden: true });
  #turn: Turn;
  /** Edit or regenerate: what starts a run, so not while one is under way. */
  #acting: HTMLButtonElement;

  constructor(
    private link: Link,
    turn: Turn,
    private at: () => number,
  ) {
    this.#turn = turn;
    const mine = turn.role === "user";
    this.#body = mine ? new UserBody(link) : new AnswerBody(link);
    const copy = copyButton("Copy message", () => this.#turn.text);
    this.#actions.append(copy);
    if (mine) this.#acting = iconButton("edit", "Edit and send again", () => this.#edit());
    else this.#acting = iconButton("again", "Regenerate", () => link.act("regenerate"));
    this.#actions.append(this.#acting);
    const speaker = SPEAKERS[turn.role] ?? turn.role;
    this.node = h(
      "article",
      { class: `hfw-turn hfw-turn-${mine ? "user" : "answer"}`, "aria-label": speaker },
      turn.role === "tool" || turn.role === "system" ? h("div", { class: "hfw-hint" }, speaker) : null,
      this.#body.node,
      this.#note,
      this.#actions,
    );
  }

  /** Returns true when all of the text is on the page. */
  update(turn: Turn, last: boolean): boolean {
    this.#turn = turn;
    say(this.#note, turn.note);
    show(this.#note, turn.note !== "");
    show(this.#actions, turn.done);
    show(this.#acting, last || turn.role === "user");
    bar(this.#acting, this.link.busy);
    this.node.classList.toggle("hfw-last", last);
    return this.#body.update(turn);
  }

  #edit(): void {
    const box = h("textarea", { class: "hfw-input", dir: "auto", value: this.#turn.text, "aria-label": "Edit message" });
    box.rows = Math.min(12, this.#turn.text.split("\n").length + 1);
    const close = () => {
      form.replaceWith(this.#body.node);
      show(this.#actions, true);
      this.#actions.querySelector<HTMLElement>("button:last-child")?.focus();
    };
    const send = () => {
      if (this.link.act("edit", { at: this.at(), text: box.value })) close();
    };
    const form = editForm(box, send, close);
    this.#body.node.replaceWith(form);
    show(this.#actions, false);
    box.focus();
  }
}

function editForm(box: HTMLTextAreaElement, send: () => void, close: () => void): HTMLElement {
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // an input method's keys are its own
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && !event.shiftKey) send();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const buttons = h(
    "div",
    { class: "hfw-row" },
    h("button", { class: "hfw-button", type: "button", onclick: close }, "Cancel"),
    h("button", { class: "hfw-button hfw-primary", type: "button", onclick: send }, "Send"),
  );
  return h("div", { class: "hfw-edit" }, box, buttons);
}

class UserBody {
  readonly node = h("div", { class: "hfw-bubble" });
  #text = h("div", { class: "hfw-said", dir: "auto" });
  #shown = "";

  constructor(private link: Link) {
    this.node.append(this.#text);
  }

  update(turn: Turn): boolean {
    say(this.#text, turn.text);
    const key = turn.images.join(" ");
    if (key !== this.#shown) this.#pictures(turn.images);
    this.#shown = key;
    return true;
  }

  #pictures(ids: string[]): void {
    const row = h("div", { class: "hfw-pictures" });
    for (const [i, id] of ids.entries()) {
      const image = h("img", { alt: `Attached picture ${i + 1}` });
      void this.link.media(id).then((url) => (image.src = url));
      row.append(image);
    }
    this.node.replaceChildren(row, this.#text);
  }
}

class AnswerBody {
  readonly node = h("div", { class: "hfw-answer" });
  #think: HTMLDetailsElement | null = null;
  #thought: StreamedText;
  #text: StreamedText;
  #calls = h("div", { class: "hfw-calls" });
  #wait = h("div", { class: "hfw-wait", "aria-hidden": "true" }, h("i"), h("i"), h("i"));

  constructor(link: Link) {
    this.#thought = new StreamedText(link.chunks);
    this.#text = new StreamedText(link.chunks, codeInserter(link));
    this.node.append(this.#text.node, this.#calls, this.#wait);
  }

  update(turn: Turn): boolean {
    show(this.#wait, !turn.done && !turn.text && turn.calls.length === 0);
    if (turn.think) this.#thinking(turn);
    this.#cards(turn.calls);
    return this.#text.update(turn.text, turn.done);
  }

  #thinking(turn: Turn): void {
    const over = turn.done || turn.text !== "";
    this.#think ??= this.#fold();
    say(this.#think.querySelector("span") as Node, over ? "Reasoning" : "Reasoning…");
    this.#thought.update(turn.think, over);
  }

  #fold(): HTMLDetailsElement {
    const summary = h("summary", {}, icon("think"), h("span"));
    const fold = h("details", { class: "hfw-think" }, summary, this.#thought.node);
    this.node.prepend(fold);
    return fold;
  }

  #cards(calls: Call[]): void {
    while (this.#calls.childElementCount < calls.length) this.#calls.append(card());
    for (const [i, call] of calls.entries()) {
      const node = this.#calls.children[i] as HTMLElement;
      say(node.querySelector("code") as Node, call.name);
      say(node.querySelector(".hfw-call-brief") as Node, call.arguments.slice(0, 80));
      say(node.querySelector("pre") as Node, pretty(call.arguments));
    }
  }
}

function card(): HTMLElement {
  const head = h("summary", {}, icon("tool"), "Tool call ", h("code"), h("span", { class: "hfw-call-brief" }));
  return h("details", { class: "hfw-call" }, head, h("pre", { tabIndex: 0 }));
}

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}
