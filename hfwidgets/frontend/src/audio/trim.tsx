// Choosing a part of audio: by dragging on the waveform, or with two handles that keys move too.

import { useEffect, useState } from "preact/hooks";
import type { Part } from "../chunks/wave.ts";
import type { Player } from "./player.ts";

const LEAST_S = 0.05;

/** The part between two moments, which may come in either order; never empty, within the length. */
export function partBetween(one: number, other: number, seconds: number): Part {
  const start = Math.min(one, other, Math.max(0, seconds - LEAST_S));
  return { start, end: Math.max(one, other, Math.min(seconds, start + LEAST_S)) };
}

/** The handles; what is chosen is the player's part. */
export function Trim({ player }: { player: Player }) {
  const seconds = player.duration.value;
  const part = player.part.value ?? { start: 0, end: seconds };
  const [ends, setEnds] = useState<[number, number]>([part.start, part.end]);
  useEffect(() => {
    player.part.value = { start: 0, end: seconds };
  }, [player, seconds]);
  // The waveform's own handles move the part as well.
  const shown = isSame(partBetween(...ends, seconds), part) ? ends : ([part.start, part.end] as const);
  const move = (one: number, other: number) => {
    setEnds([one, other]);
    player.part.value = partBetween(one, other, seconds);
  };
  const handle = (label: string, at: 0 | 1) => (
    <input
      type="range"
      min={0}
      max={seconds}
      step={0.01}
      value={shown[at]}
      aria-label={label}
      onInput={({ currentTarget: { valueAsNumber: value } }) => (at ? move(shown[0], value) : move(value, shown[1]))}
    />
  );
  return (
    <div class="hfw-trim">
      <span>Trim</span>
      {handle("Start of the part, in seconds", 0)}
      {handle("End of the part, in seconds", 1)}
      <output class="hfw-hint">{`${(part.end - part.start).toFixed(1)} s of ${seconds.toFixed(1)} s`}</output>
    </div>
  );
}

function isSame(one: Part, other: Part): boolean {
  return one.start === other.start && one.end === other.end;
}
