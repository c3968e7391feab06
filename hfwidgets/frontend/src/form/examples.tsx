// A chip for each example: pointing at one or reaching it by keyboard shows it, choosing it runs it.

import type { FormState } from "./form-state.ts";
import { usePanel } from "../parts/panel.ts";

let last = { x: NaN, y: NaN };

/** True if the pointer itself moved: a chip that comes to lie under it was not pointed at. */
function hasMoved({ screenX: x, screenY: y }: PointerEvent): boolean {
  const before = last;
  last = { x, y };
  return x !== before.x || y !== before.y;
}

window.addEventListener("pointermove", ({ screenX: x, screenY: y }) => (last = { x, y }), { passive: true });

export function Examples({ state }: { state: FormState }) {
  const { link } = usePanel();
  const examples = (state.form.examples ?? []).filter(({ preview }) => Object.keys(preview).length);
  if (!examples.length) return null;
  const preview = (number: number) => {
    if (!link.busy.value) state.preview.value = number;
  };
  const restore = () => {
    state.preview.value = null;
  };
  return (
    <div class="hfw-examples" role="group" aria-label="Examples">
      <span class="hfw-hint">Try</span>
      {examples.map(({ about }, number) => (
        <button
          key={number}
          type="button"
          class="hfw-example"
          dir="auto"
          title={about}
          onPointerMove={(event) => hasMoved(event) && preview(number)}
          onFocus={() => preview(number)}
          onPointerLeave={restore}
          onBlur={restore}
          onClick={() => state.runExample(number)}
        >
          {about || "the example"}
        </button>
      ))}
    </div>
  );
}
