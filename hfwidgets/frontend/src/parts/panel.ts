// What every component of a panel may use: its connection, and a voice for screen readers.

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Connection } from "../document/connection.ts";

export interface Panel {
  link: Connection;
  /** Say a sentence to those who do not see the panel. */
  announce(text: string): void;
}

export const PanelContext = createContext<Panel | null>(null);

export function usePanel(): Panel {
  const panel = useContext(PanelContext);
  if (!panel) throw new Error("hfwidgets: a component stands outside of a panel");
  return panel;
}
