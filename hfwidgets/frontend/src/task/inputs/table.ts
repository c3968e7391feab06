// A table that is edited in place, pasted from a spreadsheet, read from a file or a DataFrame.

import { h, iconButton } from "../../dom.ts";
import type { Link } from "../../link.ts";
import type { Field } from "../../protocol.ts";
import { columnsOf, rowsOf } from "../csv.ts";
import type { InputView } from "../types.ts";
import { plain } from "./frame.ts";
import { variables } from "./variables.ts";

const MOST = 200;

type Columns = Record<string, string[]>;

const EMPTY: Columns = { "column 1": [""], "column 2": [""] };

export function tableInput(link: Link, field: Field, changed: () => void): InputView {
  let names: string[] = ["column 1", "column 2"];
  let cells: string[][] = [["", ""]];
  let given: Columns | null = null;
  const table = h("table", { class: "hfw-grid" });
  const more = h("span", { class: "hfw-hint" });

  const take = (columns: Columns) => {
    names = Object.keys(columns);
    const length = Math.max(0, ...names.map((name) => columns[name]?.length ?? 0));
    cells = Array.from({ length }, (_, r) => names.map((name) => columns[name]?.[r] ?? ""));
    draw();
  };
  /** What was edited here comes back from the kernel, its numbers perhaps written otherwise. */
  const echoes = (columns: Columns) =>
    names.join("\n") === Object.keys(columns).join("\n") &&
    names.every((name, c) => {
      const there = columns[name] ?? [];
      return there.length === cells.length && there.every((text, r) => alike(text, cells[r]?.[c] ?? ""));
    });
  const edited = () => {
    draw();
    changed();
  };
  const draw = () => {
    const head = names.map((name, c) => {
      const drop = iconButton("close", `Remove column ${name}`, () => removeColumn(c));
      return h("th", { scope: "col" }, h("div", { class: "hfw-th" }, heading(name, c), names.length > 1 && drop));
    });
    const rows = cells.slice(0, MOST).map((row, r) => {
      const drop = iconButton("close", `Remove row ${r + 1}`, () => {
        cells.splice(r, 1);
        edited();
      });
      return h("tr", {}, ...row.map((text, c) => h("td", {}, cell(text, r, c))), h("td", {}, drop));
    });
    table.replaceChildren(h("thead", {}, h("tr", {}, ...head, h("td", {}))), h("tbody", {}, ...rows));
    more.textContent = cells.length > MOST ? `${MOST} of ${cells.length} rows are shown` : "";
  };
  const removeColumn = (c: number) => {
    names.splice(c, 1);
    for (const row of cells) row.splice(c, 1);
    edited();
    table.querySelector<HTMLElement>("th input")?.focus();
  };
  const box = (value: string, label: string) =>
    h("input", { class: "hfw-cell", value, "aria-label": label, size: Math.max(4, Math.min(24, value.length)) });
  const heading = (name: string, c: number) => {
    const input = box(name, `Name of column ${c + 1}`);
    input.addEventListener("change", () => {
      names[c] = unique(input.value.trim() || `column ${c + 1}`, names, c);
      edited();
    });
    return input;
  };
  const cell = (text: string, r: number, c: number) => {
    const input = box(text, `${names[c]}, row ${r + 1}`);
    input.addEventListener("change", () => {
      (cells[r] as string[])[c] = input.value;
      changed();
    });
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      input.blur();
      (table.tBodies[0]?.rows[r + 1]?.cells[c]?.firstChild as HTMLElement | null)?.focus();
    });
    input.addEventListener("paste", (event) => paste(event, r, c));
    return input;
  };
  const paste = (event: ClipboardEvent, r: number, c: number) => {
    const rows = rowsOf(event.clipboardData?.getData("text/plain") ?? "");
    if (rows.length < 2 && (rows[0]?.length ?? 0) < 2) return;
    event.preventDefault();
    if (r === 0 && c === 0 && rows.length > 1 && headed(rows)) take(columnsOf(rows));
    else {
      for (const [i, row] of rows.entries()) {
        const into = (cells[r + i] ??= names.map(() => ""));
        for (const [j, text] of row.entries()) if (c + j < names.length) into[c + j] = text;
      }
      draw();
    }
    changed();
  };

  const file = h("input", { type: "file", accept: ".csv,.tsv,.txt,text/csv", hidden: true });
  file.addEventListener("change", async () => {
    const text = await file.files?.[0]?.text();
    file.value = "";
    if (!text) return;
    take(columnsOf(rowsOf(text)));
    changed();
  });
  const button = (label: string, act: () => void) =>
    h("button", { class: "hfw-button", type: "button", onclick: act }, label);
  const pick = variables(link, field.name);
  const reset = button("Reset", () => {
    take(given ?? EMPTY);
    changed();
  });
  reset.title = "Back to the table as it was given";
  const tools = h(
    "div",
    { class: "hfw-row hfw-start" },
    button("Add row", () => {
      cells.push(names.map(() => ""));
      edited();
    }),
    button("Add column", () => {
      names.push(unique(`column ${names.length + 1}`, names, names.length));
      for (const row of cells) row.push("");
      edited();
    }),
    reset,
    button("Open CSV", () => file.click()),
    file,
    pick.node,
    more,
  );
  draw();
  return {
    node: h(
      "div",
      { class: "hfw-field", role: "group", "aria-label": field.label },
      h("span", { class: "hfw-label" }, field.label),
      h("div", { class: "hfw-scroll", tabIndex: 0, role: "region", "aria-label": `${field.label}, cells` }, table),
      tools,
    ),
    read: () => {
      const used = cells.some((row) => row.some((text) => text.trim()));
      return used ? Object.fromEntries(names.map((n, c) => [n, cells.map((row) => row[c] ?? "")])) : {};
    },
    write: (shown) => {
      const columns = plain(shown) as Columns | undefined;
      if (columns && echoes(columns)) return; // what is on the page keeps its caret
      given = columns ?? null;
      take(columns ?? EMPTY);
    },
    update: pick.update,
    focus: () => table.querySelector<HTMLElement>("td input")?.focus(),
  };
}

function alike(one: string, other: string): boolean {
  const [a, b] = [one.trim(), other.trim()];
  return a === b || (a !== "" && b !== "" && Number(a) === Number(b));
}

/** A first row without numbers names the columns. */
function headed(rows: string[][]): boolean {
  const [head = [], ...body] = rows;
  const number = (text: string) => text.trim() !== "" && !Number.isNaN(Number(text));
  return !head.some(number) && (body.some((row) => row.some(number)) || head.every((text) => text.trim()));
}

function unique(name: string, names: string[], at: number): string {
  const taken = new Set(names.filter((_, other) => other !== at));
  let found = name;
  for (let n = 2; taken.has(found); n++) found = `${name} ${n}`;
  return found;
}
