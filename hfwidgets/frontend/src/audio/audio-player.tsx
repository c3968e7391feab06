// The player: a button, and the waveform as the bar to seek with. Arrow keys move it as well.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Wave } from "../chunks/wave.ts";
import { IconButton } from "../parts/buttons.tsx";
import { formatClock } from "../parts/describe.ts";
import { usePanel } from "../parts/panel.ts";
import type { Player } from "./player.ts";
import { decodePeaks } from "./samples.ts";

const STEP_S = 5;
/** Of short audio, the share that a step moves. */
const STEP_SHARE = 0.25;
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
/** What is drawn of audio that the browser cannot decode. */
const FLAT = [0, 0];

interface AudioPlayerProps {
  player: Player;
  label: string;
  played?: () => void;
}

export function AudioPlayer({ player, label, played }: AudioPlayerProps) {
  const audio = useRef<HTMLAudioElement>(null);
  useEffect(() => (audio.current ? player.attach(audio.current) : undefined), [player]);
  const playing = player.playing.value;
  return (
    <div class="hfw-player">
      <audio ref={audio} preload="metadata" aria-label={label} onPlay={() => played?.()} />
      <IconButton icon={playing ? "pause" : "play"} label={playing ? "Pause" : "Play"} kind="hfw-play" act={() => player.toggle()} />
      <SeekBar player={player} label={label} audio={audio} />
      <div class="hfw-hint hfw-clock">
        <span>{`${formatClock(player.time.value)} / ${formatClock(player.duration.value)}`}</span>
        <Speed player={player} />
      </div>
    </div>
  );
}

function Speed({ player }: { player: Player }) {
  return (
    <select
      class="hfw-input hfw-speed"
      aria-label="Playback speed"
      value={player.speed.value}
      onChange={({ currentTarget }) => (player.speed.value = Number(currentTarget.value))}
    >
      {SPEEDS.map((speed) => <option key={speed} value={speed}>{`${speed}×`}</option>)}
    </select>
  );
}

function SeekBar({ player, label, audio }: { player: Player; label: string; audio: { current: HTMLAudioElement | null } }) {
  const host = useRef<HTMLDivElement>(null);
  useWave(player, host, audio);
  const [time, duration] = [player.time.value, player.duration.value];
  const key = (event: KeyboardEvent) => {
    const step = Math.min(STEP_S, duration * STEP_SHARE);
    const [back, on] = [time - step, time + step];
    const to = { ArrowLeft: back, ArrowDown: back, ArrowRight: on, ArrowUp: on, Home: 0, End: duration }[event.key];
    if (to !== undefined) player.seek(Math.min(to, duration));
    else if (event.key === " ") player.toggle();
    else return;
    event.preventDefault();
  };
  return (
    <div
      ref={host}
      class="hfw-wave"
      role="slider"
      tabIndex={0}
      aria-label={`Position in ${label}`}
      title="Arrow keys move by 5 seconds, the space bar plays"
      aria-valuemin={0}
      aria-valuemax={duration}
      aria-valuenow={time}
      aria-valuetext={`${formatClock(time)} of ${formatClock(duration)}`}
      onKeyDown={key}
    />
  );
}

/** Draw the waveform once the audio is there and its length is known. */
function useWave(player: Player, host: { current: HTMLElement | null }, audio: { current: HTMLAudioElement | null }): void {
  const { link } = usePanel();
  const [wave, setWave] = useState<Wave | null>(null);
  const known = player.duration.value > 0;
  const part = player.part.value;
  useEffect(() => {
    if (!known) return undefined;
    let closed = false;
    let drawn: Wave | null = null;
    const draw = async () => {
      const [{ drawWave }, { blob }] = await Promise.all([link.modules.get("wave"), player.media]);
      const peaks = player.peaks.length ? player.peaks.map((peak) => peak / 100) : await decodePeaks(blob);
      if (closed || !host.current || !audio.current) return;
      const choose = (chosen: { start: number; end: number }) => (player.part.value = chosen);
      drawn = drawWave(host.current, audio.current, peaks.length ? peaks : FLAT, player.duration.value, choose);
      setWave(drawn);
    };
    void draw();
    return () => {
      closed = true;
      drawn?.close();
      setWave(null);
    };
  }, [player, known, link]);
  useEffect(() => wave?.choose(part), [wave, part]);
}
