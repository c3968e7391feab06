// An image, audio or video: dropped, pasted, chosen, named by URL, path or variable, or recorded.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { AudioPlayer } from "../audio/audio-player.tsx";
import { type Device, whyBlocked } from "../audio/devices.ts";
import { Player } from "../audio/player.ts";
import { Recorder } from "../audio/recorder.tsx";
import { Trim } from "../audio/trim.tsx";
import { Webcam } from "../audio/webcam.tsx";
import type { Connection } from "../document/connection.ts";
import type { InputView } from "../document/protocol.ts";
import { LIMIT, Upload } from "../document/upload.ts";
import { Button, IconButton } from "../parts/buttons.tsx";
import { dropTarget } from "../parts/drop-target.ts";
import { Icon } from "../parts/icon.tsx";
import { KernelImage } from "../parts/media.tsx";
import { usePanel } from "../parts/panel.ts";
import type { InputProps } from "./input-props.ts";
import { useNames, Variables } from "./variables.tsx";

const NOUNS: Record<string, string> = { image: "an image", audio: "an audio file", video: "a video" };
const DEVICES: Record<string, Device> = { audio: "microphone", image: "camera" };
const MEBIBYTE = 2 ** 20;

/** How a transfer goes; `share` is null while there is none. */
interface Transfer {
  share: number | null;
  amount: string;
  note: string;
}

const IDLE: Transfer = { share: null, amount: "", note: "" };

export function MediaInput({ field, state, small }: InputProps & { small: boolean }) {
  const { link } = usePanel();
  const { kind } = field.control;
  const [transfer, setTransfer] = useState(IDLE);
  const [device, setDevice] = useState(false);
  const [over, setOver] = useState(false);
  const zone = useRef<HTMLDivElement>(null);
  const upload = useRef<Upload | null>(null);
  const shown = state.shown(field.name);
  // What a single input is, the place for it says.
  const alone = state.form.inputs.length === 1;
  const medium = shown?.kind === "media" ? shown : null;
  const say = (note: string) => setTransfer({ ...IDLE, note });
  const name = (value: string) => {
    say("");
    link.act("address", { name: field.name, value });
  };
  const send = (file: Blob, file_name: string) => sendFile(link, field.name, file, file_name, upload, setTransfer);
  const take = (files: File[]) => {
    const [file] = files;
    if (file && file.type && !file.type.startsWith(`${kind}/`)) say(`${file.name} is not ${NOUNS[kind]}: it is ${file.type}.`);
    else if (file) send(file, file.name);
  };
  const drop = (data: DataTransfer | null) => {
    const files = [...(data?.files ?? [])];
    const address = data?.getData("text/uri-list").split("\n")[0];
    if (files.length) take(files);
    else if (address) name(address);
    return true;
  };
  useEffect(() => {
    const paste = (files: File[]) => {
      const fitting = files.filter((file) => file.type.startsWith(`${kind}/`));
      if (fitting.length) take(fitting);
      return fitting.length > 0;
    };
    state.takers.add(paste);
    return () => {
      state.takers.delete(paste);
      upload.current?.stop();
    };
  }, [state]);
  const open = () => {
    const why = whyBlocked(DEVICES[kind] ?? "camera");
    say(why);
    if (!why) setDevice(true);
  };
  const close = () => {
    setDevice(false);
    requestAnimationFrame(() => zone.current?.querySelector<HTMLElement>(".hfw-open-device")?.focus());
  };
  const names = `hfw-zone${medium ? " hfw-filled" : ""}${over ? " hfw-drop" : ""}`;
  const Tool = kind === "audio" ? Recorder : Webcam;
  return (
    <div class="hfw-field" {...useNames(field.name)}>
      <span class={alone ? "hfw-unseen" : "hfw-label"}>{field.label}</span>
      <div ref={zone} class={names} role="group" aria-label={field.label} tabIndex={-1} {...dropTarget(["Files", "text/uri-list"], drop, setOver)}>
        {medium ? <Medium field={field.name} kind={kind} medium={medium} small={small} remove={() => name("")} /> : <Invitation kind={kind} take={take} />}
        <Ways kind={kind} input={field.name} name={name} open={open} replace={medium ? take : null} />
        {device && <Tool use={send} close={close} />}
        {transfer.share !== null && <progress class="hfw-bar" max={1} value={transfer.share} aria-label="Upload" />}
        <div class="hfw-hint">{transfer.amount}</div>
        <div class="hfw-hint" role="status">{transfer.note}</div>
      </div>
    </div>
  );
}

/** What an empty input says: one place for all ways of giving a file. */
function Invitation({ kind, take }: { kind: string; take: (files: File[]) => void }) {
  return (
    <div class="hfw-invitation">
      <strong>{`Drop ${NOUNS[kind]} here`}</strong>
      <span>
        {"paste it, or "}
        <FileButton kind={kind} take={take} label="browse your files" />
      </span>
    </div>
  );
}

function FileButton({ kind, take, label }: { kind: string; take: (files: File[]) => void; label: string }) {
  const file = useRef<HTMLInputElement>(null);
  const chosen = (input: HTMLInputElement) => {
    const files = [...(input.files ?? [])];
    input.value = "";
    take(files);
  };
  return (
    <>
      <Button kind="hfw-link" act={() => file.current?.click()}>{label}</Button>
      <input ref={file} type="file" accept={`${kind}/*`} hidden onChange={({ currentTarget }) => chosen(currentTarget)} />
    </>
  );
}

