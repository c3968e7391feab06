import "./page.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Link, Model } from "../src/link.ts";
import type { Failure } from "../src/protocol.ts";

Object.assign(globalThis, { requestAnimationFrame: () => 0, cancelAnimationFrame: () => undefined });
const { Link: Line } = await import("../src/link.ts");
const { Shell } = await import("../src/shell.ts");
const { register } = await import("../src/view.ts");
const empty = () => document.createElement("div");
register("empty", () => ({
  body: empty(),
  input: empty(),
  actions: [],
  update: () => undefined,
  focus: () => undefined,
}));

const shape = {
  key: "k",
  task: "text-classification",
  label: "Text classification",
  help: "",
  view: "empty",
  fields: [],
  starters: [],
  providers: [],
  served: { label: "local", fixed: false },
  chunks: {},
};

/** A panel that has failed, and what it says to its kernel. */
function failed(failure: Failure): { node: HTMLElement; said: unknown[]; close: () => void } {
  const state = {
    status: "failed",
    run: 1,
    note: "",
    eta: null,
    stopping: false,
    inCell: false,
    failure,
    stats: null,
  };
  const doc = { state, settings: { model: "", provider: "", values: {} }, models: [] };
  const said: unknown[] = [];
  const model: Model = {
    get: (name) => (name === "_hfw_start" ? { shape, doc } : undefined),
    set: () => undefined,
    save_changes: () => undefined,
    send: (content) => said.push(content),
    on: () => undefined,
    off: () => undefined,
  };
  const link: Link = new Line(model);
  const shell = new Shell(link);
  const close = () => {
    shell.close();
    link.close();
  };
  return { node: shell.node, said, close };
}

const button = (node: HTMLElement, text: RegExp) =>
  [...node.querySelectorAll("button")].find((one) => text.test(one.textContent ?? ""));

describe("a failure", () => {
  it("offers the set that brings missing weights", () => {
    const text = "The weights are not installed.";
    const { node, said, close } = failed({ title: "Not served", text, wants: "weights", set: "full" });
    assert.ok(node.querySelector(".hfw-failure")?.textContent?.includes(text));
    const install = button(node, /^Install the full set$/);
    assert.equal(install?.hidden, false);
    install?.click();
    assert.deepEqual(said.at(-1), { k: "do", do: "install", name: "full" });
    close();
  });

  it("offers no weights and asks for no key when neither would help", () => {
    const { node, said, close } = failed({ title: "Refused", text: "No.", wants: "" });
    assert.equal(button(node, /^Install/)?.hidden, true);
    assert.equal(node.querySelector<HTMLElement>(".hfw-key")?.hidden, true);
    button(node, /^Try again$/)?.click();
    assert.deepEqual(said.at(-1), { k: "do", do: "retry" });
    close();
  });
});
