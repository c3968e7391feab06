// A text of a form: a box that grows with it; the example is its placeholder.

import { useLayoutEffect, useRef } from "preact/hooks";
import type { InputProps } from "./input-props.ts";
import { plainValue } from "./form-state.ts";
import { useId } from "../parts/use-id.ts";

const LONGEST = 1200;
const MOST_PX = 320;

export function TextInput({ field, state }: InputProps) {
  const id = useId();
  const box = useRef<HTMLTextAreaElement>(null);
  const text = String(plainValue(state.shown(field.name)) ?? "");
  const example = plainValue(state.form.examples?.[0]?.preview[field.name] ?? null);
  useLayoutEffect(() => {
    if (box.current && state.preview.value === null) fit(box.current);
  }, [text]);
  const edit = (value: string) => {
    state.edit(field.name, value);
  };
  return (
    <div class={`hfw-field hfw-field-${field.control.kind}`}>
      <label class="hfw-label" for={id} title={field.help}>{field.label}</label>
      <textarea
        ref={box}
        id={id}
        class="hfw-input"
        dir="auto"
        rows={field.control.count ?? 3}
        spellcheck
        title={field.help}
        placeholder={typeof example === "string" ? example : ""}
        value={text}
        onInput={({ currentTarget }) => edit(currentTarget.value)}
        onChange={() => state.commit()}
      />
      <Marks marks={field.control.marks ?? []} box={box} put={(value) => { edit(value); state.commit(); }} />
    </div>
  );
}

function fit(box: HTMLTextAreaElement): void {
  if (box.value.length > LONGEST) return;
  box.style.height = "auto";
  if (box.value && box.scrollHeight > 0) box.style.height = `${Math.min(box.scrollHeight + 2, MOST_PX)}px`;
}

interface MarksProps {
  marks: string[];
  box: { current: HTMLTextAreaElement | null };
  put: (text: string) => void;
}

/** Buttons that put a mark where the caret is; a text holds one, so another one is replaced. */
function Marks({ marks, box, put }: MarksProps) {
  if (!marks.length) return null;
  const insert = (mark: string) => {
    if (!box.current) return;
    const { value, selectionStart, selectionEnd } = box.current;
    const there = marks.find((other) => value.includes(other));
    const at = there ? value.indexOf(there) : selectionStart;
    box.current.setRangeText(mark, at, there ? at + there.length : selectionEnd, "end");
    box.current.focus();
    put(box.current.value);
  };
  return (
    <div class="hfw-row hfw-start">
      <span class="hfw-hint">One mask, as the model names it:</span>
      {marks.map((mark) => (
        <button key={mark} type="button" class="hfw-button hfw-mark" onClick={() => insert(mark)}>
          {`Insert ${mark}`}
        </button>
      ))}
    </div>
  );
}
