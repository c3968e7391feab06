// Several images for one input: a thumbnail for each, with what came of it. Choosing one shows its result.

import type { EachImage } from "../document/protocol.ts";
import { outlineResult } from "../parts/describe.ts";
import { KernelImage } from "../parts/media.tsx";
import { usePanel } from "../parts/panel.ts";

export function Several({ input }: { input: string }) {
  const { link } = usePanel();
  const several = link.part("several");
  if (several?.name !== input) return null;
  return (
    <div class="hfw-gallery" role="group" aria-label="Images">
      {several.images.map((image, at) => (
        <Thumbnail key={image.id} image={image} at={at} current={at === several.shown} />
      ))}
    </div>
  );
}

const WORDS: Record<string, string> = { waiting: "Waiting", running: "Running…", failed: "Failed" };

function Thumbnail({ image, at, current }: { image: EachImage; at: number; current: boolean }) {
  const { link } = usePanel();
  const { id, about, state, result } = image;
  const name = about || `Image ${at + 1}`;
  const words = WORDS[state] ?? (result ? outlineResult(result) || "Done" : "Not run yet");
  return (
    <div class="hfw-card hfw-each">
      <button
        type="button"
        class="hfw-past"
        title={name}
        aria-label={`${name}: ${words}`}
        aria-pressed={current}
        aria-disabled={link.busy.value}
        onClick={() => link.act("pick", { at })}
      >
        <KernelImage id={id} alt="" />
      </button>
      <span class="hfw-hint" dir="auto" aria-hidden="true">{words}</span>
    </div>
  );
}
