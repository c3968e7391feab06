// The microphone, as samples: what browsers record themselves (webm, mp4) few servers can read.

import { h, icon, say } from "../dom.ts";
import { open } from "./devices.ts";
import { player } from "./player.ts";
import { type Part, Trim } from "./trim.ts";
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

/** Samples from the microphone until `stop` is called, which may be before they begin. */
export class Tap {
  #pieces: Float32Array[] = [];
  #length = 0;
  #over = false;
  #rate = RATE;
  #stream: MediaStream | null = null;
  #context: AudioContext | null = null;

  /** Samples a second. */
  get rate(): number {
    return this.#rate;
  }

  get seconds(): number {
    return this.#length / this.#rate;
  }

  async start(heard: (level: number) => void): Promise<void> {
    this.#stream = await open("microphone");
    if (this.#over) return this.#close();
    try {
      const [context, source] = joined(this.#stream);
      this.#context = context;
      this.#rate = context.sampleRate;
      await listen(context, source, (piece) => this.#take(piece, heard));
    } catch (error) {
      this.#close();
      throw error;
    }
    if (this.#over) this.#close();
  }

  stop(): Float32Array {
    this.#over = true;
    this.#close();
    const whole = new Float32Array(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  #take(piece: Float32Array, heard: (level: number) => void): void {
    if (this.#over) return;
    this.#pieces.push(piece);
    this.#length += piece.length;
    heard(piece.reduce((top, sample) => Math.max(top, Math.abs(sample)), 0));
  }

  #close(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    if (this.#context?.state !== "closed") void this.#context?.close();
  }
}

/** At 16 kHz where the browser changes the rate itself; Firefox wants the microphone's own. */
function joined(stream: MediaStream): [AudioContext, MediaStreamAudioSourceNode] {
  const wanted = new AudioContext({ sampleRate: RATE });
  try {
    return [wanted, wanted.createMediaStreamSource(stream)];
  } catch {
    void wanted.close();
    const own = new AudioContext();
    return [own, own.createMediaStreamSource(stream)];
  }
}

async function listen(
  context: AudioContext,
  source: MediaStreamAudioSourceNode,
  take: (piece: Float32Array) => void,
): Promise<void> {
  const url = URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }));
  try {
    await context.audioWorklet.addModule(url);
  } finally {
    URL.revokeObjectURL(url);
  }
  const node = new AudioWorkletNode(context, "hfw-tap", { numberOfOutputs: 0 });
  node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => take(data);
  source.connect(node);
}

export interface Device {
  node: HTMLElement;
  /** Let the device go; what was recorded is lost. */
  end(): void;
}

const button = (label: string, kind: string, act: () => void) =>
  h("button", { type: "button", class: `hfw-button ${kind}`, onclick: act }, label);

/** The recorder's panel: a level while it runs, then the waveform to trim and to use. */
export function recorder(use: (sound: Blob, name: string) => void, closed: () => void): Device {
  const node = h("div", { class: "hfw-device" });
  const tap = new Tap();
  const levels: number[] = [];
  const canvas = waveCanvas();
  const clock = h("span", { class: "hfw-hint" }, "Waiting for the microphone…");
  const end = () => void tap.stop();
  const cancel = button("Cancel", "", () => {
    end();
    closed();
  });
  const finish = () => cut(node, tap.stop(), tap.rate, use, closed);
  const stop = button("Stop recording", "hfw-primary", finish);
  stop.disabled = true;
  node.append(canvas, h("div", { class: "hfw-row hfw-start" }, icon("mic"), clock, stop, cancel));
  const heard = (level: number) => {
    levels.push(level * 100);
    stop.disabled = false;
    say(clock, `Recording, ${tap.seconds.toFixed(1)} s`);
    drawWave(canvas, levels.slice(-LEVELS));
    if (tap.seconds > LONGEST_S) finish();
  };
  tap.start(heard).catch((why: unknown) => {
    say(clock, why instanceof Error ? why.message : String(why));
    clock.setAttribute("role", "alert");
  });
  cancel.focus();
  return { node, end };
}

/** Choose a part of what was recorded and use it. */
function cut(
  node: HTMLElement,
  samples: Float32Array,
  rate: number,
  use: (sound: Blob, name: string) => void,
  closed: () => void,
): void {
  const url = URL.createObjectURL(wav(samples, rate));
  const played = player(Promise.resolve(url), "Your recording", peaksOf(samples));
  const trim = new Trim(samples.length / rate, (part) => played.choose(part));
  const over = () => {
    URL.revokeObjectURL(url);
    closed();
  };
  const part = ({ start, end }: Part) => samples.slice(Math.round(start * rate), Math.round(end * rate));
  const take = button("Use recording", "hfw-primary", () => {
    use(wav(part(trim.part), rate), "recording.wav");
    over();
  });
  const row = h("div", { class: "hfw-row hfw-start" }, take, button("Discard", "", over));
  node.replaceChildren(played.node, trim.node, row);
  take.focus();
}
