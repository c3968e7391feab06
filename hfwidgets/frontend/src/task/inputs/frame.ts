// What the form's controls share: a label above, a value out of what the kernel says.

import { h } from "../../dom.ts";
import type { Field, Value } from "../../protocol.ts";
import type { Shown } from "../types.ts";

export function labelled(field: Field, input: HTMLElement, frame = input): HTMLElement {
  input.id = `hfw-input-${Math.random().toString(36).slice(2, 10)}`;
  const label = h("label", { class: "hfw-label", htmlFor: input.id, title: field.help }, field.label);
  return h("div", { class: `hfw-field hfw-field-${field.control.kind}` }, label, frame);
}

export function plain(shown: Shown | null): Value | undefined {
  return shown?.kind === "plain" ? shown.value : undefined;
}
