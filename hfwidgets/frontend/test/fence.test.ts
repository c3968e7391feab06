import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fence } from "../src/text/fence.ts";
import { closeMarkup } from "../src/text/close-markup.ts";

/** Feed a text letter by letter and return the code at the end and where the fence closed. */
function feed(text: string): { code: string; end: number | null; shown: string[] } {
  const fence = Fence.open(text);
  assert.ok(fence);
  const shown: string[] = [];
  let end: number | null = null;
  for (let i = fence.from; i <= text.length && end === null; i++) {
    const read = fence.read(text.slice(0, i), i === text.length);
    shown.push(text.slice(fence.from, read.code));
    end = read.end;
  }
  return { code: shown.at(-1) ?? "", end, shown };
}

describe("open fences", () => {
  it("ends at its own kind of marks", () => {
    const text = "```py\nx = '~~~'\n~~~\n````\nafter";
    const { code, end } = feed(text);
    assert.equal(code, "x = '~~~'\n~~~\n");
    assert.equal(text.slice(end ?? 0), "after");
  });

  it("keeps shorter marks inside a longer fence", () => {
    assert.equal(feed("````md\n```\ninner\n```\n````\n").code, "```\ninner\n```\n");
  });

  it("shows only what is surely code, and never takes it back", () => {
    const { shown } = feed("```\na``\n``b\n```\n");
    assert.ok(shown.every((now, i) => now.startsWith(shown[i - 1] ?? "")));
    assert.ok(!shown.some((now) => now.endsWith("\n```")));
  });

  it("takes all when the text ends without closing", () => {
    assert.equal(feed("```js\nlet a = 1").code, "let a = 1");
  });

  it("needs a whole first line", () => assert.equal(Fence.open("```py"), null));
});

describe("unfinished tails", () => {
  for (const [text, wanted] of [
    ["some **bold", "some **bold**"],
    ["some `co", "some `co`"],
    ["see [the lin", "see "],
    ["see [the link](https://exa", "see "],
    ["see [the link](https://a.b)", "see [the link](https://a.b)"],
    ["a **b** c", "a **b** c"],
    ["`**` x", "`**` x"],
    ["plain", "plain"],
  ] as const) {
    it(`closes ${text}`, () => assert.equal(closeMarkup(text), wanted));
  }
});
