// Past images of this panel, with their seeds.

import type { GalleryItem } from "../document/protocol.ts";
import { Button } from "../parts/buttons.tsx";
import { KernelImage } from "../parts/media.tsx";
import { usePanel } from "../parts/panel.ts";

export function Gallery() {
  const { link } = usePanel();
  const past = link.part("gallery") ?? [];
  const seeded = past.some(({ seed }) => seed !== null);
  if (past.length < 2 && !seeded) return null;
  const shown = link.part("result")?.n;
  return (
    <div class="hfw-past-images">
      <div class="hfw-row hfw-start">
        {past.length > 1 && <span class="hfw-label">Past images</span>}
        {seeded && (
          <Button kind="hfw-quiet" title="Generate again with another seed" barred={link.busy.value} act={() => link.act("vary")}>
            Vary seed
          </Button>
        )}
      </div>
      {past.length > 1 && (
        <div class="hfw-gallery" role="group" aria-label="Past images">
          {past.map((item) => (
            <Card key={item.n} item={item} current={item.n === shown} />
          ))}
        </div>
      )}
    </div>
  );
}

function Card({ item: { n, id, seed }, current }: { item: GalleryItem; current: boolean }) {
  const { link } = usePanel();
  const words = seed === null ? "" : `seed ${seed}`;
  return (
    <div class="hfw-card">
      <button
        type="button"
        class="hfw-past"
        aria-pressed={current}
        aria-label={`Show image ${n}${words && `, ${words}`}`}
        onClick={() => link.act("show", { number: n })}
      >
        <KernelImage id={id} alt={`Image ${n}`} />
      </button>
      <span class="hfw-hint">
        {words}{" "}
        {seed !== null && (
          <Button kind="hfw-link" label={`Use seed ${seed} for the next run`} act={() => link.act("set", { values: { seed } })}>
            use
          </Button>
        )}
      </span>
    </div>
  );
}
