// Close what the tail of a streamed text leaves open, so that marks do not flash up as signs.

const PAIRS = ["**", "__", "~~"];

/** The unfinished last block with its emphasis and inline code closed and half links cut off. */
export function closeMarkup(tail: string): string {
  const text = tail.replace(/!?\[[^\]\n]*(?:\]\([^)\s]*)?$/, "").replace(/[*_~]+$/, "");
  if (odd(text, "`")) return `${text}\``;
  const open = PAIRS.filter((pair) => odd(outsideCode(text), pair));
  return open.reduceRight((sum, pair) => sum.trimEnd() + pair, text);
}

function outsideCode(text: string): string {
  return text.replace(/`[^`]*`/g, "");
}

function odd(text: string, mark: string): boolean {
  return text.split(mark).length % 2 === 0;
}
