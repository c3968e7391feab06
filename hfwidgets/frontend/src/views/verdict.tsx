// Where the results of several models differ, and which of them is better.

import type { DifferencesView, MarkedTextView } from "../document/protocol.ts";
import { Button } from "../parts/buttons.tsx";
import { ResultView } from "./result-view.tsx";

export function Differences({ differences: { summary, table, texts = [] } }: { differences: DifferencesView }) {
  return (
    <section aria-label="Differences">
      <p class="hfw-differences" dir="auto">{summary}</p>
      {table && <ResultView view={table} />}
      <div class="hfw-columns">
        {texts.map((text) => <MarkedText key={text.title} text={text} />)}
      </div>
    </section>
  );
}

/** A text with what it lacks struck out, and what only it has underlined. */
function MarkedText({ text: { title, pieces } }: { text: MarkedTextView }) {
  return (
    <figure class="hfw-part">
      <figcaption class="hfw-label">{title}</figcaption>
      <p class="hfw-marked" dir="auto">
        {pieces.map(([change, words], at) => {
          if (change === "same") return words;
          return change === "gone" ? <del key={at}>{words}</del> : <ins key={at}>{words}</ins>;
        })}
      </p>
    </figure>
  );
}

interface VoteProps {
  names: string[];
  /** The name of the model that was preferred, "same", or empty. */
  chosen: string;
  cast: (at: number | null) => void;
}

/** Buttons for "better" and "same"; the pressed one is the vote. */
export function VoteButtons({ names, chosen, cast }: VoteProps) {
  const button = (text: string, at: number | null, on: boolean) => (
    <Button key={at ?? "same"} kind="hfw-button hfw-vote" pressed={on} act={() => cast(at)}>
      {on ? `✓ ${text}` : text}
    </Button>
  );
  return (
    <div class="hfw-row hfw-votes" role="group" aria-label="Your vote">
      {names.map((name, at) => button(`${name} is better`, at, chosen === name))}
      {button("Same", null, chosen === "same")}
    </div>
  );
}
