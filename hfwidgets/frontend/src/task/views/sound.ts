// Sounds with their waveforms; transcripts whose parts lead to their moment.

import { copyButton, h } from "../../dom.ts";
import { type Player, player } from "../player.ts";
import { view } from "../result.ts";
import type { Chunk, Context, Track } from "../types.ts";

const UNTIMED = "Set Return timestamps to yes for parts that lead to their moment, and for subtitles.";

function trackView(track: Track, { link }: Context): Player {
  const made = player(link.media(track.id), track.label || "Sound", track.peaks);
  const about = [
    track.label,
    track.seconds !== null && `${track.seconds.toFixed(2)} s`,
    track.rate !== null && `${track.rate.toLocaleString("en")} Hz`,
  ];
  made.node.prepend(h("div", { class: "hfw-hint" }, about.filter(Boolean).join(" · ")));
  return made;
}

view("audio", (shown, context) => {
  const tracks = shown["tracks"] as Track[];
  const players = tracks.map((track) => trackView(track, context));
  for (const one of players) {
    one.sound.addEventListener("play", () => {
      for (const other of players) if (other !== one) other.sound.pause();
    });
  }
  const node = h("div", { class: "hfw-tracks" }, ...players.map((one) => one.node));
  if (players.length > 1) node.prepend(exchange(tracks, players));
  return { node };
});

/** Hear one track in place of another, from the same moment on. */
function exchange(tracks: Track[], players: Player[]): HTMLElement {
  let current = 0;
  const buttons = tracks.map((track, at) => {
    const made = h("button", { type: "button", class: "hfw-tab" }, track.label || `Sound ${at + 1}`);
    made.addEventListener("click", () => turn(at));
    return made;
  });
  const mark = (at: number) => {
    current = at;
    for (const [n, button] of buttons.entries()) button.setAttribute("aria-pressed", String(n === at));
  };
  const turn = (at: number) => {
    const [from, to] = [players[current] as Player, players[at] as Player];
    const [moment, plays] = [from.sound.currentTime, !from.sound.paused];
    from.sound.pause();
    mark(at);
    if (plays) to.seek(moment);
    else to.sound.currentTime = moment;
  };
  for (const [at, one] of players.entries()) one.sound.addEventListener("play", () => mark(at));
  mark(0);
  const words = h("span", { class: "hfw-hint" }, "Switch while it plays:");
  return h("div", { class: "hfw-row hfw-start", role: "group", "aria-label": "Switch between the sounds" }, words, ...buttons);
}

view("transcript", (shown, context) => {
  const text = shown.text ?? "";
  const chunks = (shown["chunks"] as Chunk[] | undefined) ?? [];
  const sound = shown["audio"] as Track | undefined;
  const node = h("div", { class: "hfw-said-text" });
  const made = sound ? trackView(sound, context) : null;
  if (made) node.append(made.node);
  if (!text.trim()) node.append(h("p", { class: "hfw-nothing" }, "No speech was found."));
  else if (chunks.length) node.append(parts(chunks, made));
  else node.append(h("div", { class: "hfw-text", dir: "auto" }, text), h("div", { class: "hfw-hint" }, UNTIMED));
  node.append(h("div", { class: "hfw-row hfw-start" }, copyButton("Copy text", () => text)));
  return { node };
});

function parts(chunks: Chunk[], made: Player | null): HTMLElement {
  const buttons = chunks.map((chunk) => {
    const button = h(
      made ? "button" : "div",
      made ? { type: "button", class: "hfw-chunk" } : { class: "hfw-chunk" },
      h("span", { class: "hfw-time" }, clock(chunk.start)),
      h("span", {}, chunk.text.trim()),
    );
    button.addEventListener("click", () => made?.seek(chunk.start));
    return button;
  });
  made?.sound.addEventListener("timeupdate", () => {
    const now = made.sound.currentTime;
    for (const [at, chunk] of chunks.entries()) {
      const end = chunk.end ?? chunks[at + 1]?.start ?? Infinity;
      const on = now >= chunk.start && now < end && now > 0;
      if (on) buttons[at]?.setAttribute("aria-current", "true");
      else buttons[at]?.removeAttribute("aria-current");
    }
  });
  return h("ol", { class: "hfw-chunks" }, ...buttons.map((button) => h("li", {}, button)));
}

/** Seconds as minutes and seconds: 1:02.3. */
export function clock(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  const rest = tenths % 600;
  return `${Math.floor(tenths / 600)}:${String(Math.floor(rest / 10)).padStart(2, "0")}.${rest % 10}`;
}
