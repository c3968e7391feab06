// Samples of the microphone: what browsers record themselves (webm, mp4) few servers can read.

import { openDevice } from "./devices.ts";

export const RATE = 16_000;

const WORKLET = `registerProcessor("hfw-microphone", class extends AudioWorkletProcessor {
  process([input]) {
    if (input && input[0]) this.port.postMessage(input[0].slice());
    return true;
  }
});`;

/** Samples from the microphone until `stop` is called, which may be before they begin. */
export class MicrophoneStream {
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
    this.#stream = await openDevice("microphone");
    if (this.#over) return this.#close();
    try {
      const [context, source] = join(this.#stream);
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
function join(stream: MediaStream): [AudioContext, MediaStreamAudioSourceNode] {
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
  const node = new AudioWorkletNode(context, "hfw-microphone", { numberOfOutputs: 0 });
  node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => take(data);
  source.connect(node);
}
