import { documentOf, draw, fire, Kernel, loader } from "./page.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { render } from "preact";
import { act } from "preact/test-utils";
import type { View } from "../src/document/protocol.ts";

const { Connection } = await import("../src/document/connection.ts");
const { PanelContext } = await import("../src/parts/panel.ts");
const { formatClock, formatScore, formatShare } = await import("../src/parts/describe.ts");
const { encodeWav, findPeaks } = await import("../src/audio/samples.ts");
const { cutSpans } = await import("../src/views/cut-spans.ts");
const { numberColor } = await import("../src/views/colors.ts");
const { paint } = await import("../src/views/mask.ts");
const { ResultView } = await import("../src/views/result-view.tsx");
await import("../src/views/all.ts");

const kernel = new Kernel(documentOf({}));
const link = new Connection(kernel, loader);
link.close();
const panel = { link, announce: () => undefined };
const rows = [
  { label: "boat", score: 0.9, box: [10, 20, 60, 80], start: 0, end: 4 },
  { label: "sun", score: 0.4, box: [20, 30, 40, 50], start: 5, end: 8 },
];
const framed = (view: View) => (
  <PanelContext.Provider value={panel}>
    <ResultView view={view} />
  </PanelContext.Provider>
);
const show = (view: View) => draw(framed(view));
const all = (node: Element, what: string) => [...node.querySelectorAll<HTMLElement>(what)];

describe("spans", () => {
  it("keep a span that begins at the first character", () => {
    assert.deepEqual(cutSpans("boat sun", rows, () => true), [
      { text: "boat", row: 0 },
      { text: " ", row: null },
      { text: "sun", row: 1 },
    ]);
  });

  it("keep the surest of spans that overlap", () => {
    const both = [{ label: "a", score: 0.2, start: 0, end: 6 }, { label: "b", score: 0.9, start: 2, end: 4 }];
    assert.deepEqual(cutSpans("abcdef", both, () => true).map((piece) => piece.row), [null, 1, null]);
  });

  it("count code points, as the server does", () => {
    const one = [{ label: "a", score: 1, start: 2, end: 5 }];
    assert.equal(cutSpans("🌊 sea", one, () => true)[1]?.text, "sea");
  });

  it("link text and legend, and pin with a click", () => {
    const node = show({ kind: "spans", text: "boat sun", rows });
    const [boat, sun] = all(node, ".hfw-span");
    fire(boat, "focusin");
    fire(boat, "focus");
    assert.ok(boat?.classList.contains("hfw-active"));
    assert.ok(sun?.classList.contains("hfw-dim"));
    fire(boat, "blur");
    assert.ok(!sun?.classList.contains("hfw-dim"));
    fire(node.querySelector(".hfw-legend-row"), "click");
    assert.equal(boat?.getAttribute("aria-pressed"), "true");
    assert.equal(boat?.getAttribute("aria-label"), "boat: boat, 90 percent");
  });
});

describe("boxes", () => {
  const node = show({ kind: "boxes", image: "p", width: 100, height: 200, rows });

  it("stand where they are, in shares of the image", () => {
    const mark = node.querySelector<HTMLElement>(".hfw-box-mark");
    assert.deepEqual([mark?.style.left, mark?.style.top, mark?.style.height], ["10%", "10%", "30%"]);
  });

  it("have small ones on top and a spoken label each", () => {
    const [boat, sun] = all(node, ".hfw-box-mark");
    assert.ok(Number(sun?.style.zIndex) > Number(boat?.style.zIndex));
    assert.equal(sun?.getAttribute("aria-label"), "sun, 40 percent");
  });

  it("are filtered here by their score", () => {
    const range = node.querySelector<HTMLInputElement>("input[type=range]");
    assert.ok(range);
    range.valueAsNumber = 0.5;
    fire(range, "input");
    assert.deepEqual(all(node, ".hfw-box-mark").map((mark) => mark.hidden), [false, true]);
  });
});

