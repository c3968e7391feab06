import "./page.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LazyModules } from "../src/document/lazy-modules.ts";

const { StreamedText } = await import("../src/text/streamed.ts");
const modules: Record<string, unknown> = {
  markdown: await import("../src/chunks/markdown.ts"),
  highlight: { highlight: () => null },
  math: { draw: (node: HTMLElement, tex: string) => (node.textContent = `[${tex}]`) },
};
const chunks = {
  now: (name: string) => modules[name],
  get: (name: string) => Promise.resolve(modules[name]),
} as unknown as LazyModules;

const SAMPLE = [
  "# Title\n\nA *paragraph* with `code` and $5.\n\n",
  "- one\n- two\n  - deep\n\n3. three\n\n",
  "```python\nx = 1\n\n# two ```\ny = 2\n```\n\n",
  "| a | b |\n|---|---|\n| 1 | 2 |\n\n",
  "$$\na\n\n+ b\n$$\n\nText \\(c\\).\n\n> quote\n> more\n\nlast line",
].join("");

/** The text with what differs by design between streamed and whole rendering left out. */
function seen(node: Element): string {
  return node.innerHTML.replace(/<div class="hfw-tail[^"]*">(.*?)<\/div>$/s, "$1");
}

async function settled(text: InstanceType<typeof StreamedText>, source: string): Promise<void> {
  while (!text.update(source, true)) await new Promise((next) => setTimeout(next, 5));
  await new Promise((next) => setTimeout(next, 5));
}

async function whole(source: string): Promise<string> {
  const text = new StreamedText(chunks);
  await settled(text, source);
  return seen(text.node);
}

describe("streamed text", () => {
  for (const step of [1, 3, 7, 64]) {
    it(`ends as if it had come whole, ${step} letters at a time`, async () => {
      const text = new StreamedText(chunks);
      for (let i = step; i < SAMPLE.length; i += step) text.update(SAMPLE.slice(0, i), false);
      await settled(text, SAMPLE);
      assert.equal(seen(text.node), await whole(SAMPLE));
    });
  }

  it("never touches a finished block again", async () => {
    const text = new StreamedText(chunks);
    while (!text.update("First.\n\nSecond.\n\nThi", false)) {
      if (text.node.querySelectorAll("p").length >= 3) break;
      await new Promise((next) => setTimeout(next, 5));
    }
    const first = text.node.querySelector("p");
    await settled(text, "First.\n\nSecond.\n\nThird.");
    assert.equal(text.node.querySelector("p"), first);
  });

  it("appends to an open fence instead of rendering it again", () => {
    const text = new StreamedText(chunks);
    text.update("```py\na = 1\n", false);
    const code = text.node.querySelector("pre code");
    const leaf = code?.firstChild;
    text.update("```py\na = 1\nb = 2\n", false);
    assert.equal(text.node.querySelector("pre code"), code);
    assert.equal(code?.firstChild, leaf);
    assert.equal(code?.textContent, "a = 1\nb = 2\n");
  });

  it("cuts long code into nodes that stay small", async () => {
    const text = new StreamedText(chunks);
    const source = `\`\`\`\n${"abcdefg\n".repeat(4000)}`;
    const shown = () => text.node.querySelector("pre code")?.textContent;
    text.update(source, false);
    // A busy machine draws it in several steps.
    for (let step = 0; !shown() && step < 1000; step++) await new Promise((next) => setTimeout(next, 5));
    assert.equal(shown(), "abcdefg\n".repeat(4000));
    const code = text.node.querySelector("pre code");
    for (const node of code?.childNodes ?? []) assert.ok((node.textContent ?? "").length <= 8192);
  });

  it("shows what stands after a code's language", async () => {
    for (const source of ['```py title="a.py"\nx\n```\n', '```py title="a.py"\nx']) {
      const text = new StreamedText(chunks);
      text.update(source.slice(0, 21), false);
      await settled(text, source);
      assert.equal(text.node.querySelector(".hfw-code-head span")?.textContent, 'py title="a.py"');
    }
  });

  it("resolves references that are defined at the end", async () => {
    const html = await whole("See [the site][1].\n\nMore.\n\n[1]: https://example.org\n");
    assert.match(html, /href="https:\/\/example\.org"/);
  });

  it("starts over when the text was replaced", async () => {
    const text = new StreamedText(chunks);
    await settled(text, "Old answer.");
    await settled(text, "New one.");
    assert.equal(text.node.textContent?.trim(), "New one.");
  });

  it("reads text with carriage returns", async () => {
    assert.equal(await whole("a\r\n\r\nb\r\n"), await whole("a\n\nb\n"));
  });

  it("stands as plain text until the Markdown chunk is there", async () => {
    let ready = false;
    const late = { ...chunks, now: (n: string) => (ready ? modules[n] : undefined) };
    const text = new StreamedText(late as unknown as LazyModules);
    text.update("**bold**", true);
    assert.equal(text.node.textContent, "**bold**");
    ready = true;
    await settled(text, "**bold**");
    assert.equal(text.node.querySelector("strong")?.textContent, "bold");
  });
});
