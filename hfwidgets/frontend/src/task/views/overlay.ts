// Boxes and masks over their picture, linked to the legend by pointer and by keyboard.

import { h } from "../../dom.ts";
import { spoken, view } from "../result.ts";
import type { Context, ResultView, Row } from "../types.ts";
import { colours, legend, Linked, over, threshold } from "./legend.ts";
import { Mask } from "./mask.ts";

interface Layer {
  mark(active: number | null): void;
  filter(shown: (at: number) => boolean): void;
}

view("boxes", (shown, context) => framed(shown, context, "objects", boxes));
view("masks", (shown, context) => framed(shown, context, "segments", masks));

function framed(
  shown: ResultView,
  context: Context,
  noun: string,
  make: (shown: ResultView, stage: HTMLElement, linked: Linked, context: Context) => [Layer, ...HTMLElement[]],
): { node: HTMLElement } {
  const rows = shown.rows ?? [];
  const image = h("img", { alt: `Picture with ${rows.length} ${noun}: ${rows.map(spoken).join("; ")}` });
  void context.link.media(shown["image"] as string).then((url) => (image.src = url));
  const stage = h("div", { class: "hfw-stage" }, image);
  stage.style.aspectRatio = `${shown["width"]} / ${shown["height"]}`;
  stage.style.maxWidth = `min(100%, ${Math.round((420 * Number(shown["width"])) / Number(shown["height"]))}px)`;
  const hidden = new Set<number>();
  let least = -Infinity;
  const linked = new Linked((active) => {
    layer.mark(active);
    for (const [at, item] of items.entries()) {
      item.classList.toggle("hfw-dim", active !== null && active !== at);
      item.firstElementChild?.setAttribute("aria-pressed", String(linked.pinned === at));
    }
  });
  const filter = () => {
    const kept = (at: number) => !hidden.has(at) && (rows[at]?.score ?? Infinity) >= least;
    layer.filter(kept);
    for (const [at, item] of items.entries()) {
      item.hidden = (rows[at]?.score ?? Infinity) < least;
    }
    none.hidden = items.some((item) => !item.hidden);
    linked.keep(kept);
  };
  const eye = (at: number) => {
    const box = h("input", { type: "checkbox", checked: true, "aria-label": `Show ${rows[at]?.label}` });
    box.addEventListener("change", () => {
      hidden[box.checked ? "delete" : "add"](at);
      filter();
    });
    return box;
  };
  const [layer, ...controls] = make(shown, stage, linked, context);
  const items = legend(rows, linked, rows.length > 1 ? eye : undefined);
  const none = h("p", { class: "hfw-nothing", role: "status", hidden: true }, `No ${noun} above the threshold.`);
  const slider = threshold(rows, (value) => {
    least = value;
    filter();
  });
  if (slider) controls.push(slider);
  const list = h("ul", { class: "hfw-legend" }, ...items);
  return {
    node: h("div", { class: "hfw-overlay" }, stage, h("div", { class: "hfw-side" }, list, none, ...controls)),
  };
}

/** Small boxes lie on top, so that each can be pointed at. */
function boxes(shown: ResultView, stage: HTMLElement, linked: Linked): [Layer] {
  const rows = shown.rows ?? [];
  const ink = colours(rows);
  const [width, height] = [Number(shown["width"]), Number(shown["height"])];
  const marks = rows.map((row, at) => {
    const mark = h("button", { type: "button", class: "hfw-box-mark", "aria-label": spoken(row) });
    mark.append(h("span", { class: "hfw-box-label" }, row.label));
    place(mark, row, width, height);
    mark.style.setProperty("--hfw-ink", ink.get(row.label) ?? "");
    mark.style.setProperty("--hfw-on", over(ink.get(row.label) ?? "#000000"));
    linked.join(mark, at);
    return mark;
  });
  const size = (row: Row) => {
    const [x0, y0, x1, y1] = row.box ?? [0, 0, 0, 0];
    return Math.abs((x1 - x0) * (y1 - y0));
  };
  for (const [order, at] of [...rows.keys()].sort((a, b) => size(rows[b] as Row) - size(rows[a] as Row)).entries()) {
    (marks[at] as HTMLElement).style.zIndex = String(order + 1);
  }
  stage.append(...marks);
  return [
    {
      mark: (active) => {
        for (const [at, mark] of marks.entries()) {
          mark.setAttribute("aria-pressed", String(linked.pinned === at));
          mark.classList.toggle("hfw-dim", active !== null && active !== at);
          mark.classList.toggle("hfw-active", active === at);
        }
      },
      filter: (kept) => {
        for (const [at, mark] of marks.entries()) mark.hidden = !kept(at);
      },
    },
  ];
}

/** Of several masks at one place the smallest, which the others would else hide. */
function smallest(layers: Mask[], fits: (at: number) => boolean): number | null {
  const found = [...layers.keys()].filter(fits);
  found.sort((a, b) => (layers[a]?.area ?? 0) - (layers[b]?.area ?? 0));
  return found[0] ?? null;
}

function place(mark: HTMLElement, row: Row, width: number, height: number): void {
  const [x0, y0, x1, y1] = row.box ?? [0, 0, 0, 0];
  const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
  const [top, bottom] = [Math.min(y0, y1), Math.max(y0, y1)];
  mark.style.left = `${(left / width) * 100}%`;
  mark.style.top = `${(top / height) * 100}%`;
  mark.style.width = `${((right - left) / width) * 100}%`;
  mark.style.height = `${((bottom - top) / height) * 100}%`;
}

function masks(shown: ResultView, stage: HTMLElement, linked: Linked, context: Context): [Layer, HTMLElement] {
  const rows = shown.rows ?? [];
  const ink = colours(rows);
  const layers = rows.map((row) => new Mask(context.link.media(row.mask ?? ""), ink.get(row.label) ?? "#000"));
  stage.append(...layers.map((layer) => layer.node));
  let kept: (at: number) => boolean = () => true;
  const under = (event: PointerEvent): number | null => {
    const { left, top, width, height } = stage.getBoundingClientRect();
    const [x, y] = [(event.clientX - left) / width, (event.clientY - top) / height];
    return smallest(layers, (at) => kept(at) && Boolean(layers[at]?.covers(x, y)));
  };
  stage.addEventListener("pointermove", (event) => linked.point(under(event)));
  stage.addEventListener("pointerleave", () => linked.point(null));
  stage.addEventListener("click", (event) => {
    const at = under(event as PointerEvent);
    if (at !== null) linked.pin(at);
  });
  const range = h("input", { type: "range", min: 0, max: 1, step: 0.05, value: "0.6", "aria-label": "Opacity of the masks" });
  range.addEventListener("input", () => stage.style.setProperty("--hfw-opacity", range.value));
  const layer: Layer = {
    mark: (active) => {
      for (const [at, mask] of layers.entries()) {
        mask.node.classList.toggle("hfw-dim", active !== null && active !== at);
        mask.node.classList.toggle("hfw-active", active === at);
      }
    },
    filter: (test) => {
      kept = test;
      for (const [at, mask] of layers.entries()) mask.node.hidden = !test(at);
    },
  };
  return [layer, h("label", { class: "hfw-local" }, range, h("span", { class: "hfw-hint" }, "opacity"))];
}
