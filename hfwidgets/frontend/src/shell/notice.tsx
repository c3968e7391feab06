// A notice before the form is filled: no provider serves the task, or there is no token; and what
// would help.

import { useRef } from "preact/hooks";
import { Button } from "../parts/buttons.tsx";
import { Icon } from "../parts/icon.tsx";
import { usePanel } from "../parts/panel.ts";

export function Notice() {
  const { link } = usePanel();
  const banner = link.part("banner");
  if (!banner) return null;
  return (
    <div class="hfw-banner" role="note">
      <Icon name="warn" />
      <div class="hfw-failure-text">
        <span>{banner.text}</span>
        <div class="hfw-row hfw-start">
          {banner.local && <Button act={() => link.act("set", { provider: "local" })}>Run locally</Button>}
          {banner.services?.map((name) => (
            <Button key={name} act={() => link.act("set", { provider: name })}>{`Use ${name}`}</Button>
          ))}
          {banner.why === "key" && <Question type="password" label="Token or API key" use={(value) => link.act("key", { value })} />}
          <Question type="url" label="URL of an endpoint" use={(url) => link.act("endpoint", { url })} />
        </div>
      </div>
    </div>
  );
}

/** A box with a button: what is typed leaves it once the kernel has it. */
function Question({ type, label, use }: { type: "password" | "url"; label: string; use: (value: string) => boolean }) {
  const box = useRef<HTMLInputElement>(null);
  const submit = (event: Event) => {
    event.preventDefault();
    const value = box.current?.value.trim() ?? "";
    if (value && use(value) && box.current) box.current.value = "";
  };
  const props = { ref: box, class: "hfw-input", placeholder: label, "aria-label": label, autocomplete: "off" };
  return (
    <form class="hfw-row hfw-start" onSubmit={submit}>
      {type === "url" ? <input {...props} type="url" /> : <input {...props} type="password" />}
      <button class="hfw-button">Use</button>
    </form>
  );
}
