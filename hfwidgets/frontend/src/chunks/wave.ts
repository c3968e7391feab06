// Waveforms that are the seek bar of their audio, with a part that can be chosen.

import WaveSurfer from "wavesurfer.js";
import Regions from "wavesurfer.js/dist/plugins/regions.esm.js";

export interface Part {
  start: number;
  end: number;
}

export interface Wave {
  /** Mark a part, in seconds, or none. */
  choose(part: Part | null): void;
  close(): void;
}

const HEIGHT = 56;

/** Draw the waveform of `audio` into `host`; `chosen` is called when the part is dragged. */
export function drawWave(
  host: HTMLElement,
  audio: HTMLAudioElement,
  peaks: number[],
  duration: number,
  chosen: (part: Part) => void,
): Wave {
  const { color, accentColor } = getComputedStyle(host);
  const regions = Regions.create();
  const surfer = WaveSurfer.create({
    container: host,
    media: audio,
    peaks: [peaks],
    duration,
    height: HEIGHT,
    waveColor: color,
    progressColor: accentColor,
    cursorColor: accentColor,
    cursorWidth: 1,
    barWidth: 2,
    barGap: 1,
    barRadius: 2,
    dragToSeek: true,
    plugins: [regions],
  });
  regions.on("region-updated", ({ start, end }) => chosen({ start, end }));
  return {
    choose: (part) => {
      const [region] = regions.getRegions();
      if (!part) regions.clearRegions();
      else if (region) region.setOptions({ ...part });
      else regions.addRegion({ ...part, color: "rgb(128 128 128 / 25%)" });
    },
    close: () => surfer.destroy(),
  };
}
