import { documentOf, draw, Kernel, loader, perform } from "./page.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ErrorCard } from "../src/document/protocol.ts";

const { Connection } = await import("../src/document/connection.ts");
const { Shell } = await import("../src/shell/shell.tsx");
const { FailureCard } = await import("../src/shell/failure-card.tsx");

/** A panel that has failed, and what it says to its kernel. */
function failed(failure: ErrorCard) {
  const kernel = new Kernel(documentOf({ state: { status: "failed", failure } }));
  const link = new Connection(kernel, loader);
  const node = draw(<Shell link={link} view={FailureCard} />);
  return { node, said: kernel.said, close: () => link.close() };
}

const button = (node: HTMLElement, text: RegExp) =>
  [...node.querySelectorAll("button")].find((one) => text.test(one.textContent ?? ""));

describe("a failure", () => {
  it("offers the set that brings missing weights", () => {
    const text = "The weights are not installed.";
    const action = { name: "install_set", label: "Install the full set", arguments: { set: "full" } };
    const { node, said, close } = failed({ title: "Not served", text, action });
    assert.ok(node.querySelector(".hfw-failure")?.textContent?.includes(text));
    perform(() => button(node, /^Install the full set$/)?.click());
    assert.deepEqual(said.at(-1), { k: "do", do: "install", name: "full" });
    close();
  });

  it("offers another try where it can help, and nothing where nothing can", () => {
    const again = failed({ title: "Broken", text: "No.", action: { name: "retry", label: "Try again" } });
    perform(() => button(again.node, /^Try again$/)?.click());
    assert.deepEqual(again.said.at(-1), { k: "do", do: "retry" });
    again.close();
    const refused = failed({ title: "Refused", text: "No." });
    assert.equal(refused.node.querySelector(".hfw-act"), null);
    assert.equal(refused.node.querySelector(".hfw-key"), null);
    refused.close();
  });

  it("runs locally with one button, and then repeats what failed", () => {
    const { node, said, close } = failed({ title: "No", text: "No.", action: { name: "run_locally", label: "Run locally" } });
    perform(() => button(node, /^Run locally$/)?.click());
    assert.deepEqual(said.slice(-2), [
      { k: "do", do: "set", provider: "local", model: "" },
      { k: "do", do: "retry" },
    ]);
    close();
  });

  it("opens pages of services only", () => {
    const page = (url: string) => failed({ title: "No", text: "No.", action: { name: "open_url", label: "Open", arguments: { url } } });
    const { node, close } = page("https://huggingface.co/settings");
    assert.equal(node.querySelector("a")?.rel, "noopener noreferrer");
    close();
    const evil = page("javascript:alert(1)");
    assert.equal(evil.node.querySelector("a"), null);
    evil.close();
  });
});
