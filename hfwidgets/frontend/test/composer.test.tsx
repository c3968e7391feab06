import { documentOf, draw, fire, Kernel, loader, perform, SHAPE } from "./page.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PanelDocument } from "../src/document/protocol.ts";

const { Connection } = await import("../src/document/connection.ts");
const { Shell } = await import("../src/shell/shell.tsx");
const { ChatPanel } = await import("../src/chat/chat-panel.tsx");

Object.assign(URL, { createObjectURL: () => "blob:x", revokeObjectURL: () => undefined });

function opened(expected: PanelDocument["expected"]) {
  const kernel = new Kernel(documentOf({ turns: [], heard: 0, taken: 0, expected: expected ?? null }), { ...SHAPE, view: "chat" });
  const link = new Connection(kernel, loader);
  const node = draw(<Shell link={link} view={ChatPanel} />);
  const box = node.querySelector<HTMLTextAreaElement>(".hfw-box");
  assert.ok(box);
  return { node, box, close: () => link.close(), all: (what: string) => [...node.querySelectorAll<HTMLElement>(what)] };
}

const image = new File(["x"], "boat.png", { type: "image/png" });

describe("images in the composer", () => {
  it("are offered where it is not known what the model reads", () => {
    const { node, box, all, close } = opened(null);
    assert.ok(node.querySelector("[aria-label='Attach images']"));
    fire(box, "paste", { clipboardData: { files: [image] } });
    assert.equal(all(".hfw-thumb").length, 1);
    close();
  });

  it("are left out with a sentence where the model reads text only, and the text stays", () => {
    const { node, box, all, close } = opened({ model: "tiny/talker", reads_images: false });
    assert.equal(node.querySelector("[aria-label='Attach images']"), null);
    assert.ok(!all("button").some(({ textContent }) => textContent?.includes("Variable")));
    perform(() => {
      box.value = "What is this?";
      fire(box, "input");
    });
    for (const [name, data] of [["paste", "clipboardData"], ["drop", "dataTransfer"]] as const) {
      fire(box, name, { [data]: { files: [image], types: ["Files"] } });
      assert.equal(all(".hfw-thumb").length, 0);
      assert.match(node.textContent ?? "", /talker reads text only, so the image was left out\./);
      assert.equal(box.value, "What is this?");
    }
    close();
  });
});

describe("the model's field", () => {
  it("names the model that will answer", () => {
    const { node, close } = opened({ model: "tiny/talker" });
    assert.equal(node.querySelector<HTMLInputElement>(".hfw-model")?.placeholder, "talker");
    close();
  });
});
