// A task's form and its result: which controls there are, the declaration says; which view shows
// the result, the result's kind.

import { useEffect, useMemo, useRef } from "preact/hooks";
import { BUSY } from "../document/messages.ts";
import type { Field, Form, Json, View } from "../document/protocol.ts";
import { IconButton } from "../parts/buttons.tsx";
import { outlineResult } from "../parts/describe.ts";
import { type Panel, usePanel } from "../parts/panel.ts";
import { Notice } from "../shell/notice.tsx";
import { Examples } from "./examples.tsx";
import { FieldControl } from "./field.tsx";
import { FormState, plainValue } from "./form-state.ts";
import type { InputProps } from "./input-props.ts";
import { LabelsInput } from "./labels-input.tsx";
import { MediaInput } from "./media-input.tsx";
import { ResultPlace } from "./result-place.tsx";
import { ClearButton, isRunKey, RunRow } from "./run-row.tsx";
import { TableInput } from "./table-input.tsx";
import { TextInput } from "./text-input.tsx";
import { TextsInput } from "./texts-input.tsx";

const MEDIA = new Set(["image", "audio", "video"]);

export function TaskForm() {
  const panel = usePanel();
  const form = panel.link.part("form");
  return form ? <FormWithResult key={form.task} form={form} /> : null;
}

function FormWithResult({ form }: { form: Form }) {
  const panel = usePanel();
  const { link } = panel;
  const state = useMemo(() => new FormState(link, form), [link, form]);
  useEffect(() => link.onStatus((status, before) => speak(panel, status, before)), [panel]);
  const key = (event: KeyboardEvent) => {
    if (!isRunKey(event)) return;
    event.preventDefault();
    state.run();
  };
  const paste = (event: ClipboardEvent) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if ([...state.takers].some((take) => take(files))) event.preventDefault();
  };
  const hasMedia = form.inputs.some(({ control }) => MEDIA.has(control.kind));
  return (
    <div class={`hfw-main${link.shape.value.view === "form" ? "" : " hfw-stacked"}`}>
      <div class={`hfw-form${state.preview.value === null ? "" : " hfw-previewing"}`} onKeyDown={key} onPaste={paste}>
        <Notice />
        <Inputs state={state} />
        <Examples state={state} />
        <Basics fields={form.basics} />
        <RunRow verb={form.verb} run={() => state.run()}>
          <ClearButton act={() => state.clear()} />
          {hasMedia && <AutoRun />}
        </RunRow>
      </div>
      <ResultPlace state={state} />
    </div>
  );
}

/** The inputs; while an example is previewed they keep their height, so that its chip stays in place. */
function Inputs({ state }: { state: FormState }) {
  const { link } = usePanel();
  const place = useRef<HTMLDivElement>(null);
  const height = useRef(0);
  const before = useRef(false);
  const previews = state.preview.value !== null;
  // Measured before the example is drawn, and each time: the panel may have another width now.
  if (previews && !before.current) height.current = place.current?.getBoundingClientRect().height ?? 0;
  before.current = previews;
  const drawn = drawsInput(link.part("result") ?? null) && !state.isStale();
  return (
    <div ref={place} class="hfw-inputs" style={previews ? { height: `${height.current}px`, overflow: "hidden" } : { height: "", overflow: "" }}>
      {state.form.inputs.map((field) => (
        <Input key={field.name} field={field} state={state} small={drawn} />
      ))}
    </div>
  );
}

/** True if a result shows the image that it was made from. */
function drawsInput(view: View | null): boolean {
  if (view?.kind === "comparison") return view.columns.some((column) => drawsInput(column.view));
  return view?.kind === "boxes" || view?.kind === "masks" || (view?.kind === "image" && Boolean(view.before));
}

function Input({ small, ...props }: InputProps & { small: boolean }) {
  const { kind } = props.field.control;
  if (MEDIA.has(kind)) return <MediaInput {...props} small={small} />;
  if (kind === "labellist") return <LabelsInput {...props} />;
  if (kind === "stringlist") return <TextsInput {...props} />;
  if (kind === "tableinput") return <TableInput {...props} />;
  if (kind === "textbox" || kind === "messages") return <TextInput {...props} />;
  return <PlainInput {...props} />;
}

/** Numbers, choices, JSON: the controls of parameters. */
function PlainInput({ field, state }: InputProps) {
  const change = (value: Json | undefined) => {
    state.edit(field.name, value ?? null);
    state.commit();
  };
  return <FieldControl field={field} value={plainValue(state.shown(field.name)) ?? undefined} change={change} />;
}

/** The parameters that people need often; the languages of a translation can be swapped. */
function Basics({ fields }: { fields: Field[] }) {
  const { link } = usePanel();
  if (!fields.length) return null;
  const { values } = link.part("settings");
  const names = new Set(fields.map(({ name }) => name));
  const swaps = names.has("src_lang") && names.has("tgt_lang");
  const swap = <IconButton key="swap" icon="swap" label="Swap the languages" kind="hfw-swap" act={() => link.act("swap")} />;
  const controls = fields.map((field) => (
    <FieldControl
      key={field.name}
      field={field}
      value={values[field.name]}
      change={(value) => link.act("set", { values: { [field.name]: value ?? null } })}
    />
  ));
  return (
    <div class={`hfw-fields${swaps ? " hfw-swapped" : ""}`}>
      {swaps ? controls.toSpliced(1, 0, swap) : controls}
    </div>
  );
}

function AutoRun() {
  const { link } = usePanel();
  return (
    <label class="hfw-row hfw-check hfw-hint">
      <input
        type="checkbox"
        checked={link.part("auto") ?? false}
        onChange={({ currentTarget }) => link.act("auto", { on: currentTarget.checked })}
      />
      Run automatically
    </label>
  );
}

function speak({ link, announce }: Panel, status: string, before: string): void {
  const { failure } = link.part("state");
  if (BUSY.has(status)) {
    if (!BUSY.has(before)) announce("Running");
  } else if (status === "done") announce(`Done. ${summarize(link.part("result") ?? null)}`);
  else if (status === "stopped") announce("Stopped");
  else if (status === "failed" && failure) announce(`Failed: ${failure.title}`);
}

/** A result in words, for those who do not see it. */
function summarize(view: View | null): string {
  if (!view) return "";
  const hasRows = "rows" in view && view.kind !== "parts" && view.rows.length > 0;
  return `${hasRows ? `${view.rows.length} results, first: ` : ""}${outlineResult(view)}`;
}
