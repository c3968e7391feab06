// A picture from the camera.

import { h } from "../dom.ts";
import { open } from "./devices.ts";
import type { Device } from "./recorder.ts";

export function webcam(use: (picture: Blob, name: string) => void, closed: () => void): Device {
  const video = h("video", { muted: true, playsInline: true, "aria-label": "What the camera sees" });
  const note = h("span", { class: "hfw-hint" }, "Waiting for the camera…");
  let stream: MediaStream | null = null;
  let over = false;
  const end = () => {
    over = true;
    for (const track of stream?.getTracks() ?? []) track.stop();
  };
  const leave = () => {
    end();
    closed();
  };
  const snap = async () => {
    const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    const picture = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
    if (picture) use(picture, "camera.png");
    leave();
  };
  const take = h(
    "button",
    { type: "button", class: "hfw-button hfw-primary", disabled: true, onclick: () => void snap() },
    "Take picture",
  );
  const cancel = h("button", { type: "button", class: "hfw-button", onclick: leave }, "Cancel");
  video.addEventListener("loadeddata", () => {
    take.disabled = false;
    note.textContent = "";
    take.focus();
  });
  void open("camera").then(
    async (opened) => {
      stream = opened;
      if (over) return end();
      video.srcObject = opened;
      await video.play();
    },
    (why: Error) => {
      note.textContent = why.message;
      note.setAttribute("role", "alert");
    },
  );
  const row = h("div", { class: "hfw-row hfw-start" }, take, cancel, note);
  return { node: h("div", { class: "hfw-device" }, video, row), end };
}
