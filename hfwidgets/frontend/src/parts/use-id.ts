// Ids for labels and lists. Preact's own `useId` counts per panel, so several panels on a page, or two
// versions of this module, would share ids, and a label would name another panel's control.

import { useState } from "preact/hooks";

const PREFIX = `hfw-${Math.random().toString(36).slice(2, 8)}`;
let count = 0;

/** Return an id that nothing else on the page has. */
export function useId(): string {
  const [id] = useState(() => `${PREFIX}-${++count}`);
  return id;
}
