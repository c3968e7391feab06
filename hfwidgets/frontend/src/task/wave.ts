// A waveform: from peaks that the kernel counted, or from the sound itself.

import { h } from "../dom.ts";

const BUCKETS = 200;

/** Draw peaks from 0 to 100 on a canvas; `played` and `part` are shares of the whole length. */
export function drawWave(
  canvas: HTMLCanvasElement,
  peaks: number[],
  played = 0,
  [low, high]: readonly [number, number] = [0, 1],
): void {
  const pen = canvas.getContext("2d");
  if (!pen || peaks.length === 0) return;
  const { width, height } = canvas;
  const style = getComputedStyle(canvas);
  pen.clearRect(0, 0, width, height);
  const step = width / peaks.length;
  for (const [at, peak] of peaks.entries()) {
    const tall = Math.max(2, (peak / 100) * (height - 2));
    const place = (at + 0.5) / peaks.length;
    pen.fillStyle = place < played ? style.accentColor : style.color;
    pen.globalAlpha = place < low || place > high ? 0.3 : 1;
    pen.fillRect(at * step, (height - tall) / 2, Math.max(1, step * 0.6), tall);
  }
}

export function waveCanvas(): HTMLCanvasElement {
  return h("canvas", { class: "hfw-wave", width: 1200, height: 96, "aria-hidden": "true" });
}

export function peaksOf(samples: ArrayLike<number>): number[] {
  const size = Math.max(1, Math.floor(samples.length / BUCKETS));
  const peaks: number[] = [];
  for (let at = 0; at < samples.length; at += size) {
    let top = 0;
    const end = Math.min(samples.length, at + size);
    for (let i = at; i < end; i++) top = Math.max(top, Math.abs(samples[i] ?? 0));
    peaks.push(top);
  }
  const most = Math.max(...peaks, 1e-9);
  return peaks.map((peak) => (peak / most) * 100);
}

/** The peaks of a file that the browser can decode; none where it cannot. */
export async function peaksOfFile(url: string): Promise<number[]> {
  try {
    const bytes = await (await fetch(url)).arrayBuffer();
    const sound = await new OfflineAudioContext(1, 1, 16000).decodeAudioData(bytes);
    return peaksOf(sound.getChannelData(0));
  } catch {
    return []; // there is still the player, which knows more formats
  }
}

/** Samples between -1 and 1 as a WAV file of 16 bits, mono. */
export function wav(samples: Float32Array, rate: number): Blob {
  const view = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const text = (at: number, word: string) => {
    for (let i = 0; i < word.length; i++) view.setUint8(at + i, word.charCodeAt(i));
  };
  text(0, "RIFF");
  view.setUint32(4, 36 + samples.length * 2, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, samples.length * 2, true);
  for (const [at, sample] of samples.entries()) {
    view.setInt16(44 + at * 2, Math.max(-1, Math.min(1, sample)) * 32767, true);
  }
  return new Blob([view], { type: "audio/wav" });
}