describe("other views", () => {
  it("show the first label large and all scores as a list", () => {
    const node = show({ kind: "bars", rows });
    assert.equal(node.querySelector(".hfw-top-label")?.textContent, "boat90%");
    assert.deepEqual(all(node, ".hfw-score-number").map((n) => n.textContent), ["90%", "40%"]);
  });

  it("show scores that are not shares as numbers", () => {
    const node = show({ kind: "bars", rows: [{ label: "a", score: 7.25 }, { label: "b", score: 0.00001 }] });
    assert.deepEqual(all(node, ".hfw-score-number").map((n) => n.textContent), ["7.250", "<0.001"]);
  });

  it("show as many labels as are asked for, without another call", () => {
    const many = Array.from({ length: 12 }, (_, at) => ({ label: `l${at}`, score: 0.5 }));
    const node = show({ kind: "bars", rows: many });
    assert.equal(all(node, "li").length, 8);
    const box = node.querySelector("input");
    assert.ok(box);
    box.value = "11";
    fire(box, "input");
    assert.equal(all(node, "li").length, 11);
  });

  it("mark the cells of an answer", () => {
    const node = show({ kind: "cells", answer: "67", aggregator: "", columns: { a: ["x", "y"], b: ["37", "67"] }, cells: [[1, 1]] });
    assert.equal(all(node, ".hfw-hit").length, 1);
    assert.match(node.querySelector(".hfw-hit")?.textContent ?? "", /^67/);
  });

  it("add predictions as a column", () => {
    const node = show({ kind: "predictions", columns: { a: ["1", "2"] }, values: ["cat", "dog"], numeric: false });
    assert.deepEqual(all(node, ".hfw-class").map((n) => n.textContent), ["cat", "dog"]);
  });

  it("stand side by side in a comparison, with what differs and a vote for the model's own place", () => {
    const column = (name: string, place: number, view: View | null) => ({ name, place, view, error: view ? "" : "It failed.", facts: [["Time", "1 s"]] });
    const differences = { summary: "They differ.", table: null };
    const node = show({ kind: "comparison", differences, columns: [column("Model A", 1, { kind: "bars", rows }), column("Model B", 0, null)] });
    assert.deepEqual(all(node, ".hfw-column-title").map((n) => n.textContent), ["Model A", "Model B"]);
    assert.equal(node.querySelector(".hfw-column-error")?.textContent, "It failed.");
    assert.match(node.textContent ?? "", /They differ\./);
    fire(all(node, ".hfw-vote")[0], "click");
    assert.deepEqual(kernel.said.at(-1), { k: "do", do: "vote", place: 1 });
    fire(all(node, ".hfw-vote")[2], "click");
    assert.deepEqual(kernel.said.at(-1), { k: "do", do: "vote", place: null });
  });

  it("mark the words that only one of two texts has, by more than a color", () => {
    const pieces = [["same", "The "], ["gone", "<b>quick"], ["new", "slow"], ["same", " fox"]];
    const differences = { summary: "", table: null, texts: [{ title: "b, compared with a", pieces }] };
    const node = show({ kind: "comparison", differences, columns: [] });
    assert.equal(node.querySelector("figcaption")?.textContent, "b, compared with a");
    assert.equal(node.querySelector(".hfw-marked")?.innerHTML, "The <del>&lt;b&gt;quick</del><ins>slow</ins> fox");
  });

  it("never put a text through HTML", () => {
    const evil = "<img src=x onerror=alert(1)>";
    const views: View[] = [
      { kind: "text", text: evil },
      { kind: "bars", rows: [{ label: evil, score: 1 }] },
      { kind: "spans", text: evil, rows: [{ label: evil, score: 1, start: 0, end: 4 }] },
      { kind: "parts", parts: [], rows: [[evil, evil]] },
      { kind: "transcript", text: evil, chunks: [{ start: 0, end: 1, text: evil }] },
    ];
    for (const view of views) assert.equal(show(view).querySelector("img"), null);
  });

  it("show what no view knows as its data, and what a view leaves out below it", () => {
    const unknown = { kind: "hologram", depth: 3 } as unknown as View;
    assert.match(show(unknown).textContent ?? "", /"depth": 3/);
    const rest: View = { kind: "table", columns: { explanation: ["because"] } };
    assert.match(show({ kind: "bars", rows, rest }).querySelector("table")?.textContent ?? "", /because/);
  });

  it("grow a continuation without replacing it", () => {
    const view = (text: string): View => ({ kind: "continuation", prompt: "Once", text });
    const node = show(view(""));
    const leaf = node.querySelector(".hfw-made")?.firstChild;
    act(() => render(framed(view(" upon")), node));
    act(() => render(framed(view(" upon a time")), node));
    assert.equal(node.querySelector(".hfw-made")?.firstChild, leaf);
    assert.equal(node.querySelector(".hfw-text")?.textContent, "Once upon a time");
  });
});

describe("small parts", () => {
  it("paint a mask where it is light", () => {
    const pixels = new Uint8ClampedArray([255, 255, 255, 255, 0, 0, 0, 255]);
    paint(pixels, "#0072B2");
    assert.deepEqual([...pixels], [0, 114, 178, 255, 0, 114, 178, 0]);
  });

  it("write times, shares, scores, colors and waveforms", () => {
    assert.deepEqual([0, 62.34, 59.96].map(formatClock), ["0:00.0", "1:02.3", "1:00.0"]);
    assert.deepEqual([0, 0.0004, 0.0234, 0.5, 0.995, 0.99999, 1].map(formatShare), ["0%", "<0.1%", "2.3%", "50%", "99.5%", ">99.9%", "100%"]);
    assert.deepEqual([0, 0.00004, -0.00004, 0.5].map(formatScore), ["0.000", "<0.001", ">-0.001", "0.500"]);
    assert.match(numberColor(-1, 1), /#0072B2 100%/);
    assert.equal(Math.max(...findPeaks(new Float32Array(1000).fill(0.25))), 1);
  });

  it("write a WAV file", async () => {
    const bytes = new DataView(await encodeWav(new Float32Array([0, 1, -1]), 16000).arrayBuffer());
    assert.equal(bytes.byteLength, 50);
    assert.equal(bytes.getUint32(24, true), 16000);
    assert.deepEqual([44, 46, 48].map((at) => bytes.getInt16(at, true)), [0, 32767, -32767]);
  });
});
