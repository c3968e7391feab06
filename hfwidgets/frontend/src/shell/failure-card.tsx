// What went wrong, where it happened, and the one button that would help.

import { useRef } from "preact/hooks";
import type { Connection } from "../document/connection.ts";
import type { ActionView } from "../document/protocol.ts";
import { Button, IconButton } from "../parts/buttons.tsx";
import { Icon } from "../parts/icon.tsx";
import { usePanel } from "../parts/panel.ts";

export function FailureCard() {
  const { link } = usePanel();
  const { failure } = link.part("state");
  const place = useRef<HTMLDivElement>(null);
  // The element stays, so that screen readers hear of what comes into it.
  return (
    <div ref={place} class="hfw-failure" role="alert" hidden={!failure}>
      {failure && (
        <>
          <Icon name="warn" />
          <div class="hfw-failure-text">
            <strong>{failure.title}</strong>
            <p dir="auto">{failure.text}</p>
            {failure.details && (
              <details class="hfw-more">
                <summary>Details</summary>
                <p dir="auto">{failure.details}</p>
              </details>
            )}
            {failure.action?.name === "sign_in" && <SignIn />}
          </div>
          {failure.action && <ActionButton action={failure.action} focus={(what) => focusWithin(place.current, what)} />}
          <IconButton icon="close" label="Dismiss" act={() => link.act("dismiss")} />
        </>
      )}
    </div>
  );
}

function focusWithin(place: HTMLElement | null, what: string): void {
  place?.closest(".hfw")?.querySelector<HTMLElement>(what)?.focus();
}

/** Asks for a key right there. */
function SignIn() {
  const { link } = usePanel();
  const box = useRef<HTMLInputElement>(null);
  const submit = (event: Event) => {
    event.preventDefault();
    const value = box.current?.value.trim() ?? "";
    if (value && link.act("key", { value }) && box.current) box.current.value = "";
  };
  return (
    <form class="hfw-key" onSubmit={submit}>
      <input ref={box} class="hfw-input" type="password" autocomplete="off" placeholder="Paste a token or API key" aria-label="Token or API key" />
      <button class="hfw-button hfw-primary">Use and try again</button>
      <span class="hfw-hint">Kept in the kernel's memory only; it is not saved in the notebook.</span>
    </form>
  );
}

type Act = (link: Connection, focus: (what: string) => void, options: Record<string, string>) => void;

/** What the buttons do; `sign_in` and `open_url` are not among them. */
const ACTS: Record<string, Act> = {
  retry: (link) => void link.act("retry"),
  install_set: (link, _, { set = "" }) => void link.act("install", { name: set }),
  choose_model: (_, focus) => focus(".hfw-model"),
  choose_provider: (_, focus) => focus(".hfw-provider"),
  run_locally: (link) => {
    link.act("set", { provider: "local", model: "" });
    link.act("retry");
  },
};

function ActionButton({ action, focus }: { action: ActionView; focus: (what: string) => void }) {
  const { link } = usePanel();
  const { name, label, arguments: options = {} } = action;
  const act = ACTS[name];
  if (act) return <Button kind="hfw-button hfw-act" act={() => act(link, focus, options)}>{label}</Button>;
  const url = options["url"] ?? "";
  if (name !== "open_url" || !url.startsWith("https://")) return null;
  return (
    <a class="hfw-button hfw-act" href={url} target="_blank" rel="noopener noreferrer">
      {label}
    </a>
  );
}
