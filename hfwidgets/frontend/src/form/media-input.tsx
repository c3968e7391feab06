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
import { Several } from "./several.tsx";
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
  const several = kind === "image" && state.form.inputs.filter(({ control }) => control.kind === kind).length === 1;
  // What a single input is, the place for it says.
  const alone = state.form.inputs.length === 1;
  const medium = shown?.kind === "media" ? shown : null;
  const say = (note: string) => setTransfer({ ...IDLE, note });
  const name = (value: string) => {
    say("");
    link.act("address", { name: field.name, value });
  };
  const send = (files: NamedFile[], note = "") => sendFiles(link, field.name, files, note, upload, setTransfer);
  const take = (files: File[]) => {
    const fitting = files.filter((file) => !file.type || file.type.startsWith(`${kind}/`));
    const [other] = files.filter((file) => !fitting.includes(file));
    const note = other ? `${other.name} is not ${NOUNS[kind]}: it is ${other.type}.` : "";
    const named = fitting.map((file) => ({ file, name: file.name }));
    if (named.length) send(several ? named : named.slice(0, 1), note);
    else if (note) say(note);
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
        {medium ? <Medium field={field.name} kind={kind} medium={medium} small={small} remove={() => name("")} /> : <Invitation kind={kind} several={several} take={take} />}
        {state.preview.value === null && <Several input={field.name} />}
        <Ways kind={kind} several={several} input={field.name} name={name} open={open} replace={medium ? take : null} />
        {device && <Tool use={(file, file_name) => send([{ file, name: file_name }])} close={close} />}
        {transfer.share !== null && <progress class="hfw-bar" max={1} value={transfer.share} aria-label="Upload" />}
        <div class="hfw-hint">{transfer.amount}</div>
        <div class="hfw-hint" role="status">{transfer.note}</div>
      </div>
    </div>
  );
}

interface FilesProps {
  kind: string;
  several: boolean;
  take: (files: File[]) => void;
}

/** What an empty input says: one place for all ways of giving a file. */
function Invitation({ kind, several, take }: FilesProps) {
  return (
    <div class="hfw-invitation">
      <strong>{`Drop ${NOUNS[kind]} here${several ? ", or several" : ""}`}</strong>
      <span>
        {"paste it, or "}
        <FileButton kind={kind} several={several} take={take} label="browse your files" />
      </span>
    </div>
  );
}

function FileButton({ kind, several, take, label }: FilesProps & { label: string }) {
  const file = useRef<HTMLInputElement>(null);
  const chosen = (input: HTMLInputElement) => {
    const files = [...(input.files ?? [])];
    input.value = "";
    take(files);
  };
  return (
    <>
      <Button kind="hfw-link" act={() => file.current?.click()}>{label}</Button>
      <input ref={file} type="file" accept={`${kind}/*`} multiple={several} hidden onChange={({ currentTarget }) => chosen(currentTarget)} />
    </>
  );
}

interface WaysProps {
  kind: string;
  several: boolean;
  input: string;
  name: (address: string) => void;
  open: () => void;
  replace: ((files: File[]) => void) | null;
}

/** The quiet ways: an address, a variable, a device. */
function Ways({ kind, several, input, name, open, replace }: WaysProps) {
  const [address, setAddress] = useState(false);
  const device = DEVICES[kind];
  return (
    <div class="hfw-ways hfw-row hfw-start">
      {replace && <FileButton kind={kind} several={several} take={replace} label="Replace" />}
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
  const drop = <IconButton icon="close" label={`Remove the ${kind}`} act={remove} kind="hfw-over hfw-remove" />;
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

interface NamedFile {
  file: Blob;
  name: string;
}

/** Send a file, or several one after the other, which the kernel then takes over together. */
async function sendFiles(
  link: Connection,
  input: string,
  files: NamedFile[],
  note: string,
  current: { current: Upload | null },
  report: (transfer: Transfer) => void,
): Promise<void> {
  const refused = files.map(whyRefused).find(Boolean);
  if (refused) return report({ ...IDLE, note: refused });
  current.current?.stop();
  const names = files.length > 1 ? files.map((_, at) => `${input}.${at}`) : [input];
  for (const [at, { file, name }] of files.entries()) {
    const megabytes = file.size / MEBIBYTE;
    const progress = (share: number) => {
      const size = megabytes > 1 ? `${(share * megabytes).toFixed(1)} of ${megabytes.toFixed(1)} MB` : "";
      const amount = files.length > 1 ? `Image ${at + 1} of ${files.length}` : size;
      if (current.current === upload) report({ share: (at + share) / files.length, amount, note: "" });
    };
    const upload = new Upload(link, names[at] ?? input, file, name, progress);
    current.current = upload;
    progress(0);
    const why = await upload.run().catch((error: Error) => error.message);
    if (current.current !== upload) return;
    if (why) return report({ ...IDLE, note: why });
  }
  report({ ...IDLE, note });
  if (files.length > 1) link.act("each", { name: input, uploads: names });
}

function whyRefused({ file, name }: NamedFile): string {
  if (file.size === 0) return `${name} is empty.`;
  return file.size > LIMIT ? `${name} has ${(file.size / MEBIBYTE).toFixed(0)} MB; 256 MB is the limit.` : "";
}
