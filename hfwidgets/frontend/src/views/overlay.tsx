// An image with what was found in it, linked to a legend by pointer and by keyboard.

import type { ComponentChildren, HTMLAttributes } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { LabelRow, Save } from "../document/protocol.ts";
import { describeRow } from "../parts/describe.ts";
import { KernelImage } from "../parts/media.tsx";
import { Photo } from "../parts/photo.tsx";
import { Legend, Threshold } from "./legend.tsx";
import { Linked } from "./linked.ts";

interface OverlayProps {
  view: { rows: LabelRow[]; image: string; width: number; height: number; saves?: Save[] | null };
  noun: string;
  /** What lies on the image; `shown` tells which rows it may draw. */
  layer: (linked: Linked, shown: (at: number) => boolean) => ComponentChildren;
  stage?: (linked: Linked, shown: (at: number) => boolean) => HTMLAttributes<HTMLDivElement>;
  controls?: ComponentChildren;
}

export function Overlay({ view, noun, layer, stage, controls }: OverlayProps) {
  const { rows, width, height } = view;
  const linked = useMemo(() => new Linked(), [view]);
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const [least, setLeast] = useState(-Infinity);
  const passes = (at: number) => (rows[at]?.score ?? Infinity) >= least;
  const shown = (at: number) => passes(at) && !hidden.has(at);
  const toggle = (at: number) => {
    const next = new Set(hidden);
    if (!next.delete(at)) next.add(at);
    setHidden(next);
    linked.keep((one) => passes(one) && !next.has(one));
  };
  const filter = (value: number) => {
    setLeast(value);
    linked.keep((at) => (rows[at]?.score ?? Infinity) >= value && !hidden.has(at));
  };
  const eye = (at: number) => (
    <input type="checkbox" checked={!hidden.has(at)} aria-label={`Show ${rows[at]?.label}`} onChange={() => toggle(at)} />
  );
  const alt = `Image with ${rows.length} ${noun}: ${rows.map(describeRow).join("; ")}`;
  return (
    <div class="hfw-overlay">
      <Photo width={width} height={height} saves={view.saves}>
        <div class="hfw-stage" {...stage?.(linked, shown)}>
          <KernelImage id={view.image} alt={alt} />
          {layer(linked, shown)}
        </div>
      </Photo>
      <div class="hfw-side">
        <Legend rows={rows} linked={linked} shown={passes} {...(rows.length > 1 ? { extra: eye } : {})} />
        {!rows.some((_, at) => passes(at)) && (
          <p class="hfw-nothing" role="status">{`No ${noun} above the threshold.`}</p>
        )}
        {controls}
        <Threshold rows={rows} changed={filter} />
      </div>
    </div>
  );
}
