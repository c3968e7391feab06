// A table with what was predicted for each row.

import { colorAt } from "./colors.ts";
import { Grid } from "./grid.tsx";
import { registerView, type ViewOf } from "./registry.ts";

const DIGITS = 5;
const BAR_PX = 60;

function Predictions({ view }: { view: ViewOf<"predictions"> }) {
  const { values, numeric } = view;
  const labels = [...new Set(values.map(String))];
  const most = Math.max(1e-9, ...values.map((value) => Math.abs(Number(value)) || 0));
  const columns = Object.keys(view.columns).length ? view.columns : { row: values.map((_, at) => String(at + 1)) };
  const cell = (row: number) => {
    const value = values[row];
    if (value === undefined) return <td />;
    if (numeric) return <NumberCell value={Number(value)} most={most} />;
    const color = colorAt(labels.indexOf(String(value)));
    return (
      <td class="hfw-prediction">
        <span class="hfw-tag hfw-class" style={{ "--hfw-ink": color }}>{value}</span>
      </td>
    );
  };
  return <Grid columns={columns} more={{ head: "Prediction", numeric, cell }} reveal=".hfw-prediction" />;
}

/** With as many decimals as the largest needs to have 5 digits, so that the points stand in a line. */
function NumberCell({ value, most }: { value: number; most: number }) {
  return (
    <td class="hfw-prediction hfw-number">
      {value.toFixed(Math.min(6, Math.max(0, DIGITS - 1 - Math.floor(Math.log10(most)))))}
      <span class="hfw-score-bar" aria-hidden="true" style={{ width: `${(Math.abs(value) / most) * BAR_PX}px` }} />
    </td>
  );
}

registerView("predictions", Predictions);
