// A table of texts by column, with more columns and marked cells where a view has them.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

const MOST = 200;

export interface GridProps {
  columns: Record<string, string[]>;
  /** More cells of a row. */
  more?: { head: string; numeric: boolean; cell: (row: number) => ComponentChildren };
  marked?: (row: number, column: number) => boolean;
  /** Which element to scroll to, within the table only: the notebook stays where it is. */
  reveal?: string;
}

export function Grid({ columns, more, marked, reveal }: GridProps) {
  const frame = useRef<HTMLDivElement>(null);
  const names = Object.keys(columns);
  const numeric = names.map((name) => areNumbers(columns[name] ?? []));
  const length = Math.max(0, ...names.map((name) => columns[name]?.length ?? 0));
  useLayoutEffect(() => {
    if (reveal && frame.current) scrollTo(frame.current, reveal);
  }, [columns, reveal]);
  return (
    <div>
      <div ref={frame} class="hfw-scroll" tabIndex={0} role="region" aria-label="Table">
        <table class="hfw-table">
          <thead>
            <tr>
              {names.map((name, column) => (
                <th key={name} scope="col" dir="auto" class={numeric[column] ? "hfw-number" : ""}>{name}</th>
              ))}
              {more && <th scope="col" class={`hfw-prediction${more.numeric ? " hfw-number" : ""}`}>{more.head}</th>}
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: Math.min(length, MOST) }, (_, row) => (
              <tr key={row}>
                {names.map((name, column) => (
                  <Cell
                    key={name}
                    text={columns[name]?.[row] ?? ""}
                    numeric={numeric[column] ?? false}
                    on={marked?.(row, column) ?? false}
                    asked={more !== undefined}
                  />
                ))}
                {more?.cell(row)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {length > MOST && <p class="hfw-hint">{`${MOST} of ${length} rows are shown`}</p>}
    </div>
  );
}

/** A cell; where a prediction needs it and it is empty, it says so. */
function Cell({ text, numeric, on, asked }: { text: string; numeric: boolean; on: boolean; asked: boolean }) {
  const names = [on && "hfw-hit", numeric && "hfw-number"].filter(Boolean).join(" ");
  return (
    <td class={names} dir="auto">
      {text}
      {asked && !text.trim() && <span class="hfw-missing">missing</span>}
      {on && <span class="hfw-unseen"> (matches)</span>}
    </td>
  );
}

/** True for a column of numbers: by column, since a number among texts would stand apart from them. */
function areNumbers(texts: string[]): boolean {
  const known = texts.map((text) => text.trim().replace(/^[<≈]/, "")).filter(Boolean);
  return known.length > 0 && known.every((text) => !Number.isNaN(Number(text)));
}

function scrollTo(frame: HTMLElement, what: string): void {
  const cell = frame.querySelector(what);
  if (!cell) return;
  const [inner, outer] = [cell.getBoundingClientRect(), frame.getBoundingClientRect()];
  if (inner.right > outer.right) frame.scrollLeft += inner.right - outer.right;
  if (inner.bottom > outer.bottom) frame.scrollTop += inner.top - outer.top - outer.height / 2;
}
