import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { effect } from "@preact/signals";
import type { Op } from "../src/document/messages.ts";
import { Mirror } from "../src/document/mirror.ts";
import type { PanelDocument, Turn } from "../src/document/protocol.ts";

const turn = (id: number, text: string): Turn => ({ id, role: "user", text, think: "", calls: [], images: [], note: "", done: false });

function start(more: Partial<PanelDocument> = {}): PanelDocument {
  const state = { status: "idle", run: 0, note: "", eta: null, stopping: false, inCell: false, failure: null, stats: null };
  return { state, settings: { model: "", provider: "", values: {} }, models: [], uploads: {}, ...more };
}

const ops = (seq: number, ...list: Op[]) => ({ k: "ops" as const, seq, ops: list });

describe("the mirror", () => {
  it("sets, appends and cuts", () => {
    const mirror = new Mirror(start({ turns: [turn(1, "a")] }));
    assert.ok(mirror.take(ops(1, ["+", ["turns", 0, "text"], 1, "b"], ["=", ["turns", 1], turn(2, "x")])));
    assert.deepEqual(mirror.part("turns")?.map(({ text }) => text), ["ab", "x"]);
    assert.ok(mirror.take(ops(2, ["cut", ["turns"], 1])));
    assert.equal(mirror.part("turns")?.length, 1);
  });

  it("draws again only what reads a part that changed", () => {
    const mirror = new Mirror(start({ turns: [turn(1, "a")] }));
    const seen = { turns: 0, settings: 0 };
    effect(() => void (mirror.part("turns"), seen.turns++));
    effect(() => void (mirror.part("settings"), seen.settings++));
    mirror.take(ops(1, ["+", ["turns", 0, "text"], 1, "b"], ["+", ["turns", 0, "text"], 2, "c"]));
    assert.deepEqual(seen, { turns: 2, settings: 1 });
  });

  it("shares what a patch does not touch", () => {
    const mirror = new Mirror(start({ turns: [turn(1, "a"), turn(2, "b")] }));
    const before = mirror.part("turns");
    mirror.take(ops(1, ["+", ["turns", 1, "text"], 1, "c"]));
    const after = mirror.part("turns");
    assert.equal(after?.[0], before?.[0]);
    assert.notEqual(after?.[1], before?.[1]);
    assert.equal(before?.[1]?.text, "b");
  });

  it("refuses what does not fit, and everything after it, until the whole document comes", () => {
    for (const op of [
      ["+", ["turns", 0, "text"], 5, "late"],
      ["=", ["turns", 4], turn(9, "")],
      ["=", ["turns", -1], turn(9, "")],
      ["=", ["turns", 0, "nothing", "there"], 1],
      ["cut", ["turns"], 3],
      ["cut", ["nothing"], 0],
    ] satisfies Op[]) {
      const mirror = new Mirror(start({ turns: [turn(1, "a")] }));
      assert.equal(mirror.take(ops(1, op)), false, JSON.stringify(op));
      assert.equal(mirror.take(ops(2, ["=", ["sent"], "x"])), false);
      assert.ok(mirror.take({ k: "doc", seq: 7, doc: start({ sent: "whole" }) }));
      assert.equal(mirror.part("sent"), "whole");
      assert.equal(mirror.part("turns"), undefined);
    }
  });

  it("notices a number that is missing, and takes no patch twice", () => {
    const mirror = new Mirror(start());
    assert.ok(mirror.take(ops(1, ["=", ["sent"], "one"])));
    assert.ok(mirror.take(ops(1, ["=", ["sent"], "again"])));
    assert.equal(mirror.part("sent"), "one");
    assert.equal(mirror.take(ops(3, ["=", ["sent"], "three"])), false);
    assert.ok(mirror.lost);
  });

  it("tells by an empty patch whether it is up to date", () => {
    const mirror = new Mirror(start());
    assert.ok(mirror.take(ops(0)));
    assert.equal(mirror.take(ops(4)), false);
  });

  it("reaches no prototype", () => {
    const mirror = new Mirror(start({ inputs: {} }));
    assert.equal(mirror.take(ops(1, ["=", ["inputs", "__proto__", "polluted"], true])), false);
    const other = new Mirror(start({ inputs: {} }));
    assert.ok(other.take(ops(1, ["=", ["inputs", "__proto__"], null])));
    assert.equal(Object.getPrototypeOf(other.part("inputs")), Object.prototype);
    assert.equal(Reflect.get({}, "polluted"), undefined);
  });
});
