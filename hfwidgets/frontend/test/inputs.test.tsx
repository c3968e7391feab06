import { documentOf, draw, fire, Kernel, loader, SHAPE } from "./page.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Field, Form, Json, PanelDocument } from "../src/document/protocol.ts";

const { Connection } = await import("../src/document/connection.ts");
const { Shell } = await import("../src/shell/shell.tsx");
const { TaskForm } = await import("../src/form/form.tsx");
const { isSameValue } = await import("../src/form/form-state.ts");

const field = (name: string, kind: string): Field => ({ name, label: name, help: "", advanced: false, control: { kind } });

const form = (...inputs: Field[]): Form => ({
  task: "t", label: "Task", help: "", inputs, basics: [], fields: [], providers: [], unserved: [],
  empty: "Nothing.", verb: "Classify", outcome: "Labels will appear here.", tasks: [],
  examples: [{ about: "one", preview: { text: { kind: "plain", value: "the example" } } }],
});

function opened(inputs: Field[], more: Partial<PanelDocument> = {}) {
  const kernel = new Kernel(documentOf({ form: form(...inputs), inputs: {}, ...more }));
  const link = new Connection(kernel, loader);
  const node = draw(<Shell link={link} view={TaskForm} />);
  return { kernel, node, close: () => link.close(), all: (what: string) => [...node.querySelectorAll<HTMLElement>(what)] };
}

type Opened = ReturnType<typeof opened>;

function type(box: HTMLInputElement | HTMLTextAreaElement | null, text: string): void {
  assert.ok(box);
  box.value = text;
  fire(box, "input");
}

/** What the last message of a kind said. */
function last({ kernel }: Opened, name: string): Record<string, Json> | undefined {
  const found = kernel.said.findLast((one) => typeof one === "object" && one !== null && Reflect.get(one, "do") === name);
  return found as Record<string, Json> | undefined;
}

describe("labels", () => {
  const labels = [field("labels", "labellist")];

  it("are not added by the Enter that confirms a candidate", () => {
    const panel = opened(labels);
    const box = panel.node.querySelector<HTMLInputElement>(".hfw-chip-box");
    type(box, "海");
    fire(box, "keydown", { key: "Enter", isComposing: true });
    assert.equal(panel.all(".hfw-chip").length, 0);
    fire(box, "keydown", { key: "Enter" });
    assert.equal(panel.all(".hfw-chip").length, 1);
    panel.close();
  });

  it("are separated by the commas of every script", () => {
    const panel = opened(labels);
    const box = panel.node.querySelector<HTMLInputElement>(".hfw-chip-box");
    type(box, "海，山、川,sea، جبل");
    fire(box, "keydown", { key: "Enter" });
    assert.deepEqual(last(panel, "inputs")?.["inputs"], { labels: ["海", "山", "川", "sea", "جبل"] });
    assert.equal(box?.dir, "auto");
    panel.close();
  });

  it("count what is typed and not a chip yet", () => {
    const panel = opened(labels);
    type(panel.node.querySelector<HTMLInputElement>(".hfw-chip-box"), "calm");
    assert.equal(panel.all(".hfw-chip").length, 0);
    fire(panel.node.querySelector(".hfw-run"), "click");
    assert.deepEqual(last(panel, "run")?.["inputs"], { labels: ["calm"] });
    panel.close();
  });
});