interface WaysProps {
  kind: string;
  input: string;
  name: (address: string) => void;
  open: () => void;
  replace: ((files: File[]) => void) | null;
}

/** The quiet ways: an address, a variable, a device. */
function Ways({ kind, input, name, open, replace }: WaysProps) {
  const [address, setAddress] = useState(false);
  const device = DEVICES[kind];
  return (
    <div class="hfw-ways hfw-row hfw-start">
      {replace && <FileButton kind={kind} take={replace} label="Replace" />}
      <Button kind="hfw-quiet" act={() => setAddress(!address)} expanded={address}>
        <Icon name="url" />
        URL
      </Button>
      <Variables input={input} />
      {device && (
        <Button kind="hfw-quiet hfw-open-device" act={open}>
          <Icon name={device === "microphone" ? "mic" : "camera"} />
          {device === "microphone" ? "Record" : "Camera"}
        </Button>
      )}
      {address && <Address kind={kind} name={name} />}
    </div>
  );
}

function Address({ kind, name }: { kind: string; name: (address: string) => void }) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => box.current?.focus(), []);
  const use = (input: HTMLInputElement) => {
    if (input.value.trim()) name(input.value.trim());
    input.value = "";
  };
  return (
    <input
      ref={box}
      class="hfw-input hfw-address"
      placeholder="https://… or a path"
      aria-label={`URL or path of the ${kind}`}
      spellcheck={false}
      onChange={({ currentTarget }) => use(currentTarget)}
    />
  );
}

interface MediumProps {
  field: string;
  kind: string;
  medium: InputView;
  small: boolean;
  remove: () => void;
}

function Medium({ field, kind, medium, small, remove }: MediumProps) {
  const about = medium.about ?? "";
  const drop = <IconButton icon="close" label={`Remove the ${kind}`} act={remove} kind="hfw-remove" />;
  const caption = <div class="hfw-hint" dir="auto">{about}</div>;
  if (medium.fetch && kind === "audio") {
    return (
      <div class="hfw-medium">
        <AudioMedium key={medium.id} field={field} medium={medium} caption={caption} />
        {drop}
      </div>
    );
  }
  return (
    <div class={`hfw-medium${small ? " hfw-small-medium" : ""}`}>
      {medium.fetch && <InputImage id={medium.id ?? ""} about={about} small={small} />}
      {caption}
      {drop}
    </div>
  );
}

/** The image; where the result shows it as well, a thumbnail that opens. */
function InputImage({ id, about, small }: { id: string; about: string; small: boolean }) {
  const [large, setLarge] = useState(false);
  const image = <KernelImage id={id} alt={about || "The chosen image"} />;
  if (!small) return image;
  return (
    <button type="button" class={`hfw-thumbnail${large ? " hfw-large" : ""}`} aria-label={large ? "Show the input small" : "Show the input large"} aria-expanded={large} onClick={() => setLarge(!large)}>
      {image}
    </button>
  );
}

function AudioMedium({ field, medium, caption }: { field: string; medium: InputView; caption: ComponentChildren }) {
  const { link } = usePanel();
  const [player] = useState(() => new Player(link.media(medium.id ?? "")));
  const [open, setOpen] = useState(false);
  const toggle = () => {
    if (open) player.part.value = null;
    setOpen(!open);
  };
  // The kernel cuts: it holds the audio, in a format that the page may not be able to write.
  const keep = () => {
    const { start, end } = player.part.value ?? { start: 0, end: player.duration.value };
    link.act("trim", { name: field, start, end });
  };
  return (
    <>
      <AudioPlayer player={player} label={medium.about || "Audio"} />
      <div class="hfw-row hfw-start">
        {caption}
        <Button kind="hfw-quiet" act={toggle} disabled={!player.duration.value} expanded={open}>Trim</Button>
      </div>
      {open && (
        <div class="hfw-part-of">
          <Trim player={player} />
          <Button act={keep}>Keep this part</Button>
        </div>
      )}
    </>
  );
}

function sendFile(
  link: Connection,
  input: string,
  file: Blob,
  name: string,
  current: { current: Upload | null },
  report: (transfer: Transfer) => void,
): void {
  const megabytes = file.size / MEBIBYTE;
  if (file.size === 0) return report({ ...IDLE, note: `${name} is empty.` });
  if (file.size > LIMIT) return report({ ...IDLE, note: `${name} has ${megabytes.toFixed(0)} MB; 256 MB is the limit.` });
  current.current?.stop();
  const progress = (share: number) => {
    const amount = megabytes > 1 ? `${(share * megabytes).toFixed(1)} of ${megabytes.toFixed(1)} MB` : "";
    if (current.current === upload) report({ share, amount, note: "" });
  };
  const upload = new Upload(link, input, file, name, progress);
  current.current = upload;
  progress(0);
  const end = (note: string) => current.current === upload && report({ ...IDLE, note });
  upload.run().then(
    () => end(""),
    (why: Error) => end(why.message),
  );
}
