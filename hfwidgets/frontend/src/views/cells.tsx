// An answer with the cells of its table that it comes from.

import { Grid } from "./grid.tsx";
import { registerView, type ViewOf } from "./registry.ts";

function Cells({ view }: { view: ViewOf<"cells"> }) {
  const { answer, aggregator } = view;
  const hits = new Set(view.cells.map(([row, column]) => `${row},${column}`));
  return (
    <div>
      <p class="hfw-top-label">
        <strong dir="auto">{answer || "No answer was found."}</strong>
        {aggregator && <span class="hfw-tag">{aggregator.toLowerCase()}</span>}
      </p>
      <Grid columns={view.columns} marked={(row, column) => hits.has(`${row},${column}`)} reveal=".hfw-hit" />
    </div>
  );
}

registerView("cells", Cells);
