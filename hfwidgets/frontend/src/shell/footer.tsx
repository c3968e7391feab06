// The quiet line at the end: how the run went, Copy and Code, and the rest in one menu.

import { useRef } from "preact/hooks";
import { Upload } from "../document/upload.ts";
import { Button, CopyWord } from "../parts/buttons.tsx";
import { Menu, type MenuItem } from "../parts/menu.tsx";
import { usePanel } from "../parts/panel.ts";
import { findSource, type Source } from "./source.ts";
import { StatusLine } from "./status-line.tsx";
import { isOffered, type Tool } from "./tools.tsx";

interface FooterProps {
  tool: Tool | null;
  open: (tool: Tool | null) => void;
}

const ITEMS: [Tool, string][] = [
  ["raw", "Raw JSON"],
  ["save", "Save the result"],
  ["name", "Send to a variable"],
];

export function Footer({ tool, open }: FooterProps) {
  const { link, announce } = usePanel();
  const file = useRef<HTMLInputElement>(null);
  const foot = useRef<HTMLElement>(null);
  const source = findSource(link);
  const busy = link.busy.value;
  const toggle = (one: Tool) => open(tool === one ? null : one);
  const talks = link.shape.value.view === "chat";
  const items: MenuItem[] = [
    ...ITEMS.map(([one, label]) => ({ label, act: () => toggle(one), disabled: !isOffered(one, source) })),
    ...(source?.isInput ? [{ label: "Use the result as input", act: () => void link.act("use"), disabled: busy }] : []),
    ...(talks ? [{ label: "Open a saved conversation", act: () => file.current?.click(), disabled: busy }] : []),
    { label: "Full screen", act: () => void maximize(foot.current) },
  ];
  const take = async (input: HTMLInputElement) => {
    const chosen = input.files?.[0];
    input.value = "";
    if (!chosen) return;
    const upload = new Upload(link, "conversation", chosen, chosen.name, () => undefined);
    await upload.run().catch((error: Error) => announce(error.message));
  };
  return (
    <footer ref={foot} class="hfw-foot">
      <StatusLine />
      <span class="hfw-gap" />
      <span class="hfw-actions">
        <CopyWord label="Copy the result" disabled={!source?.raw} text={() => textOf(source, (id) => link.media(id))} />
        <Button kind="hfw-word-button" act={() => toggle("code")} expanded={tool === "code"}>Code</Button>
        <Menu label="More" items={items} />
        {talks && (
          <input ref={file} type="file" accept=".json,application/json" hidden aria-label="Conversation to open" onChange={({ currentTarget }) => void take(currentTarget)} />
        )}
      </span>
    </footer>
  );
}

/** The result's text; where it has none, its JSON. */
async function textOf(source: Source | null, media: (id: string) => Promise<{ blob: Blob }>): Promise<string> {
  const text = source?.text();
  if (text) return text;
  return source?.raw ? (await media(source.raw)).blob.text() : "";
}

async function maximize(inside: HTMLElement | null): Promise<void> {
  const panel = inside?.closest(".hfw");
  if (!panel) return;
  if (document.fullscreenElement) await document.exitFullscreen();
  else if (document.fullscreenEnabled) await panel.requestFullscreen();
  else panel.classList.toggle("hfw-maximized");
}
