// Which of the data's labels each word of a model counts as, and a choice of another one.

import { useState } from "preact/hooks";
import type { LabelMapping, LabelMatch } from "../document/protocol.ts";
import { usePanel } from "../parts/panel.ts";

export function LabelMappings({ mappings }: { mappings: LabelMapping[] }) {
  const used = mappings.filter(({ words }) => words.length > 0);
  const lost = used.flatMap(({ words }) => words).filter(({ label }) => label === null).length;
  // At the start only: folding it after the last choice would take the focus away.
  const [isOpen] = useState(lost > 0);
  if (used.length === 0) return null;
  return (
    <details class="hfw-more" open={isOpen}>
      <summary>{lost > 0 ? `Label mapping (${lost} without a label)` : "Label mapping"}</summary>
      <div class="hfw-columns">
        {used.map((mapping) => <Mapping key={mapping.model} mapping={mapping} />)}
      </div>
    </details>
  );
}

function Mapping({ mapping }: { mapping: LabelMapping }) {
  return (
    <table class="hfw-table hfw-mapping">
      <caption>{mapping.model + (mapping.more ? ` (${mapping.more} more answers)` : "")}</caption>
      <thead>
        <tr>
          <th scope="col">Answer</th>
          <th scope="col">Counts as</th>
          <th scope="col">Matched by</th>
        </tr>
      </thead>
      <tbody>
        {mapping.words.map((match, at) => <Word key={match.word} mapping={mapping} match={match} at={at} />)}
      </tbody>
    </table>
  );
}

function Word({ mapping, match, at }: { mapping: LabelMapping; match: LabelMatch; at: number }) {
  const { link } = usePanel();
  const { model, labels } = mapping;
  // The first choice is no label.
  const choose = (index: number) => link.act("map", { model, word: at, label: index === 0 ? null : index - 1 });
  return (
    <tr>
      <th scope="row" dir="auto">{match.word}</th>
      <td>
        <select
          class="hfw-input"
          aria-label={`Label of ${match.word} of ${model}`}
          value={String(match.label ?? "none")}
          onChange={({ currentTarget }) => choose(currentTarget.selectedIndex)}
        >
          <option value="none">no label</option>
          {labels.map((label, place) => <option key={label} value={String(place)}>{label}</option>)}
        </select>
      </td>
      <td>{match.way}</td>
    </tr>
  );
}
