// One control per parameter, made from its hint. A control that was not touched sends nothing.

import { h } from "./dom.ts";
import type { Control, Field, Value } from "./protocol.ts";

export interface FieldView {
  node: HTMLElement;
  /** Show a value; undefined shows that none is sent. */
  set(value: Value | undefined): void;
}

type Change = (value: Value | undefined) => void;
type Make = (field: Field, change: Change) => FieldView;

const UNSET = "default";
let count = 0;

function labelled(field: Field, input: HTMLElement, ...more: HTMLElement[]): HTMLElement {
  input.id = `hfw-field-${++count}-${Math.random().toString(36).slice(2, 8)}`;
  const label = h("label", { class: "hfw-label", htmlFor: input.id, title: field.help }, field.label);
  if (field.help) input.title = field.help;
  const wide = (field.control.count ?? 1) > 1 ? " hfw-field-wide" : "";
  return h("div", { class: `hfw-field hfw-field-${field.control.kind}${wide}` }, label, input, ...more);
}

/** Leave a control alone while its user is in it. */
function focused(input: HTMLElement): boolean {
  return input.ownerDocument.activeElement === input;
}

function numberInput({ low, high, step, whole }: Control): HTMLInputElement {
  const props = { type: "number", placeholder: UNSET, class: "hfw-input" };
  return h("input", {
    ...props,
    min: low ?? "",
    max: high ?? "",
    step: step ?? (whole ? 1 : "any"),
  });
}

function readNumber(input: HTMLInputElement): number | undefined {
  return input.value === "" || !input.validity.valid ? undefined : input.valueAsNumber;
}

const number: Make = (field, change) => {
  const input = numberInput(field.control);
  input.addEventListener("change", () => input.reportValidity() && change(readNumber(input)));
  return {
    node: labelled(field, input),
    set: (value) => focused(input) || (input.value = value === undefined ? "" : String(value)),
  };
};

const slider: Make = (field, change) => {
  const { low, high, step, whole } = field.control;
  const input = numberInput(field.control);
  const bounds = { min: low ?? 0, max: high ?? 1, step: step ?? (whole ? 1 : 0.01) };
  const neutral = Math.min(Math.max(0, bounds.min), bounds.max);
  const range = h("input", { type: "range", ...bounds, "aria-label": `${field.label}, slider` });
  const set = (value: Value | undefined) => {
    range.classList.toggle("hfw-unset", value === undefined);
    if (!focused(input)) input.value = value === undefined ? "" : String(value);
    if (!focused(range)) range.value = String(value ?? neutral);
  };
  range.addEventListener("input", () => (input.value = range.value));
  range.addEventListener("change", () => change(range.valueAsNumber));
  input.addEventListener("change", () => input.reportValidity() && change(readNumber(input)));
  return { node: labelled(field, input, range), set };
};

const choice: Make = (field, change) => {
  const select = h("select", { class: "hfw-input" }, h("option", { value: "" }, UNSET));
  for (const name of field.control.options ?? []) select.append(h("option", { value: name }, name));
  select.addEventListener("change", () => change(select.value || undefined));
  return {
    node: labelled(field, select),
    set: (value) => (select.value = typeof value === "string" ? value : ""),
  };
};

const toggle: Make = (field, change) => {
  const select = h("select", { class: "hfw-input" });
  for (const [name, value] of [[UNSET, ""], ["yes", "true"], ["no", "false"]]) {
    select.append(h("option", { value }, name));
  }
  select.addEventListener("change", () => change(select.value ? select.value === "true" : undefined));
  return {
    node: labelled(field, select),
    set: (value) => (select.value = value === undefined ? "" : String(value)),
  };
};

/** A text whose form is checked before it is sent; `read` throws a sentence that is shown. */
function textual(read: (text: string) => Value, write: (value: Value) => string, code: boolean): Make {
  return (field, change) => {
    const rows = field.control.kind === "textbox" ? (field.control.count ?? 1) : 2;
    const box = h("textarea", { class: "hfw-input", rows, placeholder: UNSET, spellcheck: !code });
    box.addEventListener("input", () => box.setCustomValidity(""));
    box.addEventListener("change", () => {
      try {
        change(box.value.trim() ? read(box.value) : undefined);
      } catch (why) {
        box.setCustomValidity(why instanceof Error ? why.message : String(why));
        box.reportValidity();
      }
    });
    return {
      node: labelled(field, box),
      set: (value) => focused(box) || (box.value = value === undefined ? "" : write(value)),
    };
  };
}

const lines = textual((text) => text, String, false);
const words = textual(
  (text) => text.split("\n").filter((line) => line !== ""),
  (value) => (Array.isArray(value) ? value.join("\n") : String(value)),
  true,
);
const labels = textual(
  (text) => text.split(/[,\n]/).map((word) => word.trim()).filter(Boolean),
  (value) => (Array.isArray(value) ? value.join(", ") : String(value)),
  false,
);
const json = textual(
  (text) => JSON.parse(text) as Value,
  (value) => JSON.stringify(value, null, 1),
  true,
);

const MAKERS: Record<string, Make> = { number, slider, choice, checkbox: toggle, textbox: lines, stringlist: words, labellist: labels, json };

/** The control for a field, or null when its kind belongs to the task's own view. */
export function makeField(field: Field, change: Change): FieldView | null {
  return MAKERS[field.control.kind]?.(field, change) ?? null;
}
