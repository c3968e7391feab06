// A table of texts by column, with more columns and marked cells where a view has them.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

const MOST = 200;

export interface GridProps {
  columns: Record<string, string[]>;
  /** More cells of a row. */
  more?: { head: string; cell: (row: number) => ComponentChildren };
  marked?: (row: number, column: number) => boolean;
  /** Which element to scroll to, within the table only: the notebook stays where it is. */
  reveal?: string;
}

export function Grid({ columns, more, marked, reveal }: GridProps) {
  const frame = useRef<HTMLDivElement>(null);
  const names = Object.keys(columns);
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
              {[...names, ...(more ? [more.head] : [])].map((name) => (
                <th key={name} scope="col" dir="auto">{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: Math.min(length, MOST) }, (_, row) => (
              <tr key={row}>
                {names.map((name, column) => (
                  <Cell key={name} text={columns[name]?.[row] ?? ""} on={marked?.(row, column) ?? false} asked={more !== undefined} />
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
function Cell({ text, on, asked }: { text: string; on: boolean; asked: boolean }) {
  const isNumber = text.trim() !== "" && !Number.isNaN(Number(text));
  const names = [on && "hfw-hit", isNumber && "hfw-number"].filter(Boolean).join(" ");
  return (
    <td class={names} dir="auto">
      {text}
      {asked && !text.trim() && <span class="hfw-missing">missing</span>}
      {on && <span class="hfw-unseen"> (matches)</span>}
    </td>
  );
}

function scrollTo(frame: HTMLElement, what: string): void {
  const cell = frame.querySelector(what);
  if (!cell) return;
  const [inner, outer] = [cell.getBoundingClientRect(), frame.getBoundingClientRect()];
  if (inner.right > outer.right) frame.scrollLeft += inner.right - outer.right;
  if (inner.bottom > outer.bottom) frame.scrollTop += inner.top - outer.top - outer.height / 2;
}
