import "./page.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Model } from "../src/link.ts";
import type { Field } from "../src/protocol.ts";

const { labelsInput } = await import("../src/task/inputs/text.ts");
const { Link } = await import("../src/link.ts");

const field: Field = { name: "labels", label: "Labels", help: "", advanced: false, control: { kind: "labellist" } };

function type(box: HTMLInputElement, text: string, key: string, isComposing = false): void {
  box.value = text;
  box.dispatchEvent(new window.KeyboardEvent("keydown", { key, isComposing, cancelable: true }));
}

describe("labels", () => {
  it("are not added by the Enter that confirms a candidate", () => {
    const view = labelsInput(field, () => undefined);
    const box = view.node.querySelector("input") as HTMLInputElement;
    type(box, "海", "Enter", true);
    assert.equal(view.node.querySelectorAll(".hfw-chip").length, 0);
    type(box, "海", "Enter");
    assert.equal(view.node.querySelectorAll(".hfw-chip").length, 1);
  });

  it("are separated by the commas of every script", () => {
    const view = labelsInput(field, () => undefined);
    const box = view.node.querySelector("input") as HTMLInputElement;
    type(box, "海，山、川,sea، جبل", "Enter");
    assert.deepEqual(view.read(), ["海", "山", "川", "sea", "جبل"]);
    assert.equal(box.dir, "auto");
  });
});

describe("a link", () => {
  const state = { status: "running", run: 1, note: "", eta: null, stopping: false, inCell: false, failure: null, stats: null };
  const doc = { state, settings: { model: "", provider: "", values: {} }, models: [] };
  const shape = { key: "k", chunks: {} };
  let receive: (...args: never[]) => void = () => undefined;
  let alive = true;
  const model: Model = {
    get: (name) => (name === "_hfw_start" ? { shape, doc } : undefined),
    set: () => undefined,
    save_changes: () => undefined,
    send: () => {
      if (!alive) throw new Error("Cannot send");
    },
    on: (name, callback) => {
      if (name === "msg:custom") receive = callback;
    },
    off: () => undefined,
  };

  it("takes messages of hosts that leave the buffers out", () => {
    const link = new Link(model);
    (receive as (message: unknown) => void)({ k: "ops", seq: 1, ops: [["=", ["state", "run"], 2]] });
    assert.equal(link.doc.state.run, 2);
    assert.ok(link.live);
    link.close();
  });

  it("knows that its kernel is gone once nothing can be sent, and that it is back", () => {
    const link = new Link(model);
    assert.ok(link.busy);
    alive = false;
    assert.equal(link.act("send", { text: "hello" }), false);
    assert.deepEqual([link.dead, link.busy], [true, false]);
    alive = true;
    assert.equal(link.act("send", { text: "hello" }), true);
    assert.equal(link.dead, false);
    link.close();
  });
});
