// Objects with boxes around them.

import type { LabelRow } from "../document/protocol.ts";
import { describeRow } from "../parts/describe.ts";
import { contrastColor, labelColors } from "./colors.ts";
import type { Linked } from "./linked.ts";
import { Overlay } from "./overlay.tsx";
import { registerView, type ViewOf } from "./registry.ts";

type Box = [left: number, top: number, right: number, bottom: number];

function Boxes({ view }: { view: ViewOf<"boxes"> }) {
  return <Overlay view={view} noun="objects" layer={(linked, shown) => <Marks view={view} linked={linked} shown={shown} />} />;
}

function Marks({ view, linked, shown }: { view: ViewOf<"boxes">; linked: Linked; shown: (at: number) => boolean }) {
  const colors = labelColors(view.rows);
  const order = stackOrder(view.rows);
  return (
    <>
      {view.rows.map((row, at) => {
        const color = colors.get(row.label) ?? "#000000";
        return (
          <button
            key={at}
            type="button"
            class={linked.mark(at, "hfw-box-mark")}
            aria-label={describeRow(row)}
            hidden={!shown(at)}
            style={{ ...place(row, view.width, view.height), zIndex: order[at] ?? 1, "--hfw-ink": color, "--hfw-on": contrastColor(color) }}
            {...linked.join(at)}
          >
            <span class="hfw-box-label">{row.label}</span>
          </button>
        );
      })}
    </>
  );
}

function boxOf(row: LabelRow | undefined): Box {
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = row?.box ?? [];
  return [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
}

/** Small boxes lie on top, so that each can be pointed at. */
function stackOrder(rows: LabelRow[]): number[] {
  const area = (at: number) => {
    const [left, top, right, bottom] = boxOf(rows[at]);
    return (right - left) * (bottom - top);
  };
  const bySize = [...rows.keys()].sort((a, b) => area(b) - area(a));
  return rows.map((_, at) => bySize.indexOf(at) + 1);
}

function place(row: LabelRow, width: number, height: number) {
  const [left, top, right, bottom] = boxOf(row);
  const share = (part: number, whole: number) => `${(part / whole) * 100}%`;
  return {
    left: share(left, width),
    top: share(top, height),
    width: share(right - left, width),
    height: share(bottom - top, height),
  };
}

registerView("boxes", Boxes);
