import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { blockFormula, inlineFormula, openFormula, PATIENCE } from "../src/text/math-delimiters.ts";

describe("formulas", () => {
  for (const [text, tex, display] of [
    ["$x^2$ and", "x^2", false],
    ["\\(a+b\\) and", "a+b", false],
    ["\\[a\\]", "a", true],
    ["$$E=mc^2$$", "E=mc^2", true],
    ["$5x + 3 = 0$", "5x + 3 = 0", false],
    ["$\\$5$", "\\$5", false],
  ] as const) {
    it(`reads ${text}`, () => {
      const found = inlineFormula(text);
      assert.equal(found?.tex, tex);
      assert.equal(found?.display, display);
    });
  }

  for (const text of [
    "$5 and $10",
    "$5-$10 a day",
    "$5 or 6$ maybe",
    "$1,000 in cash and 2$",
    "$ x$",
    "$x $",
    "$x$5",
    "$",
    "$100",
    "\\(\\)",
  ]) {
    it(`leaves ${text} alone`, () => assert.equal(inlineFormula(text), null));
  }

  it("reads blocks over several lines, blank ones too", () => {
    assert.equal(blockFormula("$$\na\n\nb\n$$\nrest")?.tex, "a\n\nb");
    assert.equal(blockFormula("\\[\na\n\\]")?.tex, "a");
    assert.equal(blockFormula("$$a$$ and text"), null);
  });

  it("waits for a block's end, but not for ever", () => {
    assert.ok(openFormula("$$\na + b"));
    assert.equal(openFormula("$$\na\n$$"), false);
    assert.equal(openFormula(`$$${"a".repeat(PATIENCE)}`), false);
  });
});
