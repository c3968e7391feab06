// The panels' style sheet, shared by all of them. Every rule of it begins with a panel's class.

/** The text of the style sheet, which the build puts here. */
declare const HFW_STYLE: string;

/** A sheet serves the document that made it: panels may stand in other windows. */
const sheets = new WeakMap<Document, CSSStyleSheet>();

function sheetOf(page: Document): CSSStyleSheet {
  const known = sheets.get(page);
  if (known) return known;
  const made = new (page.defaultView ?? window).CSSStyleSheet();
  made.replaceSync(HFW_STYLE);
  sheets.set(page, made);
  return made;
}

/** Let an element's page, or the shadow root that it is shown in, have the style. */
export function adoptStyle(inside: HTMLElement): () => void {
  const adopt = () => {
    const root = inside.getRootNode();
    if (!hasStyles(root)) return;
    const sheet = sheetOf(inside.ownerDocument);
    if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
  };
  adopt();
  // Hosts may attach the element later, or move it into another root; either changes its size.
  const observer = new ResizeObserver(adopt);
  observer.observe(inside);
  return () => observer.disconnect();
}

/** True for documents and shadow roots, of whichever window. */
function hasStyles(root: Node): root is Document | ShadowRoot {
  return "adoptedStyleSheets" in root;
}
