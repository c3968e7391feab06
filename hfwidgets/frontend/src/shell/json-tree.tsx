// JSON as a tree that folds: what is short is open, and what is folded is drawn when it is opened.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

/** Items that are shown of a long list, and added by its button. */
const STEP = 100;
/** What has more items than these is folded at first. */
const SHORT = 12;
const OPEN_LEVELS = 3;

interface BranchProps {
  name: string | null;
  value: unknown;
  level: number;
}

export function JsonTree({ value }: { value: unknown }) {
  return (
    <ul class="hfw-tree">
      <Branch name={null} value={value} level={0} />
    </ul>
  );
}

function Branch({ name, value, level }: BranchProps) {
  const label = name !== null && <span class="hfw-tree-name">{`${name}: `}</span>;
  if (typeof value !== "object" || value === null) {
    return <li>{label}<span class={`hfw-tree-${typeof value}`}>{JSON.stringify(value)}</span></li>;
  }
  return <li><Fold label={label} value={value} level={level} /></li>;
}

function Fold({ label, value, level }: { label: ComponentChildren; value: object; level: number }) {
  const entries = Object.entries(value);
  const [open, setOpen] = useState(level < OPEN_LEVELS && (level === 0 || entries.length <= SHORT));
  const [count, setCount] = useState(STEP);
  const isList = Array.isArray(value);
  return (
    <details open={open} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        {label}
        <span class="hfw-hint">{describeSize(entries.length, isList)}</span>
      </summary>
      {open && (
        <ul>
          {entries.slice(0, count).map(([name, item]) => <Branch key={name} name={isList ? name : JSON.stringify(name)} value={item} level={level + 1} />)}
          {entries.length > count && (
            <li>
              <button type="button" class="hfw-link" onClick={() => setCount(count + STEP)}>
                {`Show ${Math.min(STEP, entries.length - count)} more`}
              </button>
            </li>
          )}
        </ul>
      )}
    </details>
  );
}

function describeSize(count: number, isList: boolean): string {
  const [one, many] = isList ? ["item", "items"] : ["field", "fields"];
  const text = `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
  return isList ? `[${text}]` : `{${text}}`;
}
