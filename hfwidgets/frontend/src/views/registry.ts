// The views of results by the kinds that the kernel names. Each registers itself, in one module.

import type { FunctionComponent } from "preact";
import type { View } from "../document/protocol.ts";

export type ViewComponent<V> = FunctionComponent<{ view: V }>;

type Kind = View["kind"];

/** The view of one kind. */
export type ViewOf<K extends Kind> = Extract<View, { kind: K }>;

const VIEWS = new Map<string, ViewComponent<never>>();

export function registerView<K extends Kind>(kind: K, component: ViewComponent<ViewOf<K>>): void {
  VIEWS.set(kind, component);
}

/** The component of a kind; undefined for a kind that this front end does not know. */
export function findView(kind: string): ViewComponent<View> | undefined {
  return VIEWS.get(kind) as ViewComponent<View> | undefined;
}
