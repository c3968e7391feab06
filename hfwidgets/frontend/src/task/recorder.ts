// The microphone, as samples: what browsers record themselves (webm, mp4) few servers can read.

import { h, icon } from "../dom.ts";
import { open } from "./devices.ts";
import { player } from "./player.ts";
import { drawWave, peaksOf, wav, waveCanvas } from "./wave.ts";

export const RATE = 16_000;
const LONGEST_S = 600;
const LEVELS = 120;

const WORKLET = `registerProcessor("hfw-tap", class extends AudioWorkletProcessor {
  process([input]) {
    if (input && input[0]) this.port.postMessage(input[0].slice());
    return true;
  }
});`;

/** Samples from the microphone until `stop` is called. */
export class Tap {
  #pieces: Float32Array[] = [];
  #length = 0;
  #end: () => void = () => undefined;

  get seconds(): number {
    return this.#length / RATE;
  }

  async start(heard: (level: number) => void): Promise<void> {
    const stream = await open("microphone");
    const context = new AudioContext({ sampleRate: RATE });
    this.#end = () => {
      for (const track of stream.getTracks()) track.stop();
      void context.close();
    };
    const url = URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }));
    try {
      await context.audioWorklet.addModule(url);
    } finally {
      URL.revokeObjectURL(url);
    }
    const node = new AudioWorkletNode(context, "hfw-tap", { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
      if (this.seconds > LONGEST_S) return;
      this.#pieces.push(data);
      this.#length += data.length;
      heard(Math.max(...data.map(Math.abs)));
    };
    context.createMediaStreamSource(stream).connect(node);
  }

  stop(): Float32Array {
    this.#end();
    const whole = new Float32Array(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }
}

/** The recorder's panel: a level while it runs, then the waveform to trim and to use. */
export function recorder(use: (sound: Blob, name: string) => void, closed: () => void): HTMLElement {
  const node = h("div", { class: "hfw-device" });
  const tap = new Tap();
  const levels: number[] = [];
  const canvas = waveCanvas();
  const clock = h("span", { class: "hfw-hint" }, "Waiting for the microphone…");
  const button = (label: string, kind: string, act: () => void) =>
    h("button", { type: "button", class: `hfw-button ${kind}`, onclick: act }, label);
  const cancel = button("Cancel", "", () => {
    tap.stop();
    closed();
  });
  const stop = button("Stop recording", "hfw-primary", () => trim(node, tap.stop(), use, closed));
  stop.disabled = true;
  node.append(canvas, h("div", { class: "hfw-row hfw-start" }, icon("mic"), clock, stop, cancel));
  const heard = (level: number) => {
    levels.push(level * 100);
    stop.disabled = false;
    clock.textContent = `Recording, ${tap.seconds.toFixed(1)} s`;
    drawWave(canvas, levels.slice(-LEVELS));
  };
  tap.start(heard).catch((why: unknown) => {
    clock.textContent = why instanceof Error ? why.message : String(why);
    clock.setAttribute("role", "alert");
  });
  return node;
}

/** Choose a part of what was recorded and use it. */
function trim(
  node: HTMLElement,
  samples: Float32Array,
  use: (sound: Blob, name: string) => void,
  closed: () => void,
): void {
  const seconds = samples.length / RATE;
  const handle = (label: string, value: number) =>
    h("input", { type: "range", min: 0, max: seconds, step: 0.01, value: String(value), "aria-label": label });
  const from = handle("Start of the part, in seconds", 0);
  const to = handle("End of the part, in seconds", seconds);
  const part = () => {
    const low = Math.min(from.valueAsNumber, to.valueAsNumber);
    const high = Math.max(from.valueAsNumber, to.valueAsNumber, low + 0.05);
    return samples.slice(Math.round(low * RATE), Math.round(high * RATE));
  };
  const about = h("span", { class: "hfw-hint" });
  const place = h("div", {});
  const redraw = () => {
    about.textContent = `${(part().length / RATE).toFixed(1)} s of ${seconds.toFixed(1)} s`;
    const url = URL.createObjectURL(wav(part(), RATE));
    place.replaceChildren(player(Promise.resolve(url), "Your recording", peaksOf(part())).node);
  };
  from.addEventListener("change", redraw);
  to.addEventListener("change", redraw);
  const accept = () => {
    use(wav(part(), RATE), "recording.wav");
    closed();
  };
  const take = h("button", { type: "button", class: "hfw-button hfw-primary", onclick: accept }, "Use recording");
  const drop = h("button", { type: "button", class: "hfw-button", onclick: closed }, "Discard");
  const ends = h("div", { class: "hfw-trim" }, h("span", {}, "Trim"), from, to);
  node.replaceChildren(place, ends, h("div", { class: "hfw-row hfw-start" }, take, drop, about));
  redraw();
  take.focus();
}
