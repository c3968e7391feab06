// An image from the camera.

import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../parts/buttons.tsx";
import { openDevice } from "./devices.ts";
import type { DeviceProps } from "./recorder.tsx";

export function Webcam({ use, close }: DeviceProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [{ ready, error }, setState] = useState({ ready: false, error: "" });
  useEffect(() => {
    let over = false;
    let stream: MediaStream | null = null;
    const end = () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    const show = async () => {
      stream = await openDevice("camera");
      if (over || !video.current) return end();
      video.current.srcObject = stream;
      await video.current.play();
    };
    show().catch((why: unknown) => {
      if (!over) setState({ ready: false, error: why instanceof Error ? why.message : String(why) });
    });
    return () => {
      over = true;
      end();
    };
  }, []);
  const snap = async () => {
    if (video.current) use(await takeFrame(video.current), "camera.png");
    close();
  };
  return (
    <div class="hfw-device">
      <video ref={video} muted playsInline aria-label="What the camera sees" onLoadedData={() => setState({ ready: true, error: "" })} />
      <div class="hfw-row hfw-start">
        <Button kind="hfw-button hfw-primary" act={() => void snap()} disabled={!ready}>Take photo</Button>
        <Button act={close}>Cancel</Button>
        <span class="hfw-hint" role={error ? "alert" : undefined}>{error || (ready ? "" : "Waiting for the camera…")}</span>
      </div>
    </div>
  );
}

async function takeFrame(video: HTMLVideoElement): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  return new Promise((done, fail) => {
    canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("The camera sent no image."))), "image/png");
  });
}
