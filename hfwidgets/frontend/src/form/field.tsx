// One control per parameter, made from its hint. A control that was not touched sends nothing: it
// is empty, with the value that will be used as its placeholder where that is known.

import type { ComponentChildren, FunctionComponent } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { ControlView, Field, Json } from "../document/protocol.ts";
import { useId } from "../parts/use-id.ts";
import { useDraft } from "./use-draft.ts";

export interface FieldProps {
  field: Field;
  /** Undefined where none is sent. */
  value: Json | undefined;
  change: (value: Json | undefined) => void;
}

interface FrameProps {
  field: Field;
  id: string;
  wide?: boolean;
  children: ComponentChildren;
}

function Frame({ field, id, wide = false, children }: FrameProps) {
  return (
    <div class={`hfw-field hfw-field-${field.control.kind}${wide ? " hfw-field-wide" : ""}`}>
      <label class="hfw-label" for={id} title={field.help}>{field.label}</label>
      {children}
    </div>
  );
}

function placeholder(field: Field): string {
  return field.default == null ? "" : String(field.default);
}

function asText(value: Json | undefined): string {
  return value == null ? "" : String(value);
}

function readNumber(box: HTMLInputElement): number | undefined {
  return box.value === "" ? undefined : box.valueAsNumber;
}

/** The step of a number that is typed, or of one that is dragged. */
function stepOf({ step, whole }: ControlView, other: number | "any"): number | "any" {
  return step ?? (whole ? 1 : other);
}

function NumberBox({ field, value, change, id }: FieldProps & { id: string }) {
  const { control } = field;
  const [text, setText] = useDraft(asText(value));
  return (
    <input
      id={id}
      type="number"
      class="hfw-input"
      placeholder={placeholder(field)}
      title={field.help}
      {...(control.low == null ? {} : { min: control.low })}
      {...(control.high == null ? {} : { max: control.high })}
      step={stepOf(control, "any")}
      value={text}
      onInput={({ currentTarget }) => setText(currentTarget.value)}
      onChange={({ currentTarget: box }) => box.reportValidity() && change(readNumber(box))}
    />
  );
}

function NumberField(props: FieldProps) {
  const id = useId();
  return (
    <Frame field={props.field} id={id}>
      <NumberBox {...props} id={id} />
    </Frame>
  );
}

/** A number with a slider, whose thumb stands nowhere until a value is set. */
function SliderField(props: FieldProps) {
  const { field, value, change } = props;
  const id = useId();
  const { control } = field;
  const [dragged, setDragged] = useDraft<Json | undefined>(value);
  return (
    <Frame field={field} id={id}>
      <NumberBox {...props} value={dragged} id={id} />
      <input
        type="range"
        class={dragged === undefined ? "hfw-unset" : ""}
        aria-label={`${field.label}, slider`}
        min={control.low ?? 0}
        max={control.high ?? 1}
        step={stepOf(control, 0.01)}
        value={asText(dragged ?? field.default ?? control.low ?? 0)}
        onInput={({ currentTarget }) => setDragged(currentTarget.valueAsNumber)}
        onChange={({ currentTarget }) => change(currentTarget.valueAsNumber)}
      />
    </Frame>
  );
}

function ChoiceField({ field, value, change }: FieldProps) {
  const id = useId();
  const chosen = typeof value === "string" ? value : "";
  return (
    <Frame field={field} id={id}>
      <select id={id} class="hfw-input" title={field.help} value={chosen} onChange={({ currentTarget }) => change(currentTarget.value || undefined)}>
        <option value="">{placeholder(field) || "Not set"}</option>
        {field.control.options?.map((name) => <option key={name} value={name}>{name}</option>)}
      </select>
    </Frame>
  );
}

const NEXT = new Map<Json | undefined, boolean | undefined>([[undefined, true], [true, false], [false, undefined]]);

/** Yes, no, and a third state in which nothing is sent. */
function CheckboxField({ field, value, change }: FieldProps) {
  const box = useRef<HTMLInputElement>(null);
  const [state, setState] = useDraft<Json | undefined>(value);
  useLayoutEffect(() => {
    if (!box.current) return;
    box.current.indeterminate = state === undefined;
    box.current.checked = state === true;
  });
  const turn = () => {
    const next = NEXT.get(state);
    setState(next);
    change(next);
  };
  const words = state === undefined ? "not set" : state ? "yes" : "no";
  return (
    <label class="hfw-field hfw-field-checkbox" title={field.help}>
      <input ref={box} type="checkbox" onChange={turn} />
      <span class="hfw-label">{field.label}</span>
      <span class="hfw-hint">{words}</span>
    </label>
  );
}

interface TextForm {
  read: (text: string) => Json;
  write: (value: Json) => string;
  /** Code is not checked for its spelling. */
  code?: boolean;
}

/** A text whose form is checked before it is sent; `read` throws a sentence that is shown. */
function textField({ read, write, code = false }: TextForm): FunctionComponent<FieldProps> {
  return function TextField({ field, value, change }) {
    const id = useId();
    const [text, setText] = useDraft(value == null ? "" : write(value));
    const count = field.control.count ?? 1;
    const commit = (box: HTMLTextAreaElement) => {
      try {
        change(box.value.trim() ? read(box.value) : undefined);
      } catch (why) {
        box.setCustomValidity(why instanceof Error ? why.message : String(why));
        box.reportValidity();
      }
    };
    return (
      <Frame field={field} id={id} wide={count > 1}>
        <textarea
          id={id}
          class="hfw-input"
          dir={code ? "ltr" : "auto"}
          rows={field.control.kind === "textbox" ? count : 2}
          placeholder={placeholder(field)}
          title={field.help}
          spellcheck={!code}
          value={text}
          onInput={({ currentTarget: box }) => {
            box.setCustomValidity("");
            setText(box.value);
          }}
          onChange={({ currentTarget }) => commit(currentTarget)}
        />
      </Frame>
    );
  };
}

const joined = (mark: string) => (value: Json) => (Array.isArray(value) ? value.join(mark) : String(value));

function parseJson(text: string): Json {
  return JSON.parse(text);
}

const FIELDS: Record<string, FunctionComponent<FieldProps>> = {
  number: NumberField,
  slider: SliderField,
  choice: ChoiceField,
  checkbox: CheckboxField,
  textbox: textField({ read: (text) => text, write: String }),
  stringlist: textField({ read: (text) => text.split("\n").filter((line) => line !== ""), write: joined("\n"), code: true }),
  labellist: textField({ read: (text) => text.split(/[,\n]/).map((word) => word.trim()).filter(Boolean), write: joined(", ") }),
  json: textField({ read: parseJson, write: (value) => JSON.stringify(value, null, 1), code: true }),
};

/** The control for a field; nothing when its kind belongs to the task's own form. */
export function FieldControl(props: FieldProps) {
  const Known = FIELDS[props.field.control.kind];
  return Known ? <Known {...props} /> : null;
}

export function hasControl(field: Field): boolean {
  return field.control.kind in FIELDS;
}
