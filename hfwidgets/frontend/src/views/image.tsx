// An image; where it was made from another, both with a slider between them.

import { useState } from "preact/hooks";
import { KernelImage } from "../parts/media.tsx";
import { Photo } from "../parts/photo.tsx";
import { registerView, type ViewOf } from "./registry.ts";

function ImageResult({ view }: { view: ViewOf<"image"> }) {
  const { width, height, before, seed } = view;
  const [wipe, setWipe] = useState(50);
  const size = { width, height, saves: view.saves };
  const about = `${width} × ${height} pixels${seed == null ? "" : ` · seed ${seed}`}`;
  const after = <KernelImage id={view.id} alt={`The image, ${width} by ${height} pixels`} />;
  if (!before) {
    return (
      <div>
        <Photo {...size}>{after}</Photo>
        <div class="hfw-hint">{about}</div>
      </div>
    );
  }
  return (
    <div>
      <Photo {...size}>
        <div class="hfw-compare-images" style={{ "--hfw-wipe": `${wipe}%` }}>
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
      </Photo>
      <div class="hfw-ends hfw-hint" style={{ "--hfw-ratio": width / height }}>
        <span>Before</span>
        <span>{about}</span>
        <span>After</span>
      </div>
    </div>
  );
}

registerView("image", ImageResult);
