// A page for the tests: import this before anything that touches the DOM.

import { JSDOM } from "jsdom";

const { window } = new JSDOM("<!doctype html><body></body>", { pretendToBeVisual: true });
const names = ["window", "document", "Node", "Text", "HTMLElement", "Element", "DocumentFragment"];
for (const name of names) {
  Object.defineProperty(globalThis, name, {
    value: name === "window" ? window : window[name as keyof typeof window],
    configurable: true,
  });
}

/** Everything in the subtree that could act: handlers, styles, ids, scripts, frames, pictures. */
export function dangers(root: ParentNode): string[] {
  const found: string[] = [];
  for (const node of root.querySelectorAll("*")) {
    const name = node.nodeName.toLowerCase();
    if (/^(script|iframe|object|embed|img|svg|style|form|base|meta|link|video|audio)$/.test(name)) {
      found.push(name);
    }
    for (const { name: key, value } of node.attributes) {
      const acts = /^(on|data-|style$|id$|name$|src|srcset|formaction)/.test(key);
      const scheme = key === "href" && !/^(https?:|mailto:)/i.test(value);
      if (acts || scheme) found.push(`${name}[${key}=${value}]`);
    }
  }
  return found;
}
