// A task's form and its result: which controls there are, the declaration says; which view shows
// the result, the result's kind.

import { bar, exchange, h, icon, iconButton, show } from "../dom.ts";
import { exampleButtons } from "./examples.ts";
import { type FieldView, makeField } from "../fields.ts";
import type { Link } from "../link.ts";
import { BUSY, type Field, type Status, type Value } from "../protocol.ts";
import { Notice } from "./banner.ts";
import { Extras } from "./extras.ts";
import { Gallery } from "./gallery.ts";
import { labelsInput, textInput, wordsInput } from "./inputs/text.ts";
import { MediaInput } from "./inputs/media.ts";
import { tableInput } from "./inputs/table.ts";
import { ResultPlace } from "./result.ts";
import type { Context, Form, InputView, Shown } from "./types.ts";

/** Numbers grow, whichever page or view of a panel they come from. */
let lastTold = 0;

interface Places {
  body: HTMLElement;
  input: HTMLElement;
  tools: HTMLElement;
}

export function makeForm(link: Link, announce: (text: string) => void, places: Places): TaskForm {
  return new TaskForm({ link, announce }, places);
}

export class TaskForm {
  #form: Form;
  #place: HTMLElement;
  #inputs = new Map<string, InputView>();
  #basics = new Map<string, FieldView>();
  #written = new Map<string, string>();
  #edited = new Set<string>();
  #told = new Map<string, number>();
  #run: HTMLButtonElement;
  #stop: HTMLButtonElement;
  #notice: Notice;
  #result: ResultPlace;
  #gallery: Gallery;
  #extras: Extras;
  #status: Status = "idle";
  #previewing = false;

