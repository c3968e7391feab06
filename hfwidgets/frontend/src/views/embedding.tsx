// Embeddings: shape, type and norm, a strip of the first numbers, and how similar several are.

import { Facts } from "../parts/facts.tsx";
import { numberColor } from "./colors.ts";
import { Likeness } from "./likeness.tsx";
import { registerView, type ViewOf } from "./registry.ts";

function Embedding({ view }: { view: ViewOf<"embedding"> }) {
  const { strip, matrix } = view;
  const facts: [string, string][] = [
    ["Shape", view.shape.join(" × ")],
    ["Type", view.dtype],
    ["Norm", view.norm.toFixed(4)],
    ["Range", `${view.low.toFixed(3)} to ${view.high.toFixed(3)}`],
  ];
  return (
    <div>
      <Facts rows={facts} />
      <Strip numbers={strip} />
      <div class="hfw-hint">{`The first ${strip.length} numbers; blue is below zero, orange above.`}</div>
      {matrix && (
        <>
          <div class="hfw-label">Cosine similarity</div>
          <Likeness matrix={matrix} />
        </>
      )}
    </div>
  );
}

/** A colored cell per number. */
function Strip({ numbers }: { numbers: number[] }) {
  const most = Math.max(...numbers.map(Math.abs));
  return (
    <div
      class="hfw-heat hfw-strip"
      role="img"
      aria-label={`The first ${numbers.length} numbers as colors`}
      style={{ gridTemplateColumns: `repeat(${numbers.length || 1}, minmax(0, 1fr))` }}
    >
      {numbers.map((value, at) => (
        <i key={at} title={String(value)} style={{ background: numberColor(value, most) }} />
      ))}
    </div>
  );
}

registerView("embedding", Embedding);
