// What a task's view is: the shell gives it a frame, the registry gives it a name.

import type { Link } from "./link.ts";

export interface View {
  /** Where results show. */
  body: HTMLElement;
  /** Where the input is given; the run button is part of it. */
  input: HTMLElement;
  /** Buttons for the panel's foot. */
  actions: HTMLElement[];
  /** The input stands above the result, as in forms; else below it, as in conversations. */
  inputFirst?: boolean;
  close?(): void;
  /** Bring the view up to date with `link.doc`. */
  update(): void;
  /** Put the caret where the next input goes. */
  focus(): void;
}

export type MakeView = (link: Link, announce: (text: string) => void) => View;

const VIEWS = new Map<string, MakeView>();

export function register(name: string, make: MakeView): void {
  VIEWS.set(name, make);
}

export function makeView(link: Link, announce: (text: string) => void): View {
  const make = VIEWS.get(link.shape.view);
  if (!make) throw new Error(`hfwidgets: no view is called ${link.shape.view}`);
  return make(link, announce);
}
