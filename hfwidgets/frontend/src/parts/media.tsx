// Files of the kernel: images, and addresses for other elements.

import { useEffect, useState } from "preact/hooks";
import type { Media } from "../document/connection.ts";
import { usePanel } from "./panel.ts";

/** A file that the kernel holds, once it is on the page. */
export function useMedia(id: string | null): Media | null {
  const { link } = usePanel();
  const [found, setFound] = useState<{ id: string; media: Media } | null>(null);
  useEffect(() => {
    let current = true;
    if (id) void link.media(id).then((media) => current && setFound({ id, media }));
    return () => {
      current = false;
    };
  }, [link, id]);
  return found?.id === id ? found.media : null;
}

export function KernelImage({ id, ...props }: { id: string; alt: string; class?: string }) {
  const media = useMedia(id);
  return <img {...props} {...(media ? { src: media.url } : {})} />;
}
