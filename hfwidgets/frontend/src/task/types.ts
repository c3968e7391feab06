// What the kernel says of a task's form, its inputs and its results.

import type { Link } from "../link.ts";
import type { Field, Value } from "../protocol.ts";

export interface Form {
  task: string;
  label: string;
  help: string;
  inputs: Field[];
  basics: Field[];
  fields: Field[];
  examples: Sample[];
  /** What an empty result says. */
  empty: string;
  tasks: { name: string; label: string; domain: string }[];
}

/** An example's inputs, and what it is about, in words. */
export interface Sample {
  about: string;
  preview: Record<string, Shown | null>;
}

/** An input as the kernel holds it: plain data, or a medium that is fetched by its name. */
export type Shown =
  | { kind: "plain"; value: Value }
  | { kind: "media"; id: string; about: string; fetch: boolean };

export interface Save {
  label: string;
  id: string;
  name: string;
}

export interface Row {
  label: string;
  score: number | null;
  note?: string;
  box?: [number, number, number, number];
  mask?: string;
  start?: number;
  end?: number;
}

export interface Track {
  label: string;
  id: string;
  type: string | null;
  seconds: number | null;
  rate: number | null;
  peaks: number[];
  saves?: Save[];
}

export interface Chunk {
  start: number;
  end: number | null;
  text: string;
}

/** One result; which of the optional parts are there depends on `kind`. */
export interface ResultView {
  kind: string;
  n?: number;
  raw?: string;
  saves?: Save[];
  rows?: Row[];
  text?: string;
  /** A table of the fields that the view itself leaves out. */
  rest?: ResultView;
  [part: string]: unknown;
}

export interface Banner {
  text: string;
  why: "unserved" | "key";
  /** The embedded engine has a route for the task. */
  local: boolean;
}

export interface Context {
  link: Link;
  announce: (text: string) => void;
}

/** A control of the form. */
export interface InputView {
  node: HTMLElement;
  /** The value as it stands on the page; undefined where the kernel has it already. */
  read(): Value | undefined;
  write(shown: Shown | null): void;
  /** Called after every change of the document. */
  update?(): void;
  focus(): void;
  close?(): void;
}
