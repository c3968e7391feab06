// Code in colors: lowlight gives a tree, which becomes nodes without passing through HTML.

import { common, createLowlight } from "lowlight";

interface Leaf {
  type: string;
  value?: string;
  properties?: { className?: unknown };
  children?: Leaf[];
}

const lowlight = createLowlight(common);

/** The code's nodes, or null when the language is not known. */
export function highlight(code: string, language: string): DocumentFragment | null {
  const name = language.toLowerCase();
  if (!lowlight.registered(name)) return null;
  const tree = document.createDocumentFragment();
  grow(tree, lowlight.highlight(name, code).children as Leaf[]);
  return tree;
}

function grow(parent: Node, leaves: Leaf[]): void {
  for (const leaf of leaves) {
    if (leaf.type === "text") {
      parent.appendChild(document.createTextNode(leaf.value ?? ""));
      continue;
    }
    const span = document.createElement("span");
    const names = leaf.properties?.className;
    span.className = Array.isArray(names) ? names.join(" ") : "";
    grow(span, leaf.children ?? []);
    parent.appendChild(span);
  }
}