  constructor(
    private context: Context,
    places: Places,
  ) {
    const { link } = context;
    this.#place = places.input;
    this.#form = link.doc["form"] as Form;
    this.#notice = new Notice(link);
    const inputs = h("div", { class: "hfw-inputs" });
    for (const field of this.#form.inputs) inputs.append(this.#input(field).node);
    const basics = h("div", { class: "hfw-fields" });
    for (const field of this.#form.basics) this.#basic(field, basics);
    const swap = this.#swap();
    if (swap) basics.firstElementChild?.after(swap);
    basics.classList.toggle("hfw-swapped", swap !== null);
    show(basics, basics.childElementCount > 0);
    this.#run = h("button", { type: "button", class: "hfw-button hfw-primary hfw-run" }, "Run");
    this.#run.title = "Ctrl+Enter or Cmd+Enter";
    this.#run.addEventListener("click", () => this.#start());
    this.#stop = h("button", { type: "button", class: "hfw-button hfw-run hfw-stop" }, icon("stop"), "Stop");
    this.#stop.addEventListener("click", () => link.stop());
    const row = h("div", { class: "hfw-row hfw-start" }, this.#run, this.#stop);
    // The example's button stands above what its preview makes taller, so it stays in place.
    const top = h("div", { class: "hfw-row hfw-top" }, h("span", {}, this.#form.help), ...this.#examples());
    places.input.append(this.#notice.node, top, inputs, basics, row);
    this.#result = new ResultPlace(context, this.#form.empty);
    this.#gallery = new Gallery(link);
    this.#extras = new Extras(context, this.#result);
    places.body.append(this.#result.node, this.#gallery.node, this.#extras.node);
    places.tools.append(...this.#extras.buttons);
    places.input.addEventListener("keydown", (event) => this.#key(event));
    places.input.addEventListener("paste", (event) => this.#paste(event));
  }

  update(): void {
    const { busy, doc } = this.context.link;
    exchange(this.#run, this.#stop, busy);
    bar(this.#stop, doc.state.stopping);
    this.#notice.update();
    if (!this.#previewing) this.#write(doc["inputs"] as Record<string, Shown | null>);
    for (const view of this.#inputs.values()) view.update?.();
    for (const [name, view] of this.#basics) view.set(doc.settings.values[name]);
    this.#result.update();
    this.#gallery.update();
    this.#extras.update();
    this.#speak();
  }

  focus(): void {
    (this.#run.hidden ? this.#stop : this.#run).focus();
  }

  close(): void {
    for (const view of this.#inputs.values()) view.close?.();
  }

  #input(field: Field): InputView {
    const changed = () => this.#edited.add(field.name) && this.#tell();
    const view = makeInput(this.context, field, changed);
    this.#inputs.set(field.name, view);
    view.node.addEventListener("input", (event) => {
      const picked = (event.target as Element).closest(".hfw-variables");
      if (!(view instanceof MediaInput) && !picked) this.#edited.add(field.name);
    });
    return view;
  }

  #basic(field: Field, place: HTMLElement): void {
    const change = (value: Value | undefined) =>
      this.context.link.act("set", { values: { [field.name]: value ?? null } });
    const view = makeField(field, change);
    if (!view) return;
    this.#basics.set(field.name, view);
    place.append(view.node);
  }

  /** Take over what the kernel holds, but for what its user changed and it has not heard of yet. */
  #write(shown: Record<string, Shown | null>): void {
    const heard = this.context.link.doc["heard"] as number;
    for (const [name, view] of this.#inputs) {
      if ((this.#told.get(name) ?? 0) > heard) continue;
      const text = JSON.stringify(shown[name] ?? null);
      if (text === this.#written.get(name) || this.#edited.has(name)) continue;
      this.#written.set(name, text);
      view.write(shown[name] ?? null);
    }
  }

  /** What was changed, with a number by which the kernel says that it has heard of it. */
  #values(): { inputs: Record<string, Value>; n: number } {
    lastTold = Math.max(lastTold + 1, Date.now());
    const found: Record<string, Value> = {};
    for (const name of this.#edited) {
      const value = this.#inputs.get(name)?.read();
      if (value !== undefined) found[name] = value;
    }
    this.#edited.clear();
    for (const [name, value] of Object.entries(found)) {
      this.#written.set(name, JSON.stringify({ kind: "plain", value }));
      this.#told.set(name, lastTold);
    }
    return { inputs: found, n: lastTold };
  }

  #tell(): void {
    this.context.link.act("inputs", this.#values());
  }

  #start(): void {
    if (!this.context.link.busy) this.context.link.act("run", this.#values());
  }

  #key(event: KeyboardEvent): void {
    if (event.key !== "Enter" || event.isComposing || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.#start();
  }

  #paste(event: ClipboardEvent): void {
    const files = [...(event.clipboardData?.files ?? [])];
    for (const view of this.#inputs.values()) {
      if (view instanceof MediaInput && view.paste(files)) {
        event.preventDefault();
        return;
      }
    }
  }

  #examples(): HTMLElement[] {
    const { link } = this.context;
    const frame = (on: boolean) => this.#place.classList.toggle("hfw-previewing", on);
    return exampleButtons(this.#form.examples, {
      preview: ({ preview }) => {
        if (link.busy) return;
        this.#previewing = true;
        frame(true);
        if (this.#edited.size) this.#tell();
        for (const [name, view] of this.#inputs) view.write(preview[name] ?? null);
      },
      restore: () => {
        if (!this.#previewing) return;
        this.#previewing = false;
        frame(false);
        this.#written.clear();
        this.#write(link.doc["inputs"] as Record<string, Shown | null>);
      },
      run: (number) => {
        this.#previewing = false;
        frame(false);
        this.#edited.clear();
        if (!link.busy) link.act("example", { number });
      },
    });
  }

  /** Exchange the languages of a translation. */
  #swap(): HTMLElement | null {
    if (!this.#basics.has("src_lang") || !this.#basics.has("tgt_lang")) return null;
    const button = iconButton("swap", "Swap the languages", () => {
      if (this.#edited.size) this.#tell();
      this.context.link.act("swap");
    });
    button.classList.add("hfw-swap");
    return button;
  }

  #speak(): void {
    const { status, failure } = this.context.link.doc.state;
    if (status === this.#status) return;
    const begins = this.context.link.busy && !BUSY.has(this.#status);
    this.#status = status;
    const { announce } = this.context;
    if (begins) announce("Running");
    else if (status === "done") announce(`Done. ${this.#result.summary()}`);
    else if (status === "stopped") announce("Stopped");
    else if (status === "failed" && failure) announce(`Failed: ${failure.title}`);
  }
}

function makeInput(context: Context, field: Field, changed: () => void): InputView {
  const { kind } = field.control;
  if (kind === "image" || kind === "audio" || kind === "video") return new MediaInput(context, field);
  if (kind === "labellist") return labelsInput(field, changed);
  if (kind === "stringlist") return wordsInput(field, changed);
  if (kind === "tableinput") return tableInput(context.link, field, changed);
  if (kind === "textbox" || kind === "messages") return textInput(field, changed);
  return plainInput(field, changed);
}

/** Numbers, choices, JSON: as among the parameters. */
function plainInput(field: Field, changed: () => void): InputView {
  let held: Value | undefined;
  const view = makeField(field, (value) => {
    held = value;
    changed();
  });
  const node = view?.node ?? h("div", {});
  return {
    node,
    read: () => held ?? null,
    write: (shown) => view?.set((held = shown?.kind === "plain" ? shown.value : undefined)),
    focus: () => node.querySelector<HTMLElement>("input, select, textarea")?.focus(),
  };
}
