// Run and Stop share one place, and the caret: Escape must be heard while a run is under way.

import { show } from "../dom.ts";

export function exchange(run: HTMLElement, stop: HTMLElement, busy: boolean): void {
  const held = run.ownerDocument.activeElement === run;
  show(run, !busy);
  show(stop, busy);
  if (busy && held) stop.focus();
}
