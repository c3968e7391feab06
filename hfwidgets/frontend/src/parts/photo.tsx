// An image with buttons on it: one saves it, one shows it as large as the window.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Save } from "../document/protocol.ts";
import { IconButton } from "./buttons.tsx";
import { usePanel } from "./panel.ts";
import { saveFile } from "./save-file.ts";

interface PhotoProps {
  width: number;
  height: number;
  saves?: Save[] | null | undefined;
  children: ComponentChildren;
}

export function Photo({ width, height, saves, children }: PhotoProps) {
  const { link } = usePanel();
  const [large, setLarge] = useState(false);
  const file = saves?.find(({ name }) => name.endsWith(".png"));
  return (
    <div class="hfw-photo" style={{ "--hfw-ratio": width / height }}>
      {children}
      <div class="hfw-photo-tools">
        {file && <IconButton icon="save" label="Download the image" kind="hfw-over" act={() => void saveFile(link, file)} />}
        <IconButton icon="max" label="View the image larger" kind="hfw-over" act={() => setLarge(true)} />
      </div>
      {large && <Lightbox close={() => setLarge(false)}>{children}</Lightbox>}
    </div>
  );
}

/** A modal dialog: the browser keeps the focus in it, and gives it back. */
function Lightbox({ close, children }: { close: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class="hfw-lightbox"
      aria-label="The image, larger"
      onClose={close}
      onClick={({ target, currentTarget }) => target === currentTarget && currentTarget.close()}
      // Escape closes the dialog and stops no run.
      onKeyDown={(event) => event.stopPropagation()}
    >
      <IconButton icon="close" label="Close" kind="hfw-over" act={() => dialog.current?.close()} />
      {children}
    </dialog>
  );
}
