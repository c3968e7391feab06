// Segments: masks over their image, told apart by the pixel under the pointer.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Connection } from "../document/connection.ts";
import { usePanel } from "../parts/panel.ts";
import { labelColors } from "./colors.ts";
import type { Linked } from "./linked.ts";
import { Mask } from "./mask.ts";
import { Overlay } from "./overlay.tsx";
import { registerView, type ViewOf } from "./registry.ts";

type Shown = (at: number) => boolean;

function Masks({ view }: { view: ViewOf<"masks"> }) {
  const { link } = usePanel();
  const [opacity, setOpacity] = useState(0.6);
  const masks = useMemo(() => makeMasks(view, link), [view, link]);
  const stage = (linked: Linked, shown: Shown) => ({
    onPointerMove: (event: PointerEvent & { currentTarget: HTMLElement }) => {
      linked.pointed.value = under(event, masks, shown);
    },
    onPointerLeave: () => {
      linked.pointed.value = null;
    },
    onClick: (event: MouseEvent & { currentTarget: HTMLElement }) => {
      const at = under(event, masks, shown);
      if (at !== null) linked.pin(at);
    },
  });
  const slider = (
    <label class="hfw-local">
      <input
        type="range"
        min={0}
        max={1}
        step={0.05}
        value={opacity}
        aria-label="Opacity of the masks"
        onInput={({ currentTarget }) => setOpacity(currentTarget.valueAsNumber)}
      />
      <span class="hfw-hint">Opacity</span>
    </label>
  );
  const layers = (linked: Linked, shown: Shown) => (
    <span class="hfw-masks" style={{ "--hfw-opacity": opacity }}>
      {masks.map((mask, at) => (
        <Layer key={at} mask={mask} name={linked.mark(at, "hfw-mask")} hidden={!shown(at)} />
      ))}
    </span>
  );
  return <Overlay view={view} noun="segments" layer={layers} stage={stage} controls={slider} />;
}

function makeMasks({ rows }: ViewOf<"masks">, link: Connection): Mask[] {
  const colors = labelColors(rows);
  return rows.map((row) => new Mask(link.media(row.mask ?? ""), colors.get(row.label) ?? "#000000"));
}

function Layer({ mask, name, hidden }: { mask: Mask; name: string; hidden: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current) void mask.draw(canvas.current);
  }, [mask]);
  return <canvas ref={canvas} class={name} hidden={hidden} aria-hidden="true" />;
}

/** Of several masks at one place the smallest, which the others would else hide. */
function under(event: MouseEvent & { currentTarget: HTMLElement }, masks: Mask[], shown: Shown): number | null {
  const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
  const [x, y] = [(event.clientX - left) / width, (event.clientY - top) / height];
  const found = [...masks.keys()].filter((at) => shown(at) && masks[at]?.covers(x, y));
  found.sort((a, b) => (masks[a]?.area ?? 0) - (masks[b]?.area ?? 0));
  return found[0] ?? null;
}

registerView("masks", Masks);
