// Wait for what signals tell.

import { effect } from "@preact/signals";

/** Resolve once `test`, which reads signals, is true; reject where it throws or `ms` have passed. */
export function until(test: () => boolean, ms: number, late: string): Promise<void> {
  return new Promise((yes, no) => {
    let over = false;
    const end = (settle: () => void) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      queueMicrotask(() => dispose());
      settle();
    };
    const timer = setTimeout(() => end(() => no(new Error(late))), ms);
    const dispose = effect(() => {
      try {
        if (test()) end(yes);
      } catch (why) {
        end(() => no(why));
      }
    });
  });
}
