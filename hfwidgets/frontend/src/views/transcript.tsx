// Transcribed speech; parts with times lead to their moment.

import { useMemo } from "preact/hooks";
import { AudioPlayer } from "../audio/audio-player.tsx";
import { Player } from "../audio/player.ts";
import type { TranscriptChunk } from "../document/protocol.ts";
import { CopyButton } from "../parts/buttons.tsx";
import { formatClock } from "../parts/describe.ts";
import { usePanel } from "../parts/panel.ts";
import { registerView, type ViewOf } from "./registry.ts";

const UNTIMED = "Set Return timestamps for parts that lead to their moment, and for subtitles.";

function Transcript({ view }: { view: ViewOf<"transcript"> }) {
  const { link } = usePanel();
  const { text, chunks, audio } = view;
  const player = useMemo(() => (audio ? new Player(link.media(audio.id), audio) : null), [audio, link]);
  return (
    <div class="hfw-text-result">
      <Words text={text} chunks={chunks} player={player} />
      {player && <AudioPlayer player={player} label={audio?.label || "Audio"} />}
      <div class="hfw-row hfw-start">
        {view.n === undefined && <CopyButton label="Copy text" text={() => text} />}
        {text.trim() && !chunks.length && <span class="hfw-hint">{UNTIMED}</span>}
      </div>
    </div>
  );
}

function Words({ text, chunks, player }: { text: string; chunks: TranscriptChunk[]; player: Player | null }) {
  if (!text.trim()) return <p class="hfw-nothing">No speech was found.</p>;
  if (!chunks.length) return <div class="hfw-text hfw-answer-text" dir="auto">{text}</div>;
  const now = player?.time.value ?? 0;
  return (
    <ol class="hfw-chunks">
      {chunks.map((chunk, at) => {
        const start = chunk.start ?? 0;
        const end = chunk.end ?? chunks[at + 1]?.start ?? Infinity;
        const current = now > 0 && now >= start && now < end;
        return (
          <li key={at}>
            <Moment chunk={chunk} current={current} seek={player ? () => player.seek(start, true) : null} />
          </li>
        );
      })}
    </ol>
  );
}

function Moment({ chunk, current, seek }: { chunk: TranscriptChunk; current: boolean; seek: (() => void) | null }) {
  const words = (
    <>
      <span class="hfw-time">{formatClock(chunk.start ?? 0)}</span>
      <span dir="auto">{chunk.text.trim()}</span>
    </>
  );
  if (!seek) return <div class="hfw-chunk">{words}</div>;
  return (
    <button type="button" class="hfw-chunk" aria-current={current ? "true" : undefined} onClick={seek}>
      {words}
    </button>
  );
}

registerView("transcript", Transcript);
