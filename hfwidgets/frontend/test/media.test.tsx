import { documentOf, draw, Kernel, loader } from "./page.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";

const { Connection } = await import("../src/document/connection.ts");
const { PanelContext } = await import("../src/parts/panel.ts");
const { partBetween } = await import("../src/audio/trim.tsx");
const { COLORS, contrastColor } = await import("../src/views/colors.ts");
const { Linked } = await import("../src/views/linked.ts");
const { paint } = await import("../src/views/mask.ts");
const { findSource } = await import("../src/shell/source.ts");
const { SaveButtons } = await import("../src/shell/tools.tsx");

describe("a part of audio", () => {
  it("is what lies between the handles, either way round", () => {
    assert.deepEqual(partBetween(0, 2, 2), { start: 0, end: 2 });
    assert.deepEqual(partBetween(1.5, 0.5, 2), { start: 0.5, end: 1.5 });
  });

  it("is never empty, and never longer than the audio", () => {
    assert.deepEqual(partBetween(2, 2, 2), { start: 1.95, end: 2 });
    assert.deepEqual(partBetween(0, 0, 2), { start: 0, end: 0.05 });
    assert.deepEqual(partBetween(0, 0.01, 0.01), { start: 0, end: 0.01 });
  });
});

describe("what is pinned", () => {
  it("is let go when it is not shown any more", () => {
    const linked = new Linked();
    linked.pin(1);
    linked.keep((at) => at > 0);
    assert.equal(linked.active.value, 1);
    linked.keep((at) => at > 1);
    assert.deepEqual([linked.active.value, linked.pinned.value], [null, null]);
  });

  it("gives way to what is pointed at", () => {
    const linked = new Linked();
    linked.pin(1);
    linked.pointed.value = 0;
    assert.equal(linked.mark(0, "x"), "x hfw-active");
    assert.equal(linked.mark(1, "x"), "x hfw-dim");
    linked.pointed.value = null;
    assert.equal(linked.active.value, 1);
  });
});

describe("labels on their colors", () => {
  const light = (hex: string): number => {
    const parts = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
    const [r = 0, g = 0, b = 0] = parts.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };

  it("keep a contrast of 4.5 to 1", () => {
    for (const color of COLORS) {
      const [a, b] = [light(color), contrastColor(color) === "#000" ? 0 : 1];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      assert.ok(ratio >= 4.5, `${color}: ${ratio}`);
    }
  });
});

describe("masks and files", () => {
  it("say how much a mask covers", () => {
    assert.equal(paint(new Uint8ClampedArray([255, 0, 0, 255, 0, 0, 0, 255, 200, 0, 0, 255]), "#0072B2"), 2);
  });

  it("offer the files of every track", () => {
    const track = (label: string) => ({
      label, id: label, type: null, seconds: null, rate: null, peaks: [],
      saves: [{ label: `${label} WAV`, id: label, name: `${label}.wav` }],
    });
    const link = new Connection(new Kernel(documentOf({ result: { kind: "audio", tracks: [track("a"), track("b")] } })), loader);
    link.close();
    const node = draw(
      <PanelContext.Provider value={{ link, announce: () => undefined }}>
        <SaveButtons saves={findSource(link)?.saves ?? []} />
      </PanelContext.Provider>,
    );
    assert.deepEqual([...node.querySelectorAll("button")].map((one) => one.textContent), ["a WAV", "b WAV"]);
  });
});
