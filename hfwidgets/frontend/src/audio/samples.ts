// Samples of audio: their peaks, and the file of a recording.

const BUCKETS = 200;
const RATE = 16_000;

/** The peaks of samples, 0 to 1, the largest being 1. */
export function findPeaks(samples: ArrayLike<number>): number[] {
  const size = Math.max(1, Math.floor(samples.length / BUCKETS));
  const peaks: number[] = [];
  for (let at = 0; at < samples.length; at += size) {
    let top = 0;
    const end = Math.min(samples.length, at + size);
    for (let i = at; i < end; i++) top = Math.max(top, Math.abs(samples[i] ?? 0));
    peaks.push(top);
  }
  const most = Math.max(...peaks, 1e-9);
  return peaks.map((peak) => peak / most);
}

/** The peaks of a file that the browser can decode; none where it cannot. */
export async function decodePeaks(file: Blob): Promise<number[]> {
  try {
    const audio = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await file.arrayBuffer());
    return findPeaks(audio.getChannelData(0));
  } catch {
    return []; // the element may still play it: it supports more formats
  }
}

/** Return the WAV file (16 bits, mono) of samples between -1 and 1. */
export function encodeWav(samples: Float32Array, rate: number): Blob {
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
