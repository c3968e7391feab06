// What the kernel and the page say to each other. The kernel keeps one plain document per panel;
// the page mirrors it from numbered patches and asks for the whole when a number is missing.

export type Path = (string | number)[];

/** Set a value; append text at an offset (UTF-16 units); cut a list to a length. */
export type Op = ["=", Path, unknown] | ["+", Path, number, string] | ["cut", Path, number];

export type FromKernel =
  | { k: "ops"; seq: number; ops: Op[] }
  | { k: "doc"; seq: number; doc: Doc }
  | { k: "chunk"; name: string; hash: string }
  | { k: "media"; id: string; type: string };

export type ToKernel =
  | { k: "hello"; seq: number }
  | { k: "chunk"; name: string }
  | { k: "media"; id: string }
  | { k: "do"; do: string; [argument: string]: unknown };

export type Status =
  | "idle"
  | "validating"
  | "loading"
  | "running"
  | "streaming"
  | "done"
  | "stopped"
  | "failed";

export const BUSY: ReadonlySet<Status> = new Set<Status>([
  "validating",
  "loading",
  "running",
  "streaming",
]);

export interface Failure {
  title: string;
  text: string;
  /** The whole text, where it is too long to be shown at once. */
  details?: string;
  /** The panel asks for a key right there when the service wants one. */
  wants: "key" | "weights" | "";
  /** The set of weights that would help. */
  set?: string;
}

export interface Stats {
  first?: number;
  rate?: number;
  seconds?: number;
  /** Seconds that the server itself took. */
  server?: number;
  prompt?: number;
  completion?: number;
  /** The tokens were counted by us, from the pieces of the stream. */
  counted?: boolean;
  model?: string;
  provider?: string;
  finish?: string;
  /** US dollars. */
  cost?: number;
  /** The server answered from its cache, or expressly not. */
  cached?: boolean;
  /** The day of a recorded answer, as people read it. */
  recorded?: string;
}

export interface State {
  status: Status;
  run: number;
  note: string;
  /** Seconds that the present wait is expected to take. */
  eta: number | null;
  stopping: boolean;
  /** True while the panel's own blocking call occupies the kernel's cell. */
  inCell: boolean;
  failure: Failure | null;
  stats: Stats | null;
}

export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

export interface Settings {
  model: string;
  provider: string;
  values: Record<string, Value>;
}

export interface Doc {
  state: State;
  settings: Settings;
  /** Names to complete the model field with. */
  models: string[];
  [part: string]: unknown;
}

export interface Control {
  kind: string;
  low?: number | null;
  high?: number | null;
  step?: number | null;
  whole?: boolean;
  count?: number;
  options?: string[];
  marks?: string[];
  least?: number;
}

export interface Field {
  name: string;
  label: string;
  help: string;
  advanced: boolean;
  control: Control;
}

/** What does not change while a panel lives; made from the task's declaration. */
export interface Shape {
  key: string;
  task: string;
  label: string;
  help: string;
  view: string;
  fields: Field[];
  starters: string[];
  /** The tasks to choose from, where there are several. */
  tasks?: { name: string; label: string; domain: string }[];
  providers: string[];
  /** What answers when no provider is chosen; `fixed` where there is nothing to choose. */
  served: { label: string; fixed: boolean };
  chunks: Record<string, string>;
}
