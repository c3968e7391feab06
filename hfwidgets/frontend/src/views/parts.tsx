// An object that has no view of its own: its media, and the rest by name.

import { Facts } from "../parts/facts.tsx";
import { registerView, type ViewOf } from "./registry.ts";
import { ResultView } from "./result-view.tsx";

function Parts({ view }: { view: ViewOf<"parts"> }) {
  return (
    <div class="hfw-parts">
      {view.parts.map(({ name, view: inner }) => (
        <figure key={name} class="hfw-part">
          <figcaption class="hfw-label">{name}</figcaption>
          <ResultView view={inner} />
        </figure>
      ))}
      {view.rows.length > 0 && <Facts rows={view.rows.map(([name = "", text = ""]) => [name, text])} />}
    </div>
  );
}

registerView("parts", Parts);