describe("a form", () => {
  const text = [field("text", "textbox")];
  const box = ({ node }: Opened) => node.querySelector<HTMLTextAreaElement>(".hfw-inputs textarea");

  it("shows the example as placeholder, what it does on its button, and what will stand in the result's place", () => {
    const panel = opened(text);
    assert.equal(box(panel)?.placeholder, "the example");
    assert.match(panel.node.querySelector(".hfw-run")?.textContent ?? "", /^Classify/);
    assert.equal(panel.node.querySelector(".hfw-outcome")?.textContent, "Labels will appear here.");
    panel.close();
  });

  it("previews an example that is pointed at, and gives back what was typed", () => {
    const panel = opened(text);
    type(box(panel), "my words");
    fire(panel.node.querySelector(".hfw-example"), "focus");
    assert.equal(box(panel)?.value, "the example");
    fire(panel.node.querySelector(".hfw-example"), "blur");
    assert.equal(box(panel)?.value, "my words");
    panel.close();
  });

  it("keeps what was typed until the kernel holds it", () => {
    const panel = opened(text);
    type(box(panel), "my words");
    fire(box(panel), "change");
    const n = Number(last(panel, "inputs")?.["n"]);
    panel.kernel.receive({ k: "ops", seq: 1, ops: [["=", ["sent"], "something else"]] });
    assert.equal(box(panel)?.value, "my words");
    panel.kernel.receive({ k: "ops", seq: 2, ops: [["=", ["inputs", "text"], { kind: "plain", value: "their words" }], ["=", ["heard"], n]] });
    assert.equal(box(panel)?.value, "their words");
    panel.close();
  });

  it("marks a result whose input has changed since, and no other", () => {
    const value = { kind: "plain", value: "old" };
    const result = { kind: "bars" as const, n: 1, rows: [{ label: "calm", score: 1 }] };
    const panel = opened(text, { result, inputs: { text: value }, answered: { text: value } });
    assert.equal(panel.all(".hfw-stale-note").length, 0);
    type(box(panel), "new");
    assert.equal(panel.node.querySelector(".hfw-stale-note")?.textContent, "From the previous input");
    assert.equal(panel.all(".hfw-view.hfw-stale").length, 1);
    type(box(panel), "old");
    assert.equal(panel.all(".hfw-stale-note").length, 0);
    panel.close();
  });

  it("turns its button to Stop while it runs", () => {
    const panel = opened(text);
    const before = panel.node.querySelector(".hfw-run");
    panel.kernel.receive({ k: "ops", seq: 1, ops: [["=", ["state", "status"], "running"]] });
    const after = panel.node.querySelector(".hfw-run");
    assert.equal(after?.textContent, "Stop");
    assert.equal(after, before, "the focus stays on it");
    panel.close();
  });

  it("tells values apart as a reader does", () => {
    assert.ok(isSameValue({ a: ["1e3", "x"] }, { a: ["1000.0", "x"] }));
    assert.ok(isSameValue("", null) && isSameValue([], null) && isSameValue({}, null));
    assert.ok(!isSameValue(["a"], ["b"]) && !isSameValue(["a"], null) && !isSameValue("a", "b"));
  });
});

describe("parameters", () => {
  const parameter = (kind: string, more: Partial<Field> = {}): Field => ({ ...field("p", kind), ...more });
  const drawn = (one: Field) => {
    const kernel = new Kernel(documentOf({ form: null }), { ...SHAPE, fields: [one] });
    const link = new Connection(kernel, loader);
    const node = draw(<Shell link={link} view={TaskForm} />);
    return { kernel, node, close: () => link.close() };
  };

  it("are empty with the known value as placeholder while they are not set", () => {
    const { node, close } = drawn(parameter("number", { default: 0.5 }));
    const box = node.querySelector<HTMLInputElement>(".hfw-drawer input");
    assert.deepEqual([box?.value, box?.placeholder], ["", "0.5"]);
    assert.doesNotMatch(node.textContent ?? "", /default/);
    close();
  });

  it("that are yes or no have a third state, in which nothing is sent", () => {
    const { kernel, node, close } = drawn(parameter("checkbox"));
    const box = node.querySelector<HTMLInputElement>(".hfw-drawer input");
    assert.ok(box?.indeterminate);
    const sent = () => (kernel.said.at(-1) as { values: Json }).values;
    for (const next of [true, false, null]) {
      fire(box, "change");
      assert.deepEqual(sent(), { p: next });
    }
    assert.ok(box.indeterminate);
    close();
  });
});

describe("a connection", () => {
  it("takes messages of hosts that leave the buffers out", () => {
    const kernel = new Kernel(documentOf({ state: { status: "running" } }));
    const link = new Connection(kernel, loader);
    kernel.receive({ k: "ops", seq: 1, ops: [["=", ["state", "run"], 2]] });
    assert.equal(link.part("state").run, 2);
    assert.ok(link.live.value);
    link.close();
  });

  it("notices that its kernel is gone once nothing can be sent, and that it is back", () => {
    const kernel = new Kernel(documentOf({ state: { status: "running" } }));
    const link = new Connection(kernel, loader);
    assert.ok(link.busy.value);
    kernel.alive = false;
    assert.equal(link.act("send", { text: "hello" }), false);
    assert.deepEqual([link.dead.value, link.busy.value], [true, false]);
    kernel.alive = true;
    assert.equal(link.act("send", { text: "hello" }), true);
    assert.equal(link.dead.value, false);
    link.close();
  });
});
