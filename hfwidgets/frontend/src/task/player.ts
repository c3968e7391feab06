// A sound: the browser's own player, with the waveform above it as a second way to seek.

import { h } from "../dom.ts";
import { drawWave, peaksOfFile, waveCanvas } from "./wave.ts";

export interface Player {
  node: HTMLElement;
  /** Go to a moment, in seconds, and play from there. */
  seek(seconds: number): void;
  sound: HTMLAudioElement;
}

/** Never plays by itself. `peaks` are drawn where they are known, else counted from the sound. */
export function player(url: Promise<string>, label: string, peaks: number[] = []): Player {
  const sound = h("audio", { controls: true, preload: "metadata", "aria-label": label });
  const canvas = waveCanvas();
  let drawn = peaks;
  const draw = () => drawWave(canvas, drawn, sound.duration ? sound.currentTime / sound.duration : 0);
  canvas.hidden = peaks.length === 0;
  void url.then(async (address) => {
    sound.src = address;
    if (!drawn.length) drawn = await peaksOfFile(address);
    canvas.hidden = drawn.length === 0;
    draw();
  });
  sound.addEventListener("timeupdate", draw);
  canvas.addEventListener("click", (event) => {
    const { left, width } = canvas.getBoundingClientRect();
    if (sound.duration) sound.currentTime = ((event.clientX - left) / width) * sound.duration;
    draw();
  });
  requestAnimationFrame(draw);
  const seek = (seconds: number) => {
    sound.currentTime = seconds;
    void sound.play().catch(() => undefined); // a click allows it nearly everywhere
  };
  return { node: h("div", { class: "hfw-player" }, canvas, sound), seek, sound };
}
