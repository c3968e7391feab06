// A result as a file: the bytes come from the kernel when they are asked for.

import { h } from "../dom.ts";
import type { Link } from "../link.ts";
import type { ResultView, Save, Track } from "./types.ts";

export function saveButtons(shown: ResultView, link: Link): HTMLElement {
  const tracks = (shown["tracks"] as Track[] | undefined) ?? [];
  const saves = [...tracks.flatMap((track) => track.saves ?? []), ...(shown.saves ?? [])];
  return h("div", { class: "hfw-row hfw-start" }, ...saves.map((save) => button(save, link)));
}

function button({ label, id, name }: Save, link: Link): HTMLElement {
  const made = h("button", { type: "button", class: "hfw-button" }, label);
  made.setAttribute("aria-label", `Save as ${label}`);
  made.addEventListener("click", async () => {
    const url = await link.media(id);
    const anchor = h("a", { href: url, download: name });
    document.body.append(anchor);
    anchor.click();
    anchor.remove();
  });
  return made;
}
