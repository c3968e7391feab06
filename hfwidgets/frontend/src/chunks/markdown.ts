// Markdown to safe nodes: marked parses, raw HTML is escaped, DOMPurify keeps a short list of
// elements and attributes. Model text is untrusted: no id, style, event, data-* or remote image.

import DOMPurify from "dompurify";
import { Marked, type Token, type Tokens, type TokensList } from "marked";
import { blockFormula, type Formula, inlineFormula, openFormula } from "../text/math-delimiters.ts";

const TAGS =
  "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong sub sup " +
  "table tbody td th thead tr ul input";
const ATTRIBUTES = ["href", "title", "class", "start", "align", "type", "checked", "disabled"];
const CLASSES = /^(?:hfw-(?:math|math-block|picture)|language-[\w+#.-]{1,30})$/;
const SAFE_LINK = /^(?:https?:\/\/|mailto:)[^\s\\]+$/i;
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

let last = false;
const marked = new Marked({ gfm: true, breaks: false, async: false });
marked.use({
  renderer: {
    html: ({ text }) => escape(text),
    code: ({ text, lang }) => codeBlock(text, lang),
    image: ({ href, text, raw }) => imageLink(href, text, raw),
    link(token) {
      const href = cleanLink(token.href);
      if (href === null) return escape(token.raw);
      const title = token.title ? ` title="${escape(token.title)}"` : "";
      return `<a href="${escape(href)}"${title}>${this.parser.parseInline(token.tokens)}</a>`;
    },
    // A definition stays readable, as in the saved form: nothing may refer to it, and its address
    // may be refused.
    def: ({ raw }) => `<p>${marked.parseInline(raw.trim())}</p>`,
  },
  extensions: [
    {
      name: "formulaBlock",
      level: "block",
      start: (text) => nextBlock(text),
      tokenizer(text) {
        const found = blockFormula(text);
        if (found) return token("formulaBlock", found);
        if (!last && openFormula(text)) return { type: "formulaOpen", raw: text };
        return undefined;
      },
      renderer: ({ tex, display }) => formula(tex, display),
    },
    { name: "formulaOpen", renderer: (token) => `<p>${escape(token.raw)}</p>` },
    {
      name: "formula",
      level: "inline",
      start: (text) => next(text, /\$|\\[[(]/),
      tokenizer(text) {
        const found = inlineFormula(text);
        return found ? token("formula", found) : undefined;
      },
      renderer: ({ tex, display }) => formula(tex, display),
    },
  ],
});

DOMPurify.addHook("uponSanitizeAttribute", (node, attribute) => {
  const { attrName: name, attrValue: value } = attribute;
  if (name === "class" && !CLASSES.test(value)) attribute.keepAttr = false;
  if (name === "href") {
    const href = cleanLink(value);
    attribute.keepAttr = href !== null;
    attribute.attrValue = href ?? "";
  }
  if (node.nodeName === "INPUT" && name === "type") attribute.keepAttr = value === "checkbox";
});
DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.nodeName === "A" && node.hasAttribute("href")) {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer");
  }
  if (node.nodeName === "INPUT") node.setAttribute("disabled", "");
});

/** Split a text into block tokens. `whole` says that no more text will come. */
export function lex(text: string, whole: boolean): TokensList {
  last = whole;
  return marked.lexer(text);
}

/** Block tokens as safe nodes. */
export function render(tokens: Token[]): DocumentFragment {
  return clean(marked.parser(tokens));
}

export function clean(html: string): DocumentFragment {
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: TAGS.split(" "),
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    KEEP_CONTENT: true,
    RETURN_DOM_FRAGMENT: true,
  });
}

/** The one rule for links: an absolute http, https or mailto URL without invisible characters, or
 * null. Use what it returns: a browser may read the characters that were dropped. */
export function cleanLink(href: string): string | null {
  const cleaned = href.replace(INVISIBLE, "").trim();
  return SAFE_LINK.test(cleaned) ? cleaned : null;
}

function codeBlock(text: string, lang: string | undefined): string {
  const name = /^[\w+#.-]{1,30}/.exec(lang ?? "")?.[0];
  const known = name ? ` class="language-${name}"` : "";
  // What stands after the language, such as a file's name, is for the block's head.
  const info = lang && lang !== name ? ` title="${escape(lang)}"` : "";
  return `<pre><code${known}${info}>${escape(text)}</code></pre>`;
}

/** No image loads by itself, since its address alone could carry the conversation away. */
function imageLink(address: string, text: string, raw: string): string {
  const href = cleanLink(address);
  if (href === null) return escape(raw);
  return `<a class="hfw-picture" href="${escape(href)}">${escape(text || "image")} (${escape(host(href))})</a>`;
}

function host(href: string): string {
  try {
    return new URL(href).host;
  } catch {
    return href;
  }
}

function formula(tex: string, display: boolean): string {
  const name = display ? "hfw-math-block" : "hfw-math";
  return `<span class="${name}">${escape(tex)}</span>`;
}

function token(type: string, found: Formula): Tokens.Generic {
  return { type, ...found };
}

function next(text: string, pattern: RegExp): number | undefined {
  const at = text.search(pattern);
  return at < 0 ? undefined : at;
}

function nextBlock(text: string): number | undefined {
  const at = text.search(/\n {0,3}(?:\$\$|\\\[)/);
  return at < 0 ? undefined : at + 1;
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

export function escape(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => ENTITIES[sign] ?? sign);
}
