// The frame that all panels share: header, parameters, the panel's own view, tools, status line.

import type { ComponentType } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Connection } from "../document/connection.ts";
import { RESTARTED } from "../document/upload.ts";
import { isComposing } from "../parts/composing.ts";
import { PanelContext } from "../parts/panel.ts";
import { useId } from "../parts/use-id.ts";
import { Footer } from "./footer.tsx";
import { Header } from "./header.tsx";
import { Parameters } from "./parameters.tsx";
import { followTheme } from "./theme.ts";
import { type Tool, ToolDrawer } from "./tools.tsx";

/** One output of a cell in JupyterLab and Notebook 7, VS Code, Colab. */
const OUTPUT = ":is(.jp-OutputArea-child, .output_container, .output_subarea)";
const SILENT =
  "The kernel has not answered. It is busy with a cell, or this notebook was only reopened. " +
  "Run the panel's cell to use it again.";

const UNSTOPPED = "The run stops when the running cell ends. To stop it now, interrupt the kernel.";

export function Shell({ link, view: View }: { link: Connection; view: ComponentType }) {
  const drawer = useId();
  const [parameters, setParameters] = useState(false);
  const [tool, setTool] = useState<Tool | null>(null);
  const [spoken, announce] = useState("");
  const panel = useMemo(() => ({ link, announce }), [link]);
  const { key, label } = link.shape.value;
  const name = useLandmark(`${label} panel`);
  const dead = link.dead.value;
  const frame = useRef<HTMLElement>(null);
  useLayoutEffect(() => (frame.current ? followTheme(frame.current) : undefined), []);
  return (
    <PanelContext.Provider value={panel}>
      <section
        ref={frame}
        class={`hfw hfw-key-${key}`}
        // The panel speaks English in every page; what is written in it has its own direction.
        dir="ltr"
        aria-label={name}
        data-lm-suppress-shortcuts="true"
        onKeyDown={(event) => guardKeys(event, link)}
        onClickCapture={guardClicks}
      >
        <style>{link.live.value ? hideStatic(`.hfw-key-${key}`) : ""}</style>
        <Header drawer={drawer} open={parameters} toggle={() => setParameters(!parameters)} />
        <Parameters id={drawer} open={parameters} />
        <View />
        <ToolDrawer tool={tool} />
        {link.stopWaits.value && <div class="hfw-note" role="status">{UNSTOPPED}</div>}
        {(dead || link.unheard.value) && <div class="hfw-note">{dead ? RESTARTED : SILENT}</div>}
        {link.shape.value.view !== "rows" && <Footer tool={tool} open={setTool} />}
        <div class="hfw-unseen" role="status" aria-live="polite">{spoken}</div>
      </section>
    </PanelContext.Provider>
  );
}

/** The static form in the notebook shows wherever no kernel answers, and hides beside a live panel. */
function hideStatic(panel: string): string {
  // It is the output after the panel's. An Output widget's own output contains both, and more:
  // only the innermost output that holds the panel counts.
  const own = `${OUTPUT}:has(${panel}):not(:has(${OUTPUT} ${panel}))`;
  return `${own} + ${OUTPUT}:has(.hfw-copy) { display: none !important; }`;
}

const landmarks = new Set<string>();

/** A landmark's name that no other panel of the page has, in whichever shadow root it may be. */
function useLandmark(label: string): string {
  const name = useMemo(() => {
    let found = label;
    for (let n = 2; landmarks.has(found); n++) found = `${label} ${n}`;
    landmarks.add(found);
    return found;
  }, [label]);
  useEffect(() => () => void landmarks.delete(name), [name]);
  return name;
}

/** A button that is ruled out does nothing. */
function guardClicks(event: MouseEvent): void {
  if (!(event.target instanceof Element) || !event.target.closest("[aria-disabled=true]")) return;
  event.preventDefault();
  event.stopPropagation();
}

/** Keys typed in a panel are no notebook commands, but Save stays Save. */
function guardKeys(event: KeyboardEvent, link: Connection): void {
  if (event.key === "Escape" && link.busy.value && !isComposing(event)) {
    link.stop();
    event.preventDefault();
  }
  const isSave = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s";
  if (!isSave) event.stopPropagation();
}
