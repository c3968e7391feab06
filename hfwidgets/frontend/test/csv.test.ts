import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { columnsOf, rowsOf } from "../src/form/csv.ts";

describe("tables as text", () => {
  it("reads commas, semicolons and what spreadsheets copy", () => {
    const rows = [["a", "b"], ["1", "2"]];
    assert.deepEqual(rowsOf("a,b\n1,2\n"), rows);
    assert.deepEqual(rowsOf("a;b\r\n1;2"), rows);
    assert.deepEqual(rowsOf("a\tb\n1\t2"), rows);
  });

  it("reads quotes, with separators, quotes and line breaks inside", () => {
    assert.deepEqual(rowsOf('"x, y","say ""hi""","two\nlines"'), [["x, y", 'say "hi"', "two\nlines"]]);
  });

  it("keeps empty cells and makes no row of nothing", () => {
    assert.deepEqual(rowsOf("a,,c\n"), [["a", "", "c"]]);
    assert.deepEqual(rowsOf(""), []);
  });

  it("takes the first row as names and fills short rows", () => {
    assert.deepEqual(columnsOf([["a", ""], ["1"]]), { a: ["1"], "column 2": [""] });
  });
});
