// Where the next message is written: Enter sends, Shift+Enter breaks the line, Esc stops. What was
// written stays until the kernel has it, and comes back when it was not answered.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { addressOf } from "../document/address.ts";
import { Icon } from "../parts/icon.tsx";
import { IconButton } from "../parts/buttons.tsx";
import { dropTarget } from "../parts/drop-target.ts";
import { isComposing } from "../parts/composing.ts";
import { usePanel } from "../parts/panel.ts";
import { useNames, Variables } from "../form/variables.tsx";
import { ComposerState } from "./composer-state.ts";

const MOST_PX = 200;
/** The kernel's name for the images of the next message. */
const IMAGE = "image";

export function Composer() {
  const panel = usePanel();
  const { link } = panel;
  const box = useRef<HTMLTextAreaElement>(null);
  const files = useRef<HTMLInputElement>(null);
  const place = useRef<HTMLDivElement>(null);
  const [over, setOver] = useState(false);
  const state = useMemo(() => new ComposerState(panel), [panel]);
  useEffect(() => state.follow(), [state]);
  useEffect(() => link.onStatus(() => returnFocus(place.current, box.current, link.busy.value)), [link]);
  const text = state.text.value;
  useLayoutEffect(() => {
    if (box.current) fit(box.current);
  }, [text]);
  const key = (event: KeyboardEvent) => {
    const plain = !event.shiftKey && !isComposing(event) && !event.altKey;
    if (event.key === "Enter" && plain) {
      event.preventDefault();
      if (!link.busy.value) state.submit();
    } else if (event.key === "ArrowUp" && plain && !text && lastPrompt()) {
      event.preventDefault();
      state.text.value = lastPrompt();
    }
  };
  const lastPrompt = () => link.part("turns")?.findLast(({ role }) => role === "user")?.text ?? "";
  const paste = (event: ClipboardEvent) => {
    const taken = state.attach([...(event.clipboardData?.files ?? [])]);
    // Where an image is left out, a text that came with it is still pasted.
    if (taken && state.readsImages()) event.preventDefault();
  };
  const drop = (data: DataTransfer | null) => state.attach([...(data?.files ?? [])]);
  const choose = (input: HTMLInputElement) => {
    state.attach([...(input.files ?? [])]);
    input.value = "";
  };
  return (
    <div ref={place} class={`hfw-compose${over ? " hfw-drop" : ""}`} {...dropTarget(["Files"], drop, setOver)} {...useNames(IMAGE)}>
      <Thumbs state={state} />
      <div class="hfw-compose-row">
        {state.readsImages() && <IconButton icon="attach" label="Attach images" act={() => files.current?.click()} />}
        {state.readsImages() && <Variables input={IMAGE} />}
        <input ref={files} type="file" accept="image/*" multiple hidden onChange={({ currentTarget }) => choose(currentTarget)} />
        <textarea
          ref={box}
          class="hfw-box"
          dir="auto"
          rows={1}
          placeholder="Message the model"
          aria-label="Message"
          title="Enter sends, Shift+Enter starts a new line, Esc stops"
          value={text}
          onInput={({ currentTarget }) => (state.text.value = currentTarget.value)}
          onKeyDown={key}
          onPaste={paste}
        />
        <History />
        <SendButton state={state} />
      </div>
      {state.note.value && <p class="hfw-hint" role="status">{state.note.value}</p>}
    </div>
  );
}

/** Undo, redo and clear change the conversation, so they stand where it goes on. */
function History() {
  const { link } = usePanel();
  const busy = link.busy.value;
  const turns = link.part("turns") ?? [];
  if (!turns.length && !link.part("canUndo") && !link.part("canRedo")) return null;
  return (
    <span class="hfw-history">
      <IconButton icon="undo" label="Undo" act={() => link.act("undo")} barred={busy || !link.part("canUndo")} />
      <IconButton icon="redo" label="Redo" act={() => link.act("redo")} barred={busy || !link.part("canRedo")} />
      <IconButton icon="clear" label="Clear the conversation" act={() => link.act("clear")} barred={busy || !turns.length} />
    </span>
  );
}

/** Sends, and turns to Stop in its place. */
function SendButton({ state }: { state: ComposerState }) {
  const { link } = usePanel();
  if (link.busy.value) {
    return (
      <button type="button" key="go" class="hfw-go hfw-stop" title="Stop" aria-label="Stop" aria-disabled={link.part("state").stopping} onClick={({ detail }) => detail < 2 && link.stop()}>
        <Icon name="stop" />
      </button>
    );
  }
  return (
    <button type="button" key="go" class="hfw-go hfw-primary" title="Send" aria-label="Send" disabled={!state.isReady()} onClick={() => state.submit()}>
      <Icon name="send" />
    </button>
  );
}

function Thumbs({ state }: { state: ComposerState }) {
  const images = state.images.value;
  if (!images.length) return null;
  return (
    <div class="hfw-images">
      {images.map((file) => (
        <Thumb key={keyOf(file)} file={file} remove={() => state.remove(file)} />
      ))}
    </div>
  );
}

const keys = new WeakMap<File, number>();
let count = 0;

function keyOf(file: File): number {
  const known = keys.get(file) ?? ++count;
  keys.set(file, known);
  return known;
}

function Thumb({ file, remove }: { file: File; remove: () => void }) {
  const [url, setUrl] = useState("");
  useEffect(() => {
    const address = addressOf(file);
    void address.then(setUrl);
    return () => void address.then((made) => URL.revokeObjectURL(made));
  }, [file]);
  const name = file.name || "image";
  return (
    <span class="hfw-thumb">
      <img alt={name} {...(url ? { src: url } : {})} />
      <IconButton icon="close" label={`Remove ${name}`} act={remove} />
    </span>
  );
}

function fit(box: HTMLTextAreaElement): void {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, MOST_PX)}px`;
}

/** After a run the caret goes back to the box, if its user is in the panel and not asked for a key. */
function returnFocus(place: HTMLElement | null, box: HTMLElement | null, busy: boolean): void {
  const root = place?.getRootNode();
  const active = root && "activeElement" in root && root.activeElement instanceof Element ? root.activeElement : null;
  if (!busy && active?.closest(".hfw") === place?.closest(".hfw")) box?.focus();
}
