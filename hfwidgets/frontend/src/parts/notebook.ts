// A new cell below the panel's own, where the front end lets a widget reach its notebook.

import type { Connection } from "../document/connection.ts";

type Insert = (inside: Element, source: string) => void;

function property(value: unknown, ...path: string[]): unknown {
  let found = value;
  for (const name of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = Reflect.get(found, name);
  }
  return found;
}

/** How to put a cell below the one that holds an element; null where the front end has no way. */
export function cellInserter(link: Connection): Insert | null {
  const shared = property(link.manager, "context", "model", "sharedModel");
  const insert = property(shared, "insertCell");
  if (typeof insert !== "function") return null;
  return (inside, source) => {
    const own = inside.closest(".jp-Cell");
    const cells = [...(own?.closest(".jp-Notebook")?.querySelectorAll(".jp-Cell") ?? [])];
    insert.call(shared, own ? cells.indexOf(own) + 1 : 0, { cell_type: "code", source });
  };
}

/** What a cell needs before code of a language; languages that no cell runs have none. */
const BEFORE: Record<string, string> = {
  "": "",
  python: "",
  py: "",
  ipython: "",
  bash: "%%bash\n",
  sh: "%%bash\n",
  html: "%%html\n",
  javascript: "%%javascript\n",
  js: "%%javascript\n",
};

/** Makes a model's block of code a cell, which its user may then run or not. */
export type CodeInserter = (language: string) => ((inside: Element, code: string) => void) | null;

export function codeInserter(link: Connection): CodeInserter {
  const insert = cellInserter(link);
  return (language) => {
    const before = BEFORE[language.toLowerCase()];
    if (!insert || before === undefined) return null;
    return (inside, code) => insert(inside, before + code);
  };
}
