// Texts: answers, summaries and translations.

import { CopyButton } from "../parts/buttons.tsx";
import { MarkdownText } from "../text/markdown-text.tsx";
import { registerView, type ViewOf } from "./registry.ts";

function TextResult({ view }: { view: ViewOf<"text"> }) {
  const { text, markdown, source = "", side_by_side } = view;
  // A text that still streams has a negative number.
  const done = (view.n ?? 0) > 0;
  return (
    <div class="hfw-text-result">
      {markdown ? (
        <MarkdownText text={text} done={done} />
      ) : (
        <div class="hfw-text hfw-answer-text" dir="auto">{text || "No text came back."}</div>
      )}
      <div class="hfw-row hfw-start">
        {/* The panel's last line copies its own result. */}
        {view.n === undefined && <CopyButton label="Copy text" text={() => text} />}
        {!markdown && <span class="hfw-hint">{measure(text, side_by_side ? "" : source)}</span>}
      </div>
    </div>
  );
}

function countWords(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}

/** How long a text is; a word or two are seen at once. */
function measure(text: string, source: string): string {
  const [count, whole] = [countWords(text), countWords(source)];
  if (count < 3) return "";
  const share = whole ? ` · ${Math.round((count / whole) * 100)}% of the ${whole} words of the input` : "";
  return `${count} words${share}`;
}

registerView("text", TextResult);
