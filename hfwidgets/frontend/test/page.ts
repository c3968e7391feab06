// A page for the tests: import this before anything that touches the DOM.

import { after } from "node:test";
import { JSDOM } from "jsdom";
import { type ComponentChildren, render } from "preact";
import { act } from "preact/test-utils";
import type { ChunkLoader } from "../src/boot/chunk-loader.ts";
import type { Model } from "../src/boot/model.ts";
import type { PanelDocument, PanelShape } from "../src/document/protocol.ts";

const { window } = new JSDOM("<!doctype html><body></body>", { pretendToBeVisual: true });
class ResizeObserver {
  observe(): void {}
  disconnect(): void {}
}
const names = ["window", "document", "Node", "Text", "HTMLElement", "Element", "Document", "ShadowRoot", "DocumentFragment", "Event", "navigator", "MutationObserver", "getComputedStyle"];
for (const name of names) {
  const value = name === "window" ? window : Reflect.get(window, name);
  Object.defineProperty(globalThis, name, { value, configurable: true });
}
const frame = { requestAnimationFrame: () => 0, cancelAnimationFrame: () => undefined };
/** An image that is there at once. */
class LoadedImage {
  onload: () => void = () => undefined;
  set src(_: string) {
    queueMicrotask(() => this.onload());
  }
}
Object.assign(globalThis, { ResizeObserver, Image: LoadedImage, ...frame });

export const loader = { now: () => undefined, get: () => new Promise(() => undefined) } as unknown as ChunkLoader;

/** Draw something into the page. */
export function draw(children: ComponentChildren): HTMLElement {
  const place = document.createElement("div");
  document.body.append(place);
  // What is drawn may hold timers, which would keep the tests from ending.
  after(() => render(null, place));
  act(() => render(children, place));
  return place;
}

/** Do something and let everything be drawn that follows from it. */
export function perform(doing: () => void): void {
  act(doing);
}

export function fire(node: Element | null | undefined, name: string, more: object = {}): void {
  perform(() => node?.dispatchEvent(Object.assign(new window.Event(name, { bubbles: true, cancelable: true }), more)));
}

export const SHAPE: PanelShape = {
  key: "k",
  task: "text-classification",
  label: "Text classification",
  help: "",
  view: "form",
  fields: [],
  starters: [],
  providers: [],
  unserved: [],
  served: { label: "local", fixed: false },
  chunks: {},
};

const STATE = { status: "idle", run: 1, note: "", eta: null, stopping: false, inCell: false, failure: null, stats: null };

export function documentOf({ state, ...more }: Partial<Omit<PanelDocument, "state">> & { state?: Partial<PanelDocument["state"]> }): PanelDocument {
  return { state: { ...STATE, ...state }, settings: { model: "", provider: "", values: {} }, models: [], uploads: {}, ...more };
}

/** A kernel that hears everything and answers what `receive` is called with. */
export class Kernel implements Model {
  readonly said: unknown[] = [];
  alive = true;
  receive: (message: unknown, buffers?: DataView[]) => void = () => undefined;

  constructor(
    private doc: PanelDocument,
    private shape: PanelShape = SHAPE,
  ) {}

  get(name: string): unknown {
    return name === "_hfw_start" ? { shape: this.shape, doc: this.doc } : undefined;
  }

  set(): void {}

  save_changes(): void {}

  send(content: unknown): void {
    if (!this.alive) throw new Error("Cannot send");
    this.said.push(content);
  }

  on(name: string, callback: (...args: never[]) => void): void {
    if (name === "msg:custom") this.receive = (message, buffers) => perform(() => Reflect.apply(callback, null, [message, buffers]));
  }

  off(): void {}
}

/** Everything in the subtree that could act: handlers, styles, ids, scripts, frames, images. */
export function dangers(root: ParentNode): string[] {
  const found: string[] = [];
  for (const node of root.querySelectorAll("*")) {
    const name = node.nodeName.toLowerCase();
    if (/^(script|iframe|object|embed|img|svg|style|form|base|meta|link|video|audio)$/.test(name)) {
      found.push(name);
    }
    for (const { name: key, value } of node.attributes) {
      const acts = /^(on|data-|style$|id$|name$|src|srcset|formaction)/.test(key);
      const scheme = key === "href" && !/^(https?:|mailto:)/i.test(value);
      if (acts || scheme) found.push(`${name}[${key}=${value}]`);
    }
  }
  return found;
}
