// A video, and its first frame for what is saved without a player.

import { useState } from "preact/hooks";
import type { Connection } from "../document/connection.ts";
import { useMedia } from "../parts/media.tsx";
import { usePanel } from "../parts/panel.ts";
import { registerView, type ViewOf } from "./registry.ts";

const POSTER = 640;

function VideoResult({ view }: { view: ViewOf<"video"> }) {
  const { link } = usePanel();
  const media = useMedia(view.id);
  const [broken, setBroken] = useState(false);
  const [sent, setSent] = useState(false);
  return (
    <div>
      <video
        controls
        preload="metadata"
        class="hfw-video"
        aria-label="The video"
        // The first frame stands still until it is played; a moment after 0 makes Safari show it too.
        {...(media ? { src: `${media.url}#t=0.001` } : {})}
        onLoadedData={({ currentTarget }) => {
          if (view.n && !sent) void sendPoster(currentTarget, view.n, link);
          setSent(true);
        }}
        onError={() => setBroken(true)}
      />
      <p class="hfw-hint" role="status">
        {broken && "This browser cannot play the video; it can be saved below."}
      </p>
    </div>
  );
}

/** The kernel cannot decode videos: what is saved without a player shows the frame that it is sent. */
async function sendPoster(video: HTMLVideoElement, number: number, link: Connection): Promise<void> {
  const by = Math.min(1, POSTER / Math.max(1, video.videoWidth));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(video.videoWidth * by);
  canvas.height = Math.round(video.videoHeight * by);
  canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
  const still = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", 0.85));
  if (still) link.act("poster", { number }, [await still.arrayBuffer()]);
}

registerView("video", VideoResult);
