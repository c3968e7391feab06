// The notebook's own variables, offered by name where they fit an input.

import { usePanel } from "../parts/panel.ts";

export function Variables({ input }: { input: string }) {
  const { link } = usePanel();
  const found = link.part("names")?.[input] ?? [];
  const choose = (select: HTMLSelectElement) => {
    if (select.value) link.act("variable", { name: input, variable: select.value });
    select.value = "";
  };
  return (
    <select
      class="hfw-quiet hfw-variables"
      aria-label="Use a notebook variable"
      hidden={!found.length}
      value=""
      onFocus={() => link.act("names", { name: input })}
      onChange={({ currentTarget }) => choose(currentTarget)}
    >
      <option value="">Variable…</option>
      {found.map(({ name, about }) => (
        <option key={name} value={name}>{`${name} (${about})`}</option>
      ))}
    </select>
  );
}

const REST_MS = 1000;

/** What asks the kernel for its variables as soon as a form is used, and again as cells have run. */
export function useNames(input: string) {
  const { link } = usePanel();
  let last = -Infinity;
  const ask = () => {
    if (performance.now() - last < REST_MS) return;
    last = performance.now();
    link.act("names", { name: input });
  };
  return { onPointerEnter: ask, onFocusIn: ask };
}
