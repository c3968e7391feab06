// The notebook's own variables, offered by name where they fit an input.

import { h, show } from "../../dom.ts";
import type { Link } from "../../link.ts";

interface Named {
  name: string;
  about: string;
}

export function variables(link: Link, input: string): { node: HTMLElement; update(): void } {
  const select = h("select", { class: "hfw-input hfw-variables", "aria-label": "Use a notebook variable" });
  let drawn = "";
  const ask = () => link.act("names", { name: input });
  const draw = (found: Named[]) => {
    const first = h("option", { value: "" }, found.length ? "Variable…" : "No fitting variable");
    const rest = found.map(({ name, about }) => h("option", { value: name }, `${name} (${about})`));
    select.replaceChildren(first, ...rest);
  };
  select.addEventListener("focus", ask);
  select.addEventListener("pointerenter", ask);
  select.addEventListener("change", () => {
    if (select.value) link.act("variable", { name: input, variable: select.value });
    select.value = "";
  });
  draw([]);
  return {
    node: select,
    update: () => {
      const found = (link.doc["names"] as Record<string, Named[]>)[input];
      show(select, link.live);
      const text = JSON.stringify(found ?? []);
      if (text === drawn) return;
      drawn = text;
      draw(found ?? []);
    },
  };
}
