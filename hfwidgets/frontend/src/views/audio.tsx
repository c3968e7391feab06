// Tracks of audio, to be heard one in place of another.

import { useMemo, useState } from "preact/hooks";
import { AudioPlayer } from "../audio/audio-player.tsx";
import { Player } from "../audio/player.ts";
import type { AudioTrack } from "../document/protocol.ts";
import { Button, IconButton } from "../parts/buttons.tsx";
import { usePanel } from "../parts/panel.ts";
import { saveFile } from "../parts/save-file.ts";
import { registerView, type ViewOf } from "./registry.ts";

function AudioResult({ view }: { view: ViewOf<"audio"> }) {
  const { tracks } = view;
  const [current, setCurrent] = useState(0);
  const { link } = usePanel();
  const players = useMemo(() => tracks.map((track) => new Player(link.media(track.id), track)), [tracks, link]);
  const pauseOthers = (at: number) => {
    setCurrent(at);
    for (const [other, player] of players.entries()) if (other !== at) player.pause();
  };
  const turn = (at: number) => {
    const [from, to] = [players[current], players[at]];
    if (!from || !to) return;
    const [moment, plays] = [from.time.value, from.playing.value];
    from.pause();
    setCurrent(at);
    to.seek(moment, plays);
  };
  return (
    <div class="hfw-tracks">
      {tracks.length > 1 && <Switch tracks={tracks} current={current} turn={turn} />}
      {players.map((player, at) => (
        <TrackPlayer key={at} track={tracks[at]} player={player} played={() => pauseOthers(at)} />
      ))}
    </div>
  );
}

/** Hear one track in place of another, from the same moment on. */
function Switch({ tracks, current, turn }: { tracks: AudioTrack[]; current: number; turn: (at: number) => void }) {
  return (
    <div class="hfw-row hfw-start" role="group" aria-label="Switch between the tracks">
      <span class="hfw-hint">Switch while it plays:</span>
      {tracks.map((track, at) => (
        <Button key={at} kind="hfw-tab" pressed={at === current} act={() => turn(at)}>
          {track.label || `Track ${at + 1}`}
        </Button>
      ))}
    </div>
  );
}

function TrackPlayer({ track, player, played }: { track: AudioTrack | undefined; player: Player; played: () => void }) {
  const { link } = usePanel();
  const about = [
    track?.label,
    track?.seconds != null && `${track.seconds.toFixed(2)} s`,
    track?.rate != null && `${track.rate.toLocaleString("en")} Hz`,
  ];
  return (
    <div>
      <div class="hfw-row">
        <span class="hfw-hint">{about.filter(Boolean).join(" · ")}</span>
        <span class="hfw-gap" />
        {track?.saves?.map((save) => (
          <IconButton key={save.id} icon="save" label={`Download ${track.label || "the audio"}`} act={() => void saveFile(link, save)} />
        ))}
      </div>
      <AudioPlayer player={player} label={track?.label || "Audio"} played={played} />
    </div>
  );
}

registerView("audio", AudioResult);
