// One text per row, with rows to add and to take away.

import { useRef } from "preact/hooks";
import { isComposing } from "../parts/composing.ts";
import { Button, IconButton } from "../parts/buttons.tsx";
import { type InputProps, textsOf } from "./input-props.ts";

export function TextsInput({ field, state }: InputProps) {
  const list = useRef<HTMLDivElement>(null);
  const texts = textsOf(state.shown(field.name));
  const example = textsOf(state.form.examples?.[0]?.preview[field.name] ?? null);
  const rows = texts.length ? texts : [""];
  const put = (next: string[]) => state.edit(field.name, next.map((text) => text.trim()).filter(Boolean), next);
  const focus = (at: number) => requestAnimationFrame(() => list.current?.querySelectorAll("input")[at]?.focus());
  const insert = (at: number) => {
    put(rows.toSpliced(at, 0, ""));
    focus(at);
  };
  const remove = (at: number) => {
    put(rows.toSpliced(at, 1));
    state.commit();
    focus(Math.max(0, at - 1));
  };
  const paste = (event: ClipboardEvent) => {
    const lines = (event.clipboardData?.getData("text/plain") ?? "").split("\n").filter(Boolean);
    if (lines.length < 2) return;
    event.preventDefault();
    put([...rows.filter((text) => text.trim()), ...lines]);
    state.commit();
  };
  const key = (event: KeyboardEvent, at: number) => {
    if (event.key !== "Enter" || isComposing(event) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    insert(at + 1);
  };
  return (
    <div class="hfw-field">
      <span class="hfw-label">{field.label}</span>
      <div ref={list} class="hfw-words" role="group" aria-label={field.label}>
        {rows.map((text, at) => (
          <div key={at} class="hfw-word">
            <input
              class="hfw-input"
              dir="auto"
              value={text}
              aria-label={`${field.label} ${at + 1}`}
              placeholder={example[at] ?? ""}
              onInput={({ currentTarget }) => put(rows.with(at, currentTarget.value))}
              onChange={() => state.commit()}
              onKeyDown={(event) => key(event, at)}
              onPaste={paste}
            />
            <IconButton icon="close" label={`Remove ${field.label.toLowerCase()} ${at + 1}`} act={() => remove(at)} />
          </div>
        ))}
      </div>
      <div>
        <Button kind="hfw-quiet" act={() => insert(rows.length)}>Add a row</Button>
      </div>
    </div>
  );
}
