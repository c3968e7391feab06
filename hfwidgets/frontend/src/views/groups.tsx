// Several results of one call, one below the other.

import { registerView, type ViewOf } from "./registry.ts";
import { ResultView } from "./result-view.tsx";

function Groups({ view: { groups } }: { view: ViewOf<"groups"> }) {
  return (
    <div class="hfw-groups">
      {groups.map((group, at) => (
        <section key={at} aria-label={`${at + 1} of ${groups.length}`}>
          <div class="hfw-label">{`${at + 1} of ${groups.length}`}</div>
          <ResultView view={group} />
        </section>
      ))}
    </div>
  );
}

registerView("groups", Groups);
