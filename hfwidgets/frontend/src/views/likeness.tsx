// A matrix of similarities between 0 and 1; names stand next to it in full.

import { numberColor } from "./colors.ts";

export function Likeness({ matrix, names = [] }: { matrix: number[][]; names?: string[] }) {
  return (
    <div class="hfw-scroll" tabIndex={0} role="region" aria-label="Similarity of each with each">
      <table class="hfw-table hfw-likeness">
        <thead>
          <tr>
            <td />
            {matrix.map((_, at) => (
              <th key={at} scope="col" title={names[at] ?? ""}>
                {at + 1}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {matrix.map((row, at) => (
            <tr key={at}>
              <th scope="row" dir="auto">{names[at] ? `${at + 1} ${names[at]}` : at + 1}</th>
              {row.map((value, column) => (
                <td key={column} style={{ background: numberColor(value, 2) }}>
                  {value.toFixed(2)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
