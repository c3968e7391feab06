import "./page.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Context, ResultView } from "../src/task/types.ts";

Object.assign(globalThis, { requestAnimationFrame: () => 0 });
await import("../src/task/views/all.ts");
const { draw } = await import("../src/task/result.ts");
const { cut } = await import("../src/task/views/spans.ts");
const { paint } = await import("../src/task/views/mask.ts");
const { clock } = await import("../src/task/views/sound.ts");
const { colourOf } = await import("../src/task/views/embedding.ts");
const { peaksOf, wav } = await import("../src/task/wave.ts");

const link = { media: () => new Promise(() => undefined), watch: () => () => undefined };
const context = { link, announce: () => undefined } as unknown as Context;
const rows = [
  { label: "boat", score: 0.9, box: [10, 20, 60, 80] as [number, number, number, number], start: 0, end: 4 },
  { label: "sun", score: 0.4, box: [20, 30, 40, 50] as [number, number, number, number], start: 5, end: 8 },
];
const show = (view: ResultView) => draw(view, context).node;

describe("spans", () => {
  it("keeps a span that begins at the first character", () => {
    assert.deepEqual(cut("boat sun", rows, () => true), [
      { text: "boat", row: 0 },
      { text: " ", row: null },
      { text: "sun", row: 1 },
    ]);
  });

  it("keeps the surest of spans that overlap", () => {
    const both = [{ label: "a", score: 0.2, start: 0, end: 6 }, { label: "b", score: 0.9, start: 2, end: 4 }];
    assert.deepEqual(cut("abcdef", both, () => true).map((piece) => piece.row), [null, 1, null]);
  });

  it("counts code points, as the server does", () => {
    const one = [{ label: "a", score: 1, start: 2, end: 5 }];
    assert.equal(cut("🌊 sea", one, () => true)[1]?.text, "sea");
  });

  it("links text and legend, and pins with a click", () => {
    const node = show({ kind: "spans", text: "boat sun", rows });
    const [boat, sun] = node.querySelectorAll<HTMLElement>(".hfw-span");
    const row = node.querySelector<HTMLElement>(".hfw-legend-row");
    boat?.dispatchEvent(new window.FocusEvent("focus"));
    assert.ok(boat?.classList.contains("hfw-active"));
    assert.ok(sun?.classList.contains("hfw-dim"));
    boat?.dispatchEvent(new window.FocusEvent("blur"));
    assert.ok(!sun?.classList.contains("hfw-dim"));
    row?.click();
    assert.equal(boat?.getAttribute("aria-pressed"), "true");
    assert.equal(boat?.getAttribute("aria-label"), "boat: boat, 90 percent");
  });
});

describe("boxes", () => {
  const node = show({ kind: "boxes", image: "p", width: 100, height: 200, rows });

  it("stand where they are, in shares of the picture", () => {
    const mark = node.querySelector<HTMLElement>(".hfw-box-mark");
    assert.deepEqual([mark?.style.left, mark?.style.top, mark?.style.height], ["10%", "10%", "30%"]);
  });

  it("have small ones on top and a spoken label each", () => {
    const [boat, sun] = node.querySelectorAll<HTMLElement>(".hfw-box-mark");
    assert.ok(Number(sun?.style.zIndex) > Number(boat?.style.zIndex));
    assert.equal(sun?.getAttribute("aria-label"), "sun, 40 percent");
  });

  it("are filtered here by their score", () => {
    const range = node.querySelector<HTMLInputElement>("input[type=range]");
    assert.ok(range);
    range.valueAsNumber = 0.5;
    range.dispatchEvent(new window.Event("input"));
    const marks = [...node.querySelectorAll<HTMLElement>(".hfw-box-mark")];
    assert.deepEqual(marks.map((mark) => mark.hidden), [false, true]);
  });
});

describe("other views", () => {
  it("show scores as a list", () => {
    const node = show({ kind: "bars", rows });
    assert.deepEqual([...node.querySelectorAll(".hfw-score-number")].map((n) => n.textContent), ["0.900", "0.400"]);
  });

  it("show as many labels as are asked for, without another call", () => {
    const many = Array.from({ length: 12 }, (_, at) => ({ label: `l${at}`, score: 0.5 }));
    const node = show({ kind: "bars", rows: many });
    assert.equal(node.querySelectorAll("li").length, 8);
    const box = node.querySelector("input");
    assert.ok(box);
    box.value = "11";
    box.dispatchEvent(new window.Event("input"));
    assert.equal(node.querySelectorAll("li").length, 11);
  });

  it("mark the cells of an answer", () => {
    const node = show({ kind: "cells", answer: "67", aggregator: "", columns: { a: ["x", "y"], b: ["37", "67"] }, cells: [[1, 1]] });
    assert.equal(node.querySelectorAll(".hfw-hit").length, 1);
    assert.match(node.querySelector(".hfw-hit")?.textContent ?? "", /^67/);
  });

  it("add predictions as a column", () => {
    const node = show({ kind: "predictions", columns: { a: ["1", "2"] }, values: ["cat", "dog"], numeric: false });
    assert.deepEqual([...node.querySelectorAll(".hfw-class")].map((n) => n.textContent), ["cat", "dog"]);
  });

  it("never put a text through HTML", () => {
    const evil = "<img src=x onerror=alert(1)>";
    for (const view of [
      { kind: "text", text: evil },
      { kind: "bars", rows: [{ label: evil, score: 1 }] },
      { kind: "spans", text: evil, rows: [{ label: evil, score: 1, start: 0, end: 4 }] },
      { kind: "parts", parts: [], rows: [[evil, evil]] as never },
    ]) assert.equal(show(view).querySelector("img"), null);
  });

  it("grow a continuation without replacing it", () => {
    const drawn = draw({ kind: "continuation", prompt: "Once", text: "" }, context);
    const leaf = drawn.node.querySelector(".hfw-made")?.firstChild;
    drawn.update?.({ kind: "continuation", text: " upon" });
    drawn.update?.({ kind: "continuation", text: " upon a time" });
    assert.equal(drawn.node.querySelector(".hfw-made")?.firstChild, leaf);
    assert.equal(drawn.node.querySelector(".hfw-text")?.textContent, "Once upon a time");
  });
});

describe("small parts", () => {
  it("paint a mask where it is light", () => {
    const pixels = new Uint8ClampedArray([255, 255, 255, 255, 0, 0, 0, 255]);
    paint(pixels, "#0072B2");
    assert.deepEqual([...pixels], [0, 114, 178, 255, 0, 114, 178, 0]);
  });

  it("write times, colours and waveforms", () => {
    assert.deepEqual([0, 62.34, 59.96].map(clock), ["0:00.0", "1:02.3", "1:00.0"]);
    assert.match(colourOf(-1, 1), /#0072B2 100%/);
    assert.equal(Math.max(...peaksOf(new Float32Array(1000).fill(0.25))), 100);
  });

  it("write a WAV file", async () => {
    const bytes = new DataView(await wav(new Float32Array([0, 1, -1]), 16000).arrayBuffer());
    assert.equal(bytes.byteLength, 50);
    assert.equal(bytes.getUint32(24, true), 16000);
    assert.deepEqual([44, 46, 48].map((at) => bytes.getInt16(at, true)), [0, 32767, -32767]);
  });
});
