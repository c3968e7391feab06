// The button that runs, which turns to Stop in its place, and what stands next to it.

import type { ComponentChildren } from "preact";
import { Button } from "../parts/buttons.tsx";
import { Icon } from "../parts/icon.tsx";
import { isComposing } from "../parts/composing.ts";
import { usePanel } from "../parts/panel.ts";

const COMMAND = /Mac|iP(?:hone|ad)/.test(navigator.platform) ? "⌘" : "Ctrl";

interface RunRowProps {
  verb: string;
  run: () => void;
  children?: ComponentChildren;
}

export function RunRow({ verb, run, children }: RunRowProps) {
  const { link } = usePanel();
  return (
    <div class="hfw-row hfw-start hfw-run-row">
      {link.busy.value ? (
        <button
          type="button"
          key="run"
          class="hfw-button hfw-run hfw-stop"
          aria-disabled={link.part("state").stopping}
          // The second click of a double click was meant for the button that was here before.
          onClick={({ detail }) => detail < 2 && link.stop()}
        >
          <Icon name="stop" />
          Stop
        </button>
      ) : (
        <button type="button" key="run" class="hfw-button hfw-primary hfw-run" title="Ctrl+Enter or Cmd+Enter" onClick={run}>
          {verb}
          <kbd class="hfw-kbd" aria-hidden="true">{`${COMMAND} ⏎`}</kbd>
        </button>
      )}
      {children}
    </div>
  );
}

export function ClearButton({ act }: { act: () => void }) {
  const { link } = usePanel();
  return (
    <Button act={act} barred={link.busy.value}>
      Clear
    </Button>
  );
}

/** True for the keys that run a form. */
export function isRunKey(event: KeyboardEvent): boolean {
  return event.key === "Enter" && !isComposing(event) && (event.ctrlKey || event.metaKey);
}
