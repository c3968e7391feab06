import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { apply, Mirror } from "../src/mirror.ts";
import type { Doc, Op } from "../src/protocol.ts";

const doc = () => ({ state: {}, settings: {}, turns: [{ text: "" }] }) as unknown as Doc;
const grow = (seq: number, at: number, text: string) =>
  ({ k: "ops", seq, ops: [["+", ["turns", 0, "text"], at, text]] as Op[] }) as const;
const text = (mirror: Mirror) => (mirror.doc["turns"] as { text: string }[])[0]?.text;

describe("mirror", () => {
  it("appends numbered deltas", () => {
    const mirror = new Mirror(doc());
    assert.ok(mirror.take(grow(1, 0, "Hello")));
    assert.ok(mirror.take(grow(2, 5, ", world")));
    assert.equal(text(mirror), "Hello, world");
  });

  it("refuses everything after a gap until the whole document comes", () => {
    const mirror = new Mirror(doc());
    mirror.take(grow(1, 0, "a"));
    assert.equal(mirror.take(grow(3, 2, "c")), false);
    assert.equal(mirror.take(grow(4, 3, "d")), false);
    assert.equal(text(mirror), "a");
    const whole = { ...doc(), turns: [{ text: "abcd" }] } as Doc;
    assert.ok(mirror.take({ k: "doc", seq: 4, doc: whole }));
    assert.ok(mirror.take(grow(5, 4, "e")));
    assert.equal(text(mirror), "abcde");
  });

  it("notices a missing end by the acknowledgement's number", () => {
    const mirror = new Mirror(doc());
    mirror.take(grow(1, 0, "a"));
    assert.ok(mirror.take({ k: "ops", seq: 1, ops: [] }));
    assert.equal(mirror.take({ k: "ops", seq: 2, ops: [] }), false);
  });

  it("ignores what is already within a newer document", () => {
    const mirror = new Mirror(doc());
    mirror.take({ k: "doc", seq: 7, doc: { ...doc(), turns: [{ text: "abc" }] } as Doc });
    assert.ok(mirror.take(grow(7, 2, "c")));
    assert.equal(text(mirror), "abc");
  });

  it("refuses a delta whose offset does not fit", () => {
    const mirror = new Mirror(doc());
    assert.equal(mirror.take(grow(1, 3, "x")), false);
  });

  it("counts offsets in UTF-16 units, as JavaScript does", () => {
    const mirror = new Mirror(doc());
    assert.ok(mirror.take(grow(1, 0, "🌊")));
    assert.ok(mirror.take(grow(2, 2, "!")));
    assert.equal(text(mirror), "🌊!");
  });

  it("sets, adds to lists and cuts them", () => {
    const target = { list: [1], deep: { a: 1 } };
    assert.ok(apply(target, ["=", ["list", 1], 2]));
    assert.ok(apply(target, ["=", ["deep", "a"], { b: 2 }]));
    assert.ok(apply(target, ["cut", ["list"], 1]));
    assert.deepEqual(target, { list: [1], deep: { a: { b: 2 } } });
    assert.equal(apply(target, ["=", ["list", 9], 0]), false);
    assert.equal(apply(target, ["cut", ["list"], 5]), false);
  });

  it("never reaches into prototypes", () => {
    assert.equal(apply({}, ["=", ["__proto__", "polluted"], true]), false);
    assert.equal(apply({}, ["=", ["constructor", "prototype", "polluted"], true]), false);
    apply({}, ["=", ["__proto__"], { polluted: true }]);
    assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  });
});
