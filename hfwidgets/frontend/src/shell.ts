// The frame that all panels share: header, settings, the task's view, errors in place, status line.

import { h, icon, iconButton, say, show } from "./dom.ts";
import { makeField } from "./fields.ts";
import type { FieldView } from "./fields.ts";
import type { Link } from "./link.ts";
import { BUSY, type Failure, type Field, type Stats, type Status, type Value } from "./protocol.ts";
import { RESTARTED } from "./upload.ts";
import { makeView, type View } from "./view.ts";

/** One output of a cell in JupyterLab and Notebook 7, VS Code, Colab. */
const OUTPUT = ":is(.jp-OutputArea-child, .output_container, .output_subarea)";
const SILENT =
  "The kernel has not answered. It is busy with a cell, or this notebook was only reopened. " +
  "Run the panel's cell to use it again.";

export class Shell {
  readonly node: HTMLElement;
  #view: View;
  #head: Header;
  #drawer: Drawer;
  #failure: FailureCard;
  #line: StatusLine;
  #spoken = h("div", { class: "hfw-unseen", role: "status", "aria-live": "polite" });
  #asleep = h("div", { class: "hfw-note" });
  #hide: HTMLStyleElement;
  #was: Status = "idle";
  #frame = 0;
  #unwatch: () => void;

  constructor(private link: Link) {
    this.#view = makeView(link, (text) => say(this.#spoken, text));
    this.#drawer = new Drawer(link);
    this.#head = new Header(link, this.#drawer);
    this.#failure = new FailureCard(link);
    this.#line = new StatusLine(link, this.#view.actions);
    this.#hide = h("style");
    const { body, input, inputFirst } = this.#view;
    const parts = [body, this.#failure.node, input];
    this.node = h(
      "section",
      { class: `hfw hfw-key-${link.shape.key}`, "aria-label": landmark(`${link.shape.label} panel`), "data-lm-suppress-shortcuts": "true" },
      this.#hide,
      this.#head.node,
      this.#drawer.node,
      ...(inputFirst ? parts.reverse() : parts),
      this.#asleep,
      this.#line.node,
      this.#spoken,
    );
    guardKeys(this.node, link);
    guardClicks(this.node);
    this.#unwatch = link.watch(() => this.#soon());
    this.#update();
  }

  close(): void {
    this.#unwatch();
    cancelAnimationFrame(this.#frame);
    this.#line.close();
    this.#view.close?.();
  }

  #soon(): void {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#update();
    });
  }

  #update(): void {
    const inside = this.node.contains(this.node.ownerDocument.activeElement);
    this.#static();
    this.#head.update();
    this.#drawer.update();
    this.#view.update();
    this.#failure.update();
    this.#line.update();
    this.#transition(inside);
  }

  /** The static form in the notebook shows wherever no kernel answers, and hides beside a live panel. */
  #static(): void {
    // It is the output after the panel's. An Output widget's own output contains both, and more:
    // only the innermost output that holds the panel counts.
    const panel = `.hfw-key-${this.link.shape.key}`;
    const own = `${OUTPUT}:has(${panel}):not(:has(${OUTPUT} ${panel}))`;
    const rule = `${own} + ${OUTPUT}:has(.hfw-copy) { display: none !important; }`;
    say(this.#hide, this.link.live ? rule : "");
    show(this.#asleep, this.link.unheard || this.link.dead);
    say(this.#asleep, this.link.dead ? RESTARTED : SILENT);
  }

  /** After a run the caret goes back to the input, if the user was in the panel. */
  #transition(inside: boolean): void {
    const { status, failure } = this.link.doc.state;
    if (status === this.#was) return;
    const was = this.#was;
    this.#was = status;
    if (BUSY.has(was) && !BUSY.has(status) && inside && !failure?.wants) this.#view.focus();
  }
}

/** A landmark's name that no other panel of the page has. */
function landmark(label: string): string {
  const taken = new Set([...document.querySelectorAll("section.hfw")].map((other) => other.getAttribute("aria-label")));
  let found = label;
  for (let n = 2; taken.has(found); n++) found = `${label} ${n}`;
  return found;
}

/** A button that is ruled out does nothing (see `bar`). */
function guardClicks(node: HTMLElement): void {
  node.addEventListener(
    "click",
    (event) => {
      if (!(event.target as Element).closest("[aria-disabled=true]")) return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );
}

/** Keys typed in a panel are no notebook commands, but Save stays Save. */
function guardKeys(node: HTMLElement, link: Link): void {
  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && link.busy && !event.isComposing) {
      link.stop();
      event.preventDefault();
    }
    const command = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s";
    if (!command) event.stopPropagation();
  });
}

