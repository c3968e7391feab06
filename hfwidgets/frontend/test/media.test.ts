import "./page.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";

Object.assign(globalThis, { requestAnimationFrame: () => 0 });
const { Trim } = await import("../src/task/trim.ts");
const { Linked, over, COLOURS } = await import("../src/task/views/legend.ts");
const { paint } = await import("../src/task/views/mask.ts");
const { saveButtons } = await import("../src/task/save.ts");

function moved(trim: InstanceType<typeof Trim>, from: number, to: number): void {
  const [start, end] = [...trim.node.querySelectorAll("input")] as [HTMLInputElement, HTMLInputElement];
  start.value = String(from);
  end.value = String(to);
  end.dispatchEvent(new window.Event("input"));
}

describe("a part of a sound", () => {
  it("is the whole at first, then what lies between the handles, either way round", () => {
    const seen: unknown[] = [];
    const trim = new Trim(2, (part) => seen.push(part));
    assert.deepEqual(seen, [{ start: 0, end: 2 }]);
    moved(trim, 1.5, 0.5);
    assert.deepEqual(trim.part, { start: 0.5, end: 1.5 });
    assert.equal(trim.node.querySelector("output")?.textContent, "1.0 s of 2.0 s");
  });

  it("is never empty, and never longer than the sound", () => {
    const trim = new Trim(2, () => undefined);
    moved(trim, 2, 2);
    assert.deepEqual(trim.part, { start: 1.95, end: 2 });
    moved(trim, 0, 0);
    assert.deepEqual(trim.part, { start: 0, end: 0.05 });
    assert.deepEqual(new Trim(0.01, () => undefined).part, { start: 0, end: 0.01 });
  });
});

describe("what is pinned", () => {
  it("is let go when it is not shown any more", () => {
    const seen: (number | null)[] = [];
    const linked = new Linked((active) => seen.push(active));
    linked.pin(1);
    linked.keep((at) => at > 0);
    linked.keep((at) => at > 1);
    assert.deepEqual(seen, [1, 1, null]);
    assert.equal(linked.pinned, null);
  });
});

describe("labels on their colours", () => {
  const light = (hex: string): number => {
    const parts = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
    const [r, g, b] = parts.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };

  it("keep a contrast of 4.5 to 1", () => {
    for (const colour of COLOURS) {
      const [a, b] = [light(colour), over(colour) === "#000" ? 0 : 1];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      assert.ok(ratio >= 4.5, `${colour}: ${ratio}`);
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
    const node = saveButtons({ kind: "sound", tracks: [track("a"), track("b")] }, {} as never);
    assert.deepEqual([...node.querySelectorAll("button")].map((one) => one.textContent), ["a WAV", "b WAV"]);
  });
});
