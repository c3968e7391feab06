// Buttons. One that is ruled out for now is `barred`: unlike `disabled`, this leaves the focus where
// it is; the shell swallows its clicks.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { toClipboard } from "./clipboard.ts";
import { Icon, type IconName } from "./icon.tsx";

interface ButtonProps {
  act: () => void;
  children: ComponentChildren;
  kind?: string;
  label?: string;
  title?: string;
  barred?: boolean;
  disabled?: boolean;
  expanded?: boolean;
  pressed?: boolean;
}

export function Button({ act, children, kind = "hfw-button", label, title, barred, disabled, expanded, pressed }: ButtonProps) {
  return (
    <button
      type="button"
      class={kind}
      aria-label={label}
      title={title}
      disabled={disabled}
      aria-disabled={barred}
      aria-expanded={expanded}
      aria-pressed={pressed}
      onClick={act}
    >
      {children}
    </button>
  );
}

interface IconButtonProps {
  icon: IconName;
  label: string;
  act: () => void;
  kind?: string;
  barred?: boolean;
  expanded?: boolean;
}

/** A button of an icon alone, with the name that is spoken and shown as a tip. */
export function IconButton({ icon, label, act, kind = "", barred, expanded }: IconButtonProps) {
  return (
    <Button act={act} kind={`hfw-tool ${kind}`.trim()} label={label} title={label} barred={barred} expanded={expanded}>
      <Icon name={icon} />
    </Button>
  );
}

const SHOWN_MS = 1500;

type Text = () => string | Promise<string>;

/** Copy a text; what happened is known for a moment. */
function useCopy(text: Text): { done: boolean | null; copy: () => void } {
  const [done, setDone] = useState<boolean | null>(null);
  const copy = async () => {
    setDone(await toClipboard(await text()));
    setTimeout(() => setDone(null), SHOWN_MS);
  };
  return { done, copy: () => void copy() };
}

const COPIED = { true: "Copied", false: "Copying was refused" } as const;

/** An icon that copies and says so for a moment. */
export function CopyButton({ label, text }: { label: string; text: Text }) {
  const { done, copy } = useCopy(text);
  const icon = done === null ? "copy" : done ? "check" : "warn";
  return (
    <button type="button" class="hfw-tool" title={label} aria-label={done === null ? label : COPIED[`${done}`]} onClick={copy}>
      <Icon name={icon} />
    </button>
  );
}

/** The same, with a word in place of the icon. */
export function CopyWord({ label, text, disabled }: { label: string; text: Text; disabled: boolean }) {
  const { done, copy } = useCopy(text);
  return (
    <button type="button" class="hfw-word-button" title={label} aria-label={done === null ? label : COPIED[`${done}`]} disabled={disabled} onClick={copy}>
      {done === null ? "Copy" : COPIED[`${done}`]}
    </button>
  );
}
