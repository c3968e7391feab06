// LaTeX to MathML, which the browser itself draws; links, images and styles in it are refused.

import temml from "temml";

const NAMED = "[id], [href], [src], [name]";

/** Draw a formula into `node`; the source stays, marked as not understood, when it is faulty. */
export function draw(node: HTMLElement, tex: string, display: boolean): void {
  try {
    temml.render(tex, node, {
      displayMode: display,
      throwOnError: true,
      trust: false,
      strict: false,
      maxExpand: 200,
      maxSize: [20, 40],
    });
    for (const part of node.querySelectorAll(NAMED)) strip(part);
  } catch {
    node.textContent = tex;
    node.classList.add("hfw-math-raw");
  }
}

function strip(part: Element): void {
  for (const name of ["id", "href", "src", "name"]) part.removeAttribute(name);
}
