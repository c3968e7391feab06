// Any result: the view of its kind, and below it the fields that the view leaves out.

import type { View } from "../document/protocol.ts";
import { findView } from "./registry.ts";

export function ResultView({ view }: { view: View }) {
  const Known = findView(view.kind);
  // What no view knows is still shown, as its data.
  if (!Known) return <pre class="hfw-raw">{JSON.stringify(view, null, 2)}</pre>;
  return (
    <>
      <Known view={view} />
      {view.rest && <ResultView view={view.rest} />}
    </>
  );
}
