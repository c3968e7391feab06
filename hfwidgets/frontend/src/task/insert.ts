// A new cell below the panel's own, where the front end lets a widget reach its notebook.

import { h, iconButton } from "../dom.ts";
import type { Link } from "../link.ts";
import type { CodeTool } from "../text/code.ts";

interface Shared {
  insertCell(at: number, cell: { cell_type: string; source: string }): unknown;
}

interface Manager {
  context?: { model?: { sharedModel?: Partial<Shared> } };
}

type Insert = (inside: HTMLElement, source: string) => void;

/** How to put a cell below the one that holds an element; null where the front end has no way. */
function inserter(link: Link): Insert | null {
  const shared = (link.manager as Manager | undefined)?.context?.model?.sharedModel;
  if (typeof shared?.insertCell !== "function") return null;
  return (inside, source) => {
    const own = inside.closest(".jp-Cell");
    const cells = [...(own?.closest(".jp-Notebook")?.querySelectorAll(".jp-Cell") ?? [])];
    shared.insertCell?.(own ? cells.indexOf(own) + 1 : 0, { cell_type: "code", source });
  };
}

export function insertBelow(link: Link, inside: HTMLElement, text: () => string): HTMLButtonElement | null {
  const insert = inserter(link);
  if (!insert) return null;
  const button = h("button", { type: "button", class: "hfw-button" }, "Insert below");
  button.addEventListener("click", () => insert(inside, text()));
  return button;
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

/** A button that makes a model's block of code a cell, which its user may then run or not. */
export function codeInserter(link: Link): CodeTool {
  const insert = inserter(link);
  return (language, code) => {
    const before = BEFORE[language.toLowerCase()];
    if (!insert || before === undefined) return null;
    const button = iconButton("plus", "Insert below as a cell", () => insert(button, before + code()));
    return button;
  };
}
