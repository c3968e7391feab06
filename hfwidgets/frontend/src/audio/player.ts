// Audio that plays: one element, and what is known of it as signals.

import { effect, signal } from "@preact/signals";
import type { Part } from "../chunks/wave.ts";
import type { Media } from "../document/connection.ts";

const NEAR_END_S = 0.02;

interface Known {
  peaks?: number[];
  seconds?: number | null;
}

export class Player {
  /** Seconds. */
  readonly time = signal(0);
  readonly duration = signal(0);
  readonly playing = signal(false);
  /** How fast it plays; the pitch stays. */
  readonly speed = signal(1);
  /** The part that plays; null for all of it. */
  readonly part = signal<Part | null>(null);
  readonly peaks: number[];
  #audio: HTMLAudioElement | null = null;

  /** Never plays by itself. Peaks from 0 to 100 are drawn where they are known. */
  constructor(
    readonly media: Promise<Media>,
    { peaks = [], seconds }: Known = {},
  ) {
    this.peaks = peaks;
    this.duration.value = seconds ?? 0;
  }

  /** Follow an element until what is returned is called. */
  attach(audio: HTMLAudioElement): () => void {
    this.#audio = audio;
    // A new source falls back to the default.
    const stopFollowing = effect(() => {
      audio.playbackRate = audio.defaultPlaybackRate = this.speed.value;
    });
    let closed = false;
    const listeners: [string, () => void][] = [
      ["timeupdate", () => this.#moved(audio)],
      ["seeked", () => this.#moved(audio)],
      ["play", () => this.#begin(audio)],
      ["pause", () => (this.playing.value = false)],
      ["loadedmetadata", () => Number.isFinite(audio.duration) && (this.duration.value = audio.duration)],
    ];
    for (const [name, act] of listeners) audio.addEventListener(name, act);
    void this.media.then(({ url }) => {
      if (!closed) audio.src = url;
    });
    return () => {
      closed = true;
      for (const [name, act] of listeners) audio.removeEventListener(name, act);
      stopFollowing();
      audio.pause();
    };
  }

  /** Go to a moment, in seconds, and play from there. */
  seek(seconds: number, play = this.playing.value): void {
    if (!this.#audio) return;
    this.#audio.currentTime = Math.max(0, seconds);
    this.time.value = Math.max(0, seconds);
    if (play) void this.#audio.play().catch(() => undefined); // a click allows it nearly everywhere
  }

  toggle(): void {
    if (this.playing.value) this.pause();
    else void this.#audio?.play().catch(() => undefined);
  }

  pause(): void {
    this.#audio?.pause();
  }

  #moved(audio: HTMLAudioElement): void {
    this.time.value = audio.currentTime;
    const part = this.part.value;
    if (part && !audio.paused && audio.currentTime >= part.end) audio.pause();
  }

  #begin(audio: HTMLAudioElement): void {
    this.playing.value = true;
    const part = this.part.value;
    if (part && (audio.currentTime < part.start || audio.currentTime >= part.end - NEAR_END_S)) {
      audio.currentTime = part.start;
    }
  }
}
