// A button that opens a menu: arrows move, Escape closes, what is chosen acts.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icon.tsx";

export interface MenuItem {
  label: string;
  act: () => void;
  disabled?: boolean;
}

const STEPS: Record<string, (at: number, count: number) => number> = {
  ArrowDown: (at, count) => (at + 1) % count,
  ArrowUp: (at, count) => (at - 1 + count) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

export function Menu({ label, items, children }: { label: string; items: MenuItem[]; children?: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const entries = () => [...(list.current?.querySelectorAll<HTMLElement>("[role=menuitem]:not([aria-disabled=true])") ?? [])];
  useEffect(() => {
    if (open) entries()[0]?.focus();
  }, [open]);
  const close = () => {
    setOpen(false);
    opener.current?.focus();
  };
  const key = (event: KeyboardEvent) => {
    const all = entries();
    const at = all.findIndex((entry) => entry === event.target);
    const step = STEPS[event.key];
    if (step) all[step(at, all.length)]?.focus();
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const leave = (event: FocusEvent) => {
    const to = event.relatedTarget;
    const inside = to instanceof Node && (list.current?.contains(to) || to === opener.current);
    if (!inside) setOpen(false);
  };
  return (
    <span class="hfw-menu-place">
      <button
        ref={opener}
        type="button"
        class="hfw-tool"
        title={label}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {children ?? <Icon name="menu" />}
      </button>
      {open && (
        <div ref={list} class="hfw-menu" role="menu" aria-label={label} onKeyDown={key} onFocusOut={leave}>
          {items.map((item) => (
            <button
              key={item.label}
              type="button"
              class="hfw-menu-item"
              role="menuitem"
              tabIndex={-1}
              aria-disabled={item.disabled}
              onClick={() => {
                close();
                item.act();
              }}
            >
              {item.label}
            </button>
          ))}
        </div>
      )}
    </span>
  );
}