/** What the panel is for, which model answers and who serves it. */
class Header {
  readonly node: HTMLElement;
  #model: HTMLInputElement;
  #provider: HTMLSelectElement;
  #options: HTMLDataListElement;
  #names = "";
  #asked: string | null = null;

  constructor(
    private link: Link,
    drawer: Drawer,
  ) {
    const { label, help, providers, served, key } = link.shape;
    this.#options = h("datalist", { id: `hfw-models-${key}-${Math.random().toString(36).slice(2)}` });
    this.#model = h("input", {
      class: "hfw-input hfw-model",
      type: "text",
      placeholder: "default model",
      "aria-label": "Model",
      spellcheck: false,
      autocomplete: "off",
      onchange: () => link.act("set", { model: this.#model.value.trim() }),
      onfocus: () => this.#suggest(),
    });
    this.#model.setAttribute("list", this.#options.id);
    show(this.#model, !link.shape.view.startsWith("compare")); // its models are named when it is made
    this.#provider = h("select", {
      class: "hfw-input hfw-provider",
      "aria-label": "Provider",
      onchange: () => link.act("set", { provider: this.#provider.value }),
    });
    this.#provider.append(h("option", { value: "" }, served.label));
    if (!served.fixed) {
      for (const name of providers) this.#provider.append(h("option", { value: name }, name));
    }
    this.#provider.disabled = served.fixed;
    // The rows of an evaluation were asked already: no model is called from here.
    for (const part of [this.#model, this.#provider, drawer.button]) if (link.shape.view === "rows") show(part, false);
    this.node = h(
      "header",
      { class: "hfw-head" },
      ...title(link, label, help),
      h("span", { class: "hfw-gap" }),
      this.#model,
      this.#options,
      this.#provider,
      drawer.button,
    );
  }

  /** Names are only looked up once somebody is about to type one. */
  #suggest(): void {
    const { provider } = this.link.doc.settings;
    if (this.#asked !== provider && !this.link.shape.served.fixed) this.link.act("models");
    this.#asked = provider;
  }

  update(): void {
    const { model, provider } = this.link.doc.settings;
    const names = this.link.doc.models;
    if (names.join() !== this.#names) {
      this.#names = names.join();
      this.#options.replaceChildren(...names.map((value) => h("option", { value })));
    }
    if (document.activeElement !== this.#model) this.#model.value = model;
    if (![...this.#provider.options].some((option) => option.value === provider)) {
      this.#provider.append(h("option", { value: provider }, provider));
    }
    this.#provider.value = provider;
  }
}

/** The task's name; where there are several to choose from, a list of them by domain. */
function title(link: Link, label: string, help: string): HTMLElement[] {
  const { tasks = [], task } = link.shape;
  if (tasks.length < 2) return [h("h2", { class: "hfw-title", title: help }, label)];
  const select = h("select", { class: "hfw-input hfw-task", "aria-label": "Task", title: help });
  for (const domain of new Set(tasks.map((one) => one.domain))) {
    const options = tasks
      .filter((one) => one.domain === domain)
      .map((one) => h("option", { value: one.name }, one.label));
    const name = domain[0]?.toUpperCase() + domain.slice(1);
    const alone = tasks.every((one) => one.domain === domain);
    select.append(...(alone ? options : [h("optgroup", { label: name }, ...options)]));
  }
  select.value = task;
  select.addEventListener("change", () => link.act("switch", { task: select.value }));
  return [select];
}

/** The parameters, folded away until they are wanted. */
class Drawer {
  readonly node: HTMLElement;
  readonly button: HTMLButtonElement;
  #fields = new Map<string, FieldView>();

  constructor(private link: Link) {
    const id = `hfw-drawer-${Math.random().toString(36).slice(2)}`;
    const basic = h("div", { class: "hfw-fields" });
    const more = h("div", { class: "hfw-fields" });
    for (const field of link.shape.fields) this.#add(field, field.advanced ? more : basic);
    const fold = h("details", { class: "hfw-more" }, h("summary", {}, "More parameters"), more);
    this.node = h("div", { class: "hfw-drawer", id, hidden: true }, basic);
    if (more.childElementCount > 0) this.node.append(fold);
    this.button = iconButton("settings", "Parameters", () => this.#toggle());
    this.button.setAttribute("aria-expanded", "false");
    this.button.setAttribute("aria-controls", id);
    show(this.button, this.#fields.size > 0);
  }

  update(): void {
    const { values } = this.link.doc.settings;
    for (const [name, view] of this.#fields) view.set(values[name]);
    this.button.classList.toggle("hfw-on", Object.keys(values).length > 0);
  }

  #add(field: Field, place: HTMLElement): void {
    const change = (value: Value | undefined) =>
      this.link.act("set", { values: { [field.name]: value ?? null } });
    const view = makeField(field, change);
    if (!view) return;
    this.#fields.set(field.name, view);
    place.append(view.node);
  }

  #toggle(): void {
    show(this.node, Boolean(this.node.hidden));
    this.button.setAttribute("aria-expanded", String(!this.node.hidden));
    if (!this.node.hidden) this.node.querySelector<HTMLElement>("input, select, textarea")?.focus();
  }
}

/** What went wrong and what to do, where it happened; asks for a key when the service wants one. */
class FailureCard {
  readonly node: HTMLElement;
  #title = h("strong", {});
  #text = h("p", {});
  #details = h("p", {});
  #fold = h("details", { class: "hfw-more" }, h("summary", {}, "Details"), this.#details);
  #key: HTMLFormElement;
  #box: HTMLInputElement;
  #install: HTMLButtonElement;

  constructor(private link: Link) {
    this.#box = h("input", {
      class: "hfw-input",
      type: "password",
      autocomplete: "off",
      placeholder: "Paste a token or API key",
      "aria-label": "Token or API key",
    });
    const note = "Kept in the kernel's memory only; it is not saved in the notebook.";
    const use = h("button", { class: "hfw-button", type: "submit" }, "Use and try again");
    this.#key = h("form", { class: "hfw-key" }, this.#box, use, h("span", { class: "hfw-hint" }, note));
    this.#key.addEventListener("submit", (event) => this.#use(event));
    const again = h("button", { class: "hfw-button", type: "button" }, "Try again");
    again.addEventListener("click", () => link.act("retry"));
    const close = iconButton("close", "Dismiss", () => link.act("dismiss"));
    this.#install = h("button", { class: "hfw-button hfw-primary", type: "button", hidden: true });
    this.#install.addEventListener("click", () => {
      link.act("install", { name: link.doc.state.failure?.set });
    });
    const words = h("div", { class: "hfw-failure-text" }, this.#title, this.#text, this.#fold, this.#key);
    this.node = h(
      "div",
      { class: "hfw-failure", role: "alert", hidden: true },
      icon("warn"),
      words,
      this.#install,
      again,
      close,
    );
  }

  update(): void {
    const failure: Failure | null = this.link.doc.state.failure;
    show(this.node, failure !== null);
    if (!failure) return;
    say(this.#title, failure.title);
    say(this.#text, failure.text);
    say(this.#details, failure.details ?? "");
    show(this.#fold, Boolean(failure.details));
    show(this.#key, failure.wants === "key");
    show(this.#install, failure.wants === "weights");
    say(this.#install, `Install the ${failure.set ?? ""} set`);
  }

  #use(event: Event): void {
    event.preventDefault();
    const value = this.#box.value.trim();
    if (value && this.link.act("key", { value })) this.#box.value = "";
  }
}

/** How the run goes or went, and the panel's actions. */
class StatusLine {
  readonly node: HTMLElement;
  #dot = h("span", { class: "hfw-dot" });
  #text = h("span", { class: "hfw-status" });
  #bar = h("progress", { class: "hfw-bar", max: 1, "aria-label": "Loading", hidden: true });
  #since = performance.now();
  #key = "";
  #timer: ReturnType<typeof setInterval>;

  constructor(
    private link: Link,
    actions: HTMLElement[],
  ) {
    const tools = h("span", { class: "hfw-actions" }, ...actions);
    this.node = h("footer", { class: "hfw-foot" }, this.#dot, this.#text, this.#bar, h("span", { class: "hfw-gap" }), tools);
    this.#timer = setInterval(() => link.busy && this.update(), 250);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  update(): void {
    if (this.link.dead) {
      this.#dot.className = "hfw-dot hfw-is-failed";
      show(this.#bar, false);
      say(this.#text, "Kernel restarted");
      return;
    }
    const { status, run, note, eta, stats, stopping } = this.link.doc.state;
    const key = `${run} ${status === "loading" ? status : BUSY.has(status)}`;
    if (key !== this.#key) this.#since = performance.now();
    this.#key = key;
    const seconds = (performance.now() - this.#since) / 1000;
    this.#dot.className = `hfw-dot hfw-is-${status}`;
    const loading = status === "loading" && eta !== null;
    show(this.#bar, loading);
    if (loading) this.#bar.value = Math.min(0.98, seconds / Math.max(eta, 1));
    const talk = this.link.shape.view === "chat" && status === "running";
    const words = note || (talk ? "Waiting for the first token" : "");
    say(this.#text, stopping ? "Stopping…" : describe(status, words, eta, seconds, stats));
  }
}

function describe(
  status: Status,
  note: string,
  eta: number | null,
  seconds: number,
  stats: Stats | null,
): string {
  const elapsed = `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (status === "loading") return `${note || "Loading"}${eta ? `, about ${Math.round(eta)} s` : ""}… ${elapsed}`;
  if (status === "validating") return "Checking…";
  if (status === "running") return `${note || "Working"}… ${elapsed}`;
  if (status === "streaming") return `Answering… ${elapsed}`;
  const summary = stats ? sum(stats) : "";
  if (status === "stopped") return summary ? `Stopped · ${summary}` : note || "Stopped";
  if (status === "failed") return summary || "Failed";
  return summary || note;
}

function sum(stats: Stats): string {
  const about = stats.counted ? "≈ " : "";
  const parts = [
    stats.first !== undefined && `first token ${stats.first.toFixed(2)} s`,
    stats.rate !== undefined && `${about}${stats.rate.toFixed(stats.rate < 10 ? 1 : 0)} tokens/s`,
    stats.seconds !== undefined && took(stats.seconds),
    // A stream's header tells how long it took to begin, and that is the first token's time.
    stats.server !== undefined && stats.first === undefined && `server ${stats.server.toFixed(2)} s`,
    tokens(stats),
    stats.cost !== undefined && `$${stats.cost.toPrecision(2)}`,
    stats.cached !== undefined && (stats.cached ? "cached" : "fresh"),
    stats.recorded && `recorded on ${stats.recorded}`,
    stats.finish === "length" && "cut at the token limit",
    stats.model,
    stats.provider,
  ];
  return parts.filter(Boolean).join(" · ");
}

/** Wall time; what is short is said more exactly. */
function took(seconds: number): string {
  if (seconds < 0.1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
}

function tokens({ prompt, completion, counted }: Stats): string {
  if (completion === undefined) return "";
  if (counted) return `≈ ${completion} tokens`;
  return prompt === undefined ? `${completion} tokens` : `${prompt} + ${completion} tokens`;
}
