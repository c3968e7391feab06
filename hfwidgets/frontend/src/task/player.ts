// A sound: the browser's own player, with the waveform above it as a second way to seek.

import { h } from "../dom.ts";
import type { Part } from "./trim.ts";
import { drawWave, peaksOfFile, waveCanvas } from "./wave.ts";

export interface Player {
  node: HTMLElement;
  sound: HTMLAudioElement;
  /** Go to a moment, in seconds, and play from there. */
  seek(seconds: number): void;
  /** Show a part as chosen; it is what plays from now on. */
  choose(part: Part | null): void;
}

/** Never plays by itself. `peaks` are drawn where they are known, else counted from the sound. */
export function player(url: Promise<string>, label: string, peaks: number[] = []): Player {
  const sound = h("audio", { controls: true, preload: "metadata", "aria-label": label });
  const canvas = waveCanvas();
  let drawn = peaks;
  let chosen: Part | null = null;
  const share = (seconds: number) => (sound.duration ? seconds / sound.duration : 0);
  const draw = () => {
    const part = chosen ? ([share(chosen.start), share(chosen.end)] as const) : undefined;
    drawWave(canvas, drawn, share(sound.currentTime), part);
  };
  canvas.hidden = peaks.length === 0;
  void url.then(async (address) => {
    sound.src = address;
    if (!drawn.length) drawn = await peaksOfFile(address);
    canvas.hidden = drawn.length === 0;
    draw();
  });
  sound.addEventListener("timeupdate", () => {
    if (chosen && !sound.paused && sound.currentTime >= chosen.end) sound.pause();
    draw();
  });
  sound.addEventListener("play", () => {
    const outside = chosen && (sound.currentTime < chosen.start || sound.currentTime >= chosen.end - 0.02);
    if (chosen && outside) sound.currentTime = chosen.start;
  });
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
  const choose = (part: Part | null) => {
    chosen = part;
    draw();
  };
  return { node: h("div", { class: "hfw-player" }, canvas, sound), sound, seek, choose };
}
