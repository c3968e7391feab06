// An image; where it was made from another, both with a slider between them.

import { useState } from "preact/hooks";
import { KernelImage } from "../parts/media.tsx";
import { registerView, type ViewOf } from "./registry.ts";

const MOST_HEIGHT = 460;

function ImageResult({ view }: { view: ViewOf<"image"> }) {
  const { width, height, before, seed } = view;
  const [wipe, setWipe] = useState(50);
  const most = { maxWidth: `min(100%, ${Math.round((MOST_HEIGHT * width) / height)}px)` };
  const about = `${width} × ${height} pixels${seed == null ? "" : ` · seed ${seed}`}`;
  const after = <KernelImage id={view.id} alt={`The image, ${width} by ${height} pixels`} />;
  if (!before) {
    return (
      <div>
        <div class="hfw-photo" style={most}>{after}</div>
        <div class="hfw-hint">{about}</div>
      </div>
    );
  }
  return (
    <div>
      <div class="hfw-photo hfw-compare-images" style={{ ...most, "--hfw-wipe": `${wipe}%` }}>
        {after}
        <KernelImage id={before} class="hfw-before" alt="The image it was made from" />
        <input
          type="range"
          min={0}
          max={100}
          value={wipe}
          class="hfw-wipe"
          aria-label="Before and after: how much of the image before is shown"
          onInput={({ currentTarget }) => setWipe(currentTarget.valueAsNumber)}
        />
        <span class="hfw-divider" aria-hidden="true" />
      </div>
      <div class="hfw-ends hfw-hint" style={most}>
        <span>before</span>
        <span>{about}</span>
        <span>after</span>
      </div>
    </div>
  );
}

registerView("image", ImageResult);
