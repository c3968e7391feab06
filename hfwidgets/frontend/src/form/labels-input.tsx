// A chip for each short label; Enter or a comma adds one, Backspace takes the last away.

import { useRef, useState } from "preact/hooks";
import { isComposing } from "../parts/composing.ts";
import { IconButton } from "../parts/buttons.tsx";
import { useId } from "../parts/use-id.ts";
import { type InputProps, textsOf } from "./input-props.ts";

/** Commas of Latin, full-width and Arabic scripts, the ideographic comma, and line breaks. */
const SEPARATORS = /[,，、،\n]/;

function words(text: string): string[] {
  return text.split(SEPARATORS).map((word) => word.trim()).filter(Boolean);
}

export function LabelsInput({ field, state }: InputProps) {
  const id = useId();
  const box = useRef<HTMLInputElement>(null);
  const [pending, setPending] = useState("");
  const labels = textsOf(state.shown(field.name));
  const example = textsOf(state.form.examples?.[0]?.preview[field.name] ?? null);
  const put = (next: string[]) => {
    state.edit(field.name, [...new Set(next)]);
    state.commit();
  };
  const add = (text: string) => {
    setPending("");
    if (words(text).length) put([...labels, ...words(text)]);
  };
  const type = (text: string) => {
    setPending(text);
    // What is not a chip yet is sent with them, but not shown as one.
    state.edit(field.name, [...labels, ...words(text)], labels);
  };
  const key = (event: KeyboardEvent & { currentTarget: HTMLInputElement }) => {
    if (isComposing(event)) return; // Enter confirms a candidate of an input method
    const command = event.ctrlKey || event.metaKey;
    const { value } = event.currentTarget;
    if ((event.key === "Enter" && !command) || SEPARATORS.test(event.key)) {
      event.preventDefault();
      add(value);
    } else if (event.key === "Backspace" && !value && labels.length) put(labels.slice(0, -1));
  };
  const paste = (event: ClipboardEvent & { currentTarget: HTMLInputElement }) => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!SEPARATORS.test(text)) return;
    event.preventDefault();
    add(event.currentTarget.value + text);
  };
  const remove = (label: string) => {
    put(labels.filter((other) => other !== label));
    box.current?.focus();
  };
  return (
    <div class="hfw-field hfw-field-labellist">
      <label class="hfw-label" for={id} title={field.help}>{field.label}</label>
      <div class="hfw-chip-field" onClick={({ target, currentTarget }) => target === currentTarget && box.current?.focus()}>
        <span class="hfw-chips" role={labels.length ? "list" : undefined}>
          {labels.map((label) => (
            <span key={label} class="hfw-chip" dir="auto" role="listitem">
              {label}
              <IconButton icon="close" label={`Remove ${label}`} act={() => remove(label)} />
            </span>
          ))}
        </span>
        <input
          ref={box}
          id={id}
          class="hfw-chip-box"
          dir="auto"
          placeholder={labels.length || !example.length ? "Type a label, press Enter" : example.join(", ")}
          title={field.help}
          value={pending}
          onInput={({ currentTarget }) => type(currentTarget.value)}
          onKeyDown={key}
          onBlur={({ currentTarget }) => add(currentTarget.value)}
          onPaste={paste}
        />
      </div>
    </div>
  );
}
