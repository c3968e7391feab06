// A new cell below the panel's own, where the front end lets a widget reach its notebook.

import { h } from "../dom.ts";
import type { Link } from "../link.ts";

interface Shared {
  insertCell(at: number, cell: { cell_type: string; source: string }): unknown;
}

interface Manager {
  context?: { model?: { sharedModel?: Partial<Shared> } };
}

export function insertBelow(link: Link, inside: HTMLElement, text: () => string): HTMLButtonElement | null {
  const shared = (link.manager as Manager | undefined)?.context?.model?.sharedModel;
  if (typeof shared?.insertCell !== "function") return null;
  const button = h("button", { type: "button", class: "hfw-button" }, "Insert below");
  button.addEventListener("click", () => {
    const cells = [...document.querySelectorAll(".jp-Notebook .jp-Cell")];
    const own = inside.closest(".jp-Cell");
    const at = own ? cells.indexOf(own) : cells.length - 1;
    shared.insertCell?.(at + 1, { cell_type: "code", source: text() });
  });
  return button;
}
