// One message of a conversation. It is drawn again only when it changed itself.

import { memo } from "../parts/memo.ts";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ToolCallView, Turn } from "../document/protocol.ts";
import { Button, CopyButton, IconButton } from "../parts/buttons.tsx";
import { Icon } from "../parts/icon.tsx";
import { KernelImage } from "../parts/media.tsx";
import { isComposing } from "../parts/composing.ts";
import { usePanel } from "../parts/panel.ts";
import { MarkdownText } from "../text/markdown-text.tsx";

const SPEAKERS: Record<string, string> = { user: "You", assistant: "Assistant", tool: "Tool" };

interface TurnProps {
  turn: Turn;
  at: number;
  last: boolean;
}

export const TurnView = memo(function TurnView({ turn, at, last }: TurnProps) {
  const { link } = usePanel();
  const [edits, setEdits] = useState(false);
  const mine = turn.role === "user";
  const speaker = SPEAKERS[turn.role] ?? turn.role;
  const names = `hfw-turn hfw-turn-${mine ? "user" : "answer"}${last ? " hfw-last" : ""}`;
  if (edits) {
    return (
      <article class={names} aria-label={speaker}>
        <EditForm text={turn.text} send={(text) => link.act("edit", { at, text })} close={() => setEdits(false)} />
      </article>
    );
  }
  return (
    <article class={names} aria-label={speaker}>
      {(turn.role === "tool" || turn.role === "system") && <div class="hfw-hint">{speaker}</div>}
      {mine ? <Question turn={turn} /> : <Answer turn={turn} />}
      {turn.note && <div class="hfw-hint">{turn.note}</div>}
      <div class="hfw-turn-actions" hidden={!turn.done}>
        <CopyButton label="Copy message" text={() => turn.text} />
        {mine && <Acting icon="edit" label="Edit and send again" act={() => setEdits(true)} />}
        {!mine && last && <Acting icon="again" label="Regenerate" act={() => link.act("regenerate")} />}
      </div>
    </article>
  );
});

/** Edit or regenerate: what starts a run, so not while one is under way. */
function Acting({ icon, label, act }: { icon: "edit" | "again"; label: string; act: () => void }) {
  const { link } = usePanel();
  return <IconButton icon={icon} label={label} act={act} barred={link.busy.value} />;
}

function EditForm({ text, send, close }: { text: string; send: (text: string) => boolean; close: () => void }) {
  const box = useRef<HTMLTextAreaElement>(null);
  useEffect(() => box.current?.focus(), []);
  const submit = () => {
    if (box.current && send(box.current.value)) close();
  };
  const key = (event: KeyboardEvent) => {
    if (isComposing(event)) return; // an input method's keys are its own
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && !event.shiftKey) submit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="hfw-edit">
      <textarea
        ref={box}
        class="hfw-input"
        dir="auto"
        defaultValue={text}
        aria-label="Edit message"
        rows={Math.min(12, text.split("\n").length + 1)}
        onKeyDown={key}
      />
      <div class="hfw-row">
        <Button act={close}>Cancel</Button>
        <Button kind="hfw-button hfw-primary" act={submit}>Send</Button>
      </div>
    </div>
  );
}

function Question({ turn: { text, images } }: { turn: Turn }) {
  return (
    <div class="hfw-bubble">
      {images.length > 0 && (
        <div class="hfw-images">
          {images.map((id, at) => <KernelImage key={id} id={id} alt={`Attached image ${at + 1}`} />)}
        </div>
      )}
      <div class="hfw-said" dir="auto">{text}</div>
    </div>
  );
}

function Answer({ turn }: { turn: Turn }) {
  const { text, think, calls, done } = turn;
  const over = done || text !== "";
  return (
    <div class="hfw-answer">
      {think && (
        <Fold name="hfw-think" head={<><Icon name="think" /><span>{over ? "Reasoning" : "Reasoning…"}</span></>}>
          <MarkdownText text={think} done={over} plainCode />
        </Fold>
      )}
      <MarkdownText text={text} done={done} />
      <div class="hfw-calls">
        {calls.map((call, at) => <Call key={at} call={call} />)}
      </div>
      {!done && !text && calls.length === 0 && (
        <div class="hfw-wait" aria-hidden="true">
          <i />
          <i />
          <i />
        </div>
      )}
    </div>
  );
}

function Fold({ name, head, children }: { name: string; head: ComponentChildren; children: ComponentChildren }) {
  return (
    <details class={name}>
      <summary>{head}</summary>
      {children}
    </details>
  );
}

const BRIEF_CHARS = 80;

function Call({ call }: { call: ToolCallView }) {
  const head = (
    <>
      <Icon name="tool" />
      {"Tool call "}
      <code>{call.name}</code>
      <span class="hfw-call-brief">{call.arguments.slice(0, BRIEF_CHARS)}</span>
    </>
  );
  return (
    <Fold name="hfw-call" head={head}>
      <pre tabIndex={0}>{formatJson(call.arguments)}</pre>
    </Fold>
  );
}

function formatJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
