// What can be done with a result: JSON, the call as code, files, a variable of the notebook.

import { useEffect, useRef, useState } from "preact/hooks";
import type { CodeForms, Save } from "../document/protocol.ts";
import { RESTARTED } from "../document/upload.ts";
import { Button, CopyButton } from "../parts/buttons.tsx";
import { cellInserter } from "../parts/notebook.ts";
import { usePanel } from "../parts/panel.ts";
import { saveFile } from "../parts/save-file.ts";
import { JsonTree } from "./json-tree.tsx";
import { findSource, type Source } from "./source.ts";

export type Tool = "raw" | "code" | "save" | "name";

export function ToolDrawer({ tool }: { tool: Tool | null }) {
  const { link } = usePanel();
  const source = findSource(link);
  if (!tool || !isOffered(tool, source)) return null;
  return <div class="hfw-extras">{tool === "code" ? <Code /> : source && <ResultTool tool={tool} source={source} />}</div>;
}

/** True if a tool can be used on what there is. */
export function isOffered(tool: Tool, source: Source | null): boolean {
  if (tool === "code") return true;
  return tool === "save" ? Boolean(source?.saves.length) : Boolean(source?.raw);
}

function ResultTool({ tool, source }: { tool: Tool; source: Source }) {
  if (tool === "raw") return <RawJson id={source.raw} />;
  return tool === "save" ? <SaveButtons saves={source.saves} /> : <Naming />;
}

function RawJson({ id }: { id: string }) {
  const { link } = usePanel();
  const [text, setText] = useState("");
  useEffect(() => {
    let current = true;
    void link.media(id).then(async ({ blob }) => {
      const found = await blob.text();
      if (current) setText(found);
    });
    return () => {
      current = false;
    };
  }, [id, link]);
  return (
    <>
      <div class="hfw-row">
        <CopyButton label="Copy JSON" text={() => text} />
      </div>
      <div class="hfw-raw" tabIndex={0} role="region" aria-label="Raw JSON">
        {text ? <JsonTree value={JSON.parse(text)} /> : link.dead.value ? RESTARTED : "…"}
      </div>
    </>
  );
}

const FORMS: [keyof CodeForms, string][] = [
  ["python", "Python"],
  ["magic", "%%infer"],
  ["hub", "huggingface_hub"],
  ["curl", "curl"],
];

function Code() {
  const { link } = usePanel();
  const [form, setForm] = useState<keyof CodeForms>("python");
  const place = useRef<HTMLPreElement>(null);
  const text = link.part("code")?.[form] ?? (link.dead.value ? RESTARTED : "…");
  const insert = form === "curl" ? null : cellInserter(link);
  useEffect(() => void link.act("code"), [link]);
  return (
    <>
      <div class="hfw-row">
        {FORMS.map(([name, label]) => (
          <Button key={name} kind="hfw-tab" pressed={name === form} act={() => setForm(name)}>{label}</Button>
        ))}
        <span class="hfw-gap" />
        {insert && <Button act={() => place.current && insert(place.current, text)}>Insert below</Button>}
        <CopyButton label="Copy code" text={() => text} />
      </div>
      <pre ref={place} class="hfw-raw" tabIndex={0} role="region" aria-label="Code">{text}</pre>
    </>
  );
}

export function SaveButtons({ saves }: { saves: Save[] }) {
  const { link } = usePanel();
  return (
    <div class="hfw-row hfw-start">
      {saves.map((one) => (
        <Button key={one.id} label={`Save as ${one.label}`} act={() => void saveFile(link, one)}>{one.label}</Button>
      ))}
    </div>
  );
}

/** A name under which the notebook's next cell finds the result. */
function Naming() {
  const { link } = usePanel();
  const box = useRef<HTMLInputElement>(null);
  const sent = link.part("sent") ?? "";
  useEffect(() => box.current?.focus(), []);
  const submit = (event: Event) => {
    event.preventDefault();
    const name = box.current?.value.trim();
    if (name) link.act("assign", { variable: name });
  };
  return (
    <form class="hfw-row hfw-start" onSubmit={submit}>
      <span class="hfw-hint">The last result as the variable</span>
      <input ref={box} class="hfw-input" defaultValue={/^\w+/.exec(sent)?.[0] ?? "result"} aria-label="Name of the variable" spellcheck={false} autocomplete="off" />
      <button class="hfw-button">Send</button>
      <span class="hfw-hint" role="status">{sent}</span>
    </form>
  );
}
