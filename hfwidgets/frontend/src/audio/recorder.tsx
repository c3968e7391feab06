// The recorder: a level while it runs, then the waveform to trim and to use.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { addressOf } from "../document/address.ts";
import { Button } from "../parts/buttons.tsx";
import { Icon } from "../parts/icon.tsx";
import { AudioPlayer } from "./audio-player.tsx";
import { MicrophoneStream } from "./microphone.ts";
import { Player } from "./player.ts";
import { encodeWav, findPeaks } from "./samples.ts";
import { Trim } from "./trim.tsx";

const LONGEST_S = 600;

export interface DeviceProps {
  use: (file: Blob, name: string) => void;
  close: () => void;
}

interface Recording {
  samples: Float32Array;
  rate: number;
}

export function Recorder({ use, close }: DeviceProps) {
  const [recording, setRecording] = useState<Recording | null>(null);
  return (
    <div class="hfw-device">
      {recording ? <Cut recording={recording} use={use} close={close} /> : <Record done={setRecording} close={close} />}
    </div>
  );
}

function Record({ done, close }: { done: (recording: Recording) => void; close: () => void }) {
  const microphone = useMemo(() => new MicrophoneStream(), []);
  const [{ level, seconds, error }, setState] = useState({ level: 0, seconds: 0, error: "" });
  const cancel = useRef<HTMLSpanElement>(null);
  const finish = () => done({ samples: microphone.stop(), rate: microphone.rate });
  useEffect(() => {
    cancel.current?.querySelector("button")?.focus();
    const heard = (now: number) => {
      setState({ level: now, seconds: microphone.seconds, error: "" });
      if (microphone.seconds > LONGEST_S) finish();
    };
    microphone.start(heard).catch((why: unknown) => {
      setState({ level: 0, seconds: 0, error: why instanceof Error ? why.message : String(why) });
    });
    return () => void microphone.stop();
  }, [microphone]);
  const words = error || (seconds ? `Recording, ${seconds.toFixed(1)} s` : "Waiting for the microphone…");
  return (
    <div class="hfw-row hfw-start">
      <Icon name="mic" />
      <span class="hfw-level" aria-hidden="true">
        <i style={{ width: `${Math.min(100, level * 100)}%` }} />
      </span>
      <span class="hfw-hint" role={error ? "alert" : undefined}>{words}</span>
      <Button kind="hfw-button hfw-primary" act={finish} disabled={!seconds}>Stop recording</Button>
      <span ref={cancel}>
        <Button act={close}>Cancel</Button>
      </span>
    </div>
  );
}

/** Choose a part of what was recorded and use it. */
function Cut({ recording: { samples, rate }, use, close }: DeviceProps & { recording: Recording }) {
  const place = useRef<HTMLDivElement>(null);
  const player = useMemo(() => {
    const blob = encodeWav(samples, rate);
    const peaks = findPeaks(samples).map((peak) => peak * 100);
    return new Player(addressOf(blob).then((url) => ({ blob, url })), { peaks, seconds: samples.length / rate });
  }, [samples, rate]);
  useEffect(() => {
    place.current?.querySelector<HTMLElement>(".hfw-primary")?.focus();
    return () => void player.media.then(({ url }) => URL.revokeObjectURL(url));
  }, [player]);
  const take = () => {
    const { start, end } = player.part.value ?? { start: 0, end: samples.length / rate };
    use(encodeWav(samples.slice(Math.round(start * rate), Math.round(end * rate)), rate), "recording.wav");
    close();
  };
  return (
    <div ref={place} class="hfw-cut">
      <AudioPlayer player={player} label="Your recording" />
      <Trim player={player} />
      <div class="hfw-row hfw-start">
        <Button kind="hfw-button hfw-primary" act={take}>Use recording</Button>
        <Button act={close}>Discard</Button>
      </div>
    </div>
  );
}
