// The examples: pointing at one or reaching it by keyboard shows it, choosing it runs it.

import { h, icon, show } from "../dom.ts";
import type { Sample } from "./types.ts";

interface Acts {
  preview(sample: Sample): void;
  restore(): void;
  run(number: number): void;
}

/** A button for the first example and, where there are more, a menu of them all. */
export function exampleButtons(samples: Sample[], acts: Acts): HTMLElement[] {
  const [first] = samples;
  if (!first || !Object.keys(first.preview).length) return [];
  const one = h("button", { type: "button", class: "hfw-button", title: first.about }, "Try the example");
  previewing(one, first, 0, acts);
  return samples.length > 1 ? [h("span", { class: "hfw-split" }, one, ...menu(samples, acts))] : [one];
}

function previewing(button: HTMLElement, sample: Sample, number: number, acts: Acts): void {
  for (const name of ["pointerenter", "focus"]) button.addEventListener(name, () => acts.preview(sample));
  for (const name of ["pointerleave", "blur"]) button.addEventListener(name, () => acts.restore());
  button.addEventListener("click", () => acts.run(number));
}

function menu(samples: Sample[], acts: Acts): HTMLElement[] {
  const list = h("div", { class: "hfw-menu", role: "menu", "aria-label": "Examples", hidden: true });
  const opener = h(
    "button",
    { type: "button", class: "hfw-button", title: "More examples", "aria-label": "More examples", "aria-haspopup": "menu" },
    icon("more"),
  );
  const open = (shown: boolean) => {
    show(list, shown);
    opener.setAttribute("aria-expanded", String(shown));
  };
  open(false);
  const items = samples.map((sample, number) => {
    const item = h("button", { type: "button", class: "hfw-menu-item", role: "menuitem", tabIndex: -1 }, sample.about);
    previewing(item, sample, number, acts);
    item.addEventListener("click", () => open(false));
    return item;
  });
  list.append(...items);
  opener.addEventListener("click", () => {
    open(Boolean(list.hidden));
    if (!list.hidden) items[0]?.focus();
  });
  const leave = (event: FocusEvent) => {
    const to = event.relatedTarget as Node | null;
    if (!list.contains(to) && to !== opener) open(false);
  };
  list.addEventListener("focusout", leave);
  list.addEventListener("keydown", (event) => {
    const at = items.indexOf(event.target as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[(to + items.length) % items.length]?.focus();
    else if (event.key === "Escape") {
      opener.focus();
      open(false);
    }
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return [opener, list];
}
