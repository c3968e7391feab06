// Labels with scores as a real list; how many are shown is chosen here, without another call.

import { h } from "../../dom.ts";
import { view } from "../result.ts";
import { barRow } from "./legend.ts";

const FIRST = 8;

view("bars", (shown) => {
  const rows = shown.rows ?? [];
  const list = h("ol", { class: "hfw-scores" });
  const most = Math.max(1, ...rows.map((row) => row.score ?? 0));
  const fill = (count: number) =>
    list.replaceChildren(...rows.slice(0, count).map((row) => h("li", {}, barRow(row, undefined, most))));
  fill(FIRST);
  if (rows.length <= FIRST) return { node: list };
  const box = h("input", { type: "number", class: "hfw-input hfw-count", min: 1, max: rows.length, value: FIRST });
  box.addEventListener("input", () => box.validity.valid && fill(box.valueAsNumber || FIRST));
  const row = h("label", { class: "hfw-row hfw-start hfw-hint" }, "Show the first", box, `of ${rows.length}`);
  return { node: h("div", {}, list, row) };
});
