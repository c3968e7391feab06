// Text, lists of texts and labels.

import { h, iconButton } from "../../dom.ts";
import type { Field, Value } from "../../protocol.ts";
import type { InputView, Shown } from "../types.ts";
import { labelled, plain } from "./frame.ts";

const LONGEST = 1200;

/** Commas of Latin, full-width and Arabic scripts, the ideographic comma, and line breaks. */
const SEPARATORS = /[,，、،\n]/;

/** A box that grows with its text; one line where the field asks for one. */
export function textInput(field: Field, changed: () => void): InputView {
  const rows = field.control.count ?? 3;
  const box = h("textarea", { class: "hfw-input", dir: "auto", rows, spellcheck: true, title: field.help });
  const fit = () => {
    if (box.value.length > LONGEST) return;
    box.style.height = "auto";
    if (box.scrollHeight > 0) box.style.height = `${Math.min(box.scrollHeight + 2, 320)}px`;
  };
  box.addEventListener("input", fit);
  box.addEventListener("change", changed);
  const node = labelled(field, box);
  const marks = field.control.marks ?? [];
  if (marks.length) node.append(markButtons(box, marks));
  return {
    node,
    read: () => box.value,
    write: (shown) => {
      box.value = String(plain(shown) ?? "");
      fit();
    },
    focus: () => box.focus(),
  };
}

/** Buttons that put a mark where the caret is; a text holds one, so another one is replaced. */
function markButtons(box: HTMLTextAreaElement, marks: string[]): HTMLElement {
  const put = (mark: string) => {
    const there = marks.find((other) => box.value.includes(other));
    const at = there ? box.value.indexOf(there) : box.selectionStart;
    box.setRangeText(mark, at, there ? at + there.length : box.selectionEnd, "end");
    box.focus();
    for (const name of ["input", "change"]) box.dispatchEvent(new Event(name, { bubbles: true }));
  };
  const buttons = marks.map((mark) =>
    h("button", { type: "button", class: "hfw-button hfw-mark", onclick: () => put(mark) }, `Insert ${mark}`),
  );
  const hint = h("span", { class: "hfw-hint" }, "One mask, as the model names it:");
  return h("div", { class: "hfw-row hfw-start" }, hint, ...buttons);
}

/** Short labels as chips; Enter or a comma adds one, Backspace takes the last away. */
export function labelsInput(field: Field, changed: () => void): InputView {
  let labels: string[] = [];
  const list = h("span", { class: "hfw-chips", role: "list" });
  const placeholder = "Type a label, press Enter";
  const box = h("input", { class: "hfw-chip-box", dir: "auto", placeholder, title: field.help });
  const draw = () => list.replaceChildren(...labels.map((label) => chip(label)));
  const chip = (label: string) => {
    const drop = iconButton("close", `Remove ${label}`, () => {
      put(labels.filter((other) => other !== label));
      box.focus();
    });
    return h("span", { class: "hfw-chip", dir: "auto", role: "listitem" }, label, drop);
  };
  const put = (next: string[]) => {
    labels = [...new Set(next.map((word) => word.trim()).filter(Boolean))];
    draw();
    changed();
  };
  const add = () => {
    const typed = box.value.split(SEPARATORS);
    box.value = "";
    if (typed.some((word) => word.trim())) put([...labels, ...typed]);
  };
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // Enter confirms a candidate of an input method
    const command = event.ctrlKey || event.metaKey;
    if ((event.key === "Enter" && !command) || SEPARATORS.test(event.key)) {
      event.preventDefault();
      add();
    } else if (event.key === "Backspace" && !box.value) put(labels.slice(0, -1));
  });
  box.addEventListener("blur", add);
  box.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!SEPARATORS.test(text)) return;
    event.preventDefault();
    box.value += text;
    add();
  });
  const frame = h("div", { class: "hfw-chip-field" }, list, box);
  frame.addEventListener("click", (event) => event.target === frame && box.focus());
  return {
    node: labelled(field, box, frame),
    read: () => {
      const pending = box.value.split(SEPARATORS).map((word) => word.trim()).filter(Boolean);
      return [...labels, ...pending];
    },
    write: (shown) => {
      labels = strings(shown);
      draw();
    },
    focus: () => box.focus(),
  };
}

/** One text a row, with rows to add and to take away. */
export function wordsInput(field: Field, changed: () => void): InputView {
  const list = h("div", { class: "hfw-words", role: "group", "aria-label": field.label });
  const boxes = () => [...list.querySelectorAll("input")];
  const values = () => boxes().map((box) => box.value.trim()).filter(Boolean);
  const fill = (texts: string[]) => {
    list.replaceChildren(...(texts.length ? texts : [""]).map((text, i) => row(text, i)));
  };
  const row = (text: string, at: number) => {
    const box = h("input", { class: "hfw-input", dir: "auto", value: text, "aria-label": `${field.label} ${at + 1}` });
    box.addEventListener("change", changed);
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      insert(box);
    });
    box.addEventListener("paste", (event) => {
      const lines = (event.clipboardData?.getData("text/plain") ?? "").split("\n").filter(Boolean);
      if (lines.length < 2) return;
      event.preventDefault();
      fill([...values(), ...lines]);
      changed();
    });
    const drop = iconButton("close", `Remove ${field.label.toLowerCase()} ${at + 1}`, () => {
      const next = boxes().filter((other) => other !== box).map((other) => other.value);
      fill(next);
      changed();
      boxes()[Math.max(0, at - 1)]?.focus();
    });
    return h("div", { class: "hfw-word" }, box, drop);
  };
  const insert = (after?: HTMLInputElement) => {
    const texts = boxes().map((box) => box.value);
    const at = after ? boxes().indexOf(after) + 1 : texts.length;
    fill([...texts.slice(0, at), "", ...texts.slice(at)]);
    boxes()[at]?.focus();
  };
  const add = h("button", { type: "button", class: "hfw-button", onclick: () => insert() }, "Add a row");
  fill([]);
  return {
    node: h("div", { class: "hfw-field" }, h("span", { class: "hfw-label" }, field.label), list, h("div", {}, add)),
    read: values,
    write: (shown) => fill(strings(shown)),
    focus: () => boxes()[0]?.focus(),
  };
}

function strings(shown: Shown | null): string[] {
  const value: Value | undefined = plain(shown);
  return Array.isArray(value) ? value.map(String) : [];
}
