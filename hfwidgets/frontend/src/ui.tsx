// The chunk of the panels themselves, fetched once per page, whatever number of panels there is.

import { type ComponentType, render } from "preact";
import type { ChunkLoader } from "./boot/chunk-loader.ts";
import type { Model } from "./boot/model.ts";
import { ChatPanel } from "./chat/chat-panel.tsx";
import { ComparePanel } from "./compare/compare-panel.tsx";
import { Connection } from "./document/connection.ts";
import { TaskForm } from "./form/form.tsx";
import { RowsPanel } from "./rows/rows-panel.tsx";
import { Shell } from "./shell/shell.tsx";
import { adoptStyle } from "./style.ts";
import "./views/all.ts";

/** The panels by the name of their view. */
const PANELS: Record<string, ComponentType> = {
  form: TaskForm,
  chat: ChatPanel,
  compare: ComparePanel,
  "compare-form": TaskForm,
  rows: RowsPanel,
};

interface OpenPanel {
  mount(el: HTMLElement): () => void;
  close(): void;
}

/** Open a panel, which may then be shown in several places. */
export function open(model: Model, loader: ChunkLoader): OpenPanel {
  const link = new Connection(model, loader);
  return { mount: (el) => mount(link, el), close: () => link.close() };
}

function mount(link: Connection, el: HTMLElement): () => void {
  const view = PANELS[link.shape.value.view];
  if (!view) throw new Error(`hfwidgets: unknown view ${link.shape.value.view}`);
  const place = document.createElement("div");
  place.className = "hfw-place";
  el.append(place);
  const leaveStyle = adoptStyle(place);
  render(<Shell link={link} view={view} />, place);
  return () => {
    leaveStyle();
    render(null, place);
    place.remove();
  };
}
