// A text that goes on from its beginning.

import { useLayoutEffect, useRef } from "preact/hooks";
import { Button, CopyButton } from "../parts/buttons.tsx";
import { usePanel } from "../parts/panel.ts";
import { registerView, type ViewOf } from "./registry.ts";

function Continuation({ view }: { view: ViewOf<"continuation"> }) {
  const { link } = usePanel();
  const busy = link.busy.value;
  return (
    <div class="hfw-text-result">
      <div class="hfw-text hfw-answer-text" dir="auto">
        <span class="hfw-given">{view.prompt}</span>
        <GrowingText text={view.text} />
      </div>
      <div class="hfw-row hfw-start">
        <Button act={() => link.act("continue")} barred={busy} title="Go on from where the text ended">
          Continue
        </Button>
        <Button act={() => link.act("undo")} barred={busy} title="Take the last continuation back">
          Undo
        </Button>
        <CopyButton label="Copy text" text={() => view.prompt + view.text} />
      </div>
    </div>
  );
}

/** Only what is new is appended, so that a selection stays. */
function GrowingText({ text }: { text: string }) {
  const leaf = useRef<Text | null>(null);
  const place = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    leaf.current ??= document.createTextNode("");
    const { data } = leaf.current;
    if (!leaf.current.isConnected) place.current?.append(leaf.current);
    if (text.startsWith(data)) leaf.current.appendData(text.slice(data.length));
    else leaf.current.data = text;
  }, [text]);
  return <span ref={place} class="hfw-made" />;
}

registerView("continuation", Continuation);
