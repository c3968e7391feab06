import { documentOf, draw, fire, Kernel, loader, perform, SHAPE } from "./page.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";

const { Connection } = await import("../src/document/connection.ts");
const { PanelContext } = await import("../src/parts/panel.ts");
const { isComposing } = await import("../src/parts/composing.ts");
const { listStats } = await import("../src/parts/describe.ts");
const { AudioPlayer } = await import("../src/audio/audio-player.tsx");
const { Player } = await import("../src/audio/player.ts");
const { JsonTree } = await import("../src/shell/json-tree.tsx");
const { ChatPanel } = await import("../src/chat/chat-panel.tsx");
const { ToolDrawer } = await import("../src/shell/tools.tsx");
const { Shell } = await import("../src/shell/shell.tsx");
const { ResultView } = await import("../src/views/result-view.tsx");
await import("../src/views/all.ts");

const link = new Connection(new Kernel(documentOf({}), SHAPE), loader);
link.close();
const inPanel = (children: preact.ComponentChildren) =>
  draw(<PanelContext.Provider value={{ link, announce: () => undefined }}>{children}</PanelContext.Provider>);

describe("JSON", () => {
  const value = [{ label: "calm", score: 0.75, tags: [], last: null }, { numbers: Array.from({ length: 130 }, (_, at) => at) }];
  const node = draw(<JsonTree value={value} />);
  const folds = () => [...node.querySelectorAll("details")];

  it("is open where it is short, and folded where it is long", () => {
    assert.deepEqual(folds().map(({ open }) => open), [true, true, true, true, false]);
    assert.match(node.textContent ?? "", /0: \{4 fields\}"label": "calm""score": 0\.75"tags": \[0 items\]"last": null/);
    assert.match(node.textContent ?? "", /"numbers": \[130 items\]$/);
  });

  it("draws a long list in steps once it is opened", () => {
    const fold = folds().at(-1);
    assert.ok(fold);
    perform(() => (fold.open = true));
    fire(fold, "toggle");
    assert.equal(fold.querySelectorAll("li").length, 101);
    const more = fold.querySelector("button");
    assert.equal(more?.textContent, "Show 30 more");
    fire(more, "click");
    assert.equal(fold.querySelectorAll("li").length, 130);
    assert.equal(fold.querySelector("button"), null);
  });
});

describe("an audio player", () => {
  const opened = (seconds: number) => {
    const player = new Player(new Promise(() => undefined), { seconds });
    const node = inPanel(<AudioPlayer player={player} label="Tone" />);
    const [audio, bar, speed] = [node.querySelector("audio"), node.querySelector("[role=slider]"), node.querySelector("select")];
    assert.ok(audio && bar && speed);
    Object.assign(audio, { pause: () => undefined });
    return { player, audio, bar, speed };
  };

  it("moves by 5 seconds with the arrow keys, and by a quarter of short audio", () => {
    for (const [seconds, step] of [[60, 5], [8, 2]] as const) {
      const { player, bar } = opened(seconds);
      const press = (key: string) => (fire(bar, "keydown", { key }), player.time.value);
      assert.deepEqual([press("ArrowRight"), press("ArrowUp"), press("ArrowLeft")], [step, 2 * step, step]);
      assert.deepEqual([press("End"), press("Home"), press("ArrowDown")], [seconds, 0, 0]);
    }
  });

  it("plays at another speed", () => {
    const { audio, speed } = opened(60);
    assert.deepEqual([...speed.options].map(({ text }) => text), ["0.5×", "0.75×", "1×", "1.25×", "1.5×", "2×"]);
    assert.equal(speed.value, "1");
    speed.value = "1.5";
    fire(speed, "change");
    assert.deepEqual([audio.playbackRate, audio.defaultPlaybackRate], [1.5, 1.5]);
  });
});

describe("tools of a result", () => {
  it("say that the kernel was restarted in place of waiting for it", () => {
    const kernel = new Kernel(documentOf({ result: { kind: "text", text: "Hi", n: 1, raw: "r" } }), SHAPE);
    const dead = new Connection(kernel, loader);
    kernel.alive = false;
    for (const tool of ["code", "raw"] as const) {
      const node = draw(<PanelContext.Provider value={{ link: dead, announce: () => undefined }}><ToolDrawer tool={tool} /></PanelContext.Provider>);
      assert.match(node.textContent ?? "", /The kernel was restarted\. Run this cell again\./);
    }
    dead.close();
  });
});

describe("panels of one page", () => {
  it("share no ids, so that a label names its own panel's control", () => {
    const field = { name: "seed", label: "Seed", help: "", advanced: false, control: { kind: "number" } };
    const shape = { ...SHAPE, view: "chat", fields: [field] };
    const links = [1, 2].map(() => new Connection(new Kernel(documentOf({ turns: [], heard: 0, taken: 0 }), shape), loader));
    const nodes = links.map((one) => draw(<Shell link={one} view={ChatPanel} />));
    for (const one of links) one.close();
    const ids = nodes.flatMap((node) => [...node.querySelectorAll("[id]")].map(({ id }) => id));
    assert.ok(ids.length >= 4);
    assert.equal(new Set(ids).size, ids.length);
    for (const node of nodes) {
      for (const label of node.querySelectorAll("label")) assert.ok(!label.control || node.contains(label.control));
    }
  });
});

describe("scores", () => {
  const show = (...labels: string[]) => inPanel(<ResultView view={{ kind: "bars", rows: labels.map((label) => ({ label, score: 0.9 })) }} />);

  it("stand below labels that are too long to stand next to", () => {
    assert.ok(show("calm", "The boat departs at twelve o'clock.").querySelector(".hfw-long"));
    assert.equal(show("calm", "rough").querySelector(".hfw-long"), null);
  });

  it("are not repeated where there is one", () => {
    assert.equal(show("calm").textContent, "calm90%");
  });
});

describe("tables", () => {
  it("align a column's title with its numbers, and a number among texts with them", () => {
    const columns = { age: ["59", "", "4.5"], note: ["7", "none", ""] };
    const node = inPanel(<ResultView view={{ kind: "table", columns }} />);
    assert.deepEqual([...node.querySelectorAll(".hfw-number")].map(({ textContent }) => textContent), ["age", "59", "", "4.5"]);
  });
});

describe("keys of an input method", () => {
  it("are told in Safari too, where the composition has ended before", () => {
    const key = (more: object) => isComposing({ isComposing: false, keyCode: 13, ...more } as KeyboardEvent);
    assert.deepEqual([key({}), key({ isComposing: true }), key({ keyCode: 229 })], [false, true, true]);
  });
});

describe("numbers", () => {
  it("have separators between thousands", () => {
    const stats = { model: null, provider: null, seconds: null, first: null, server: null, counted: false, cached: null, cost: null, finish: null, recorded: null };
    assert.deepEqual(listStats({ ...stats, rate: 23216.4, prompt: 1, completion: 4096 }), [["Speed", "23,216 tokens/s"], ["Tokens", "1 + 4,096 tokens"]]);
    assert.deepEqual(listStats({ ...stats, rate: 4.25, prompt: null, completion: 1 }), [["Speed", "4.3 tokens/s"], ["Tokens", "1 token"]]);
  });
});
