// Which dollar signs and backslash brackets hold a formula. Models write $$..$$, \[..\], \(..\)
// and $..$; people write "$5 and $10".

export interface Formula {
  raw: string;
  tex: string;
  display: boolean;
}

const INLINE: [RegExp, boolean][] = [
  [/^\$\$([^$]+?)\$\$/, true],
  [/^\\\[([\s\S]+?)\\\]/, true],
  [/^\\\(([\s\S]+?)\\\)/, false],
];
const DOLLAR = /^\$(?!\s)((?:\\[^\n]|[^\\$\n])+?)(?<!\s)\$(?![\d$])/;
const MONEY = /^\d[\d.,]*(?:\s*(?:[-–—]|\/|and|or|to|bis|et|y)\s*|[^=+*^_{}\\]*[a-z]{3,})/i;
const BLOCK = /^ {0,3}(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n+|$)/;
const OPENING = /^ {0,3}(?:\$\$|\\\[)/;

/** The longest text that is held back in the hope that its formula will be closed. */
export const PATIENCE = 3000;

export function inlineFormula(text: string): Formula | null {
  for (const [pattern, display] of INLINE) {
    const found = pattern.exec(text);
    if (found?.[1]?.trim()) return { raw: found[0], tex: found[1].trim(), display };
  }
  const found = DOLLAR.exec(text);
  if (!found?.[1] || MONEY.test(found[1])) return null;
  return { raw: found[0], tex: found[1], display: false };
}

export function blockFormula(text: string): Formula | null {
  const found = BLOCK.exec(text);
  const tex = (found?.[1] ?? found?.[2])?.trim();
  return found && tex ? { raw: found[0], tex, display: true } : null;
}

/** A block formula that has begun and may yet be closed by text that is still to come. */
export function openFormula(text: string): boolean {
  return OPENING.test(text) && text.length < PATIENCE && blockFormula(text) === null;
}
