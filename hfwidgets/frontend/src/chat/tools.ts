// What a chat panel has beside its conversation: a word before it begins, code, files, variables.
// It comes with the chunk that forms need, once the panel is on the page.

import { bar, h, iconButton, show } from "../dom.ts";
import type { Link } from "../link.ts";
import { Notice } from "../task/banner.ts";
import { Extras } from "../task/extras.ts";
import { variables } from "../task/inputs/variables.ts";
import type { ResultView } from "../task/types.ts";
import { Upload } from "../upload.ts";

export interface TalkPlaces {
  top: HTMLElement;
  drawer: HTMLElement;
  tools: HTMLElement;
  attach: HTMLElement;
  compose: HTMLElement;
  /** Put a picture into the next message. */
  add(files: File[]): void;
}

export function makeTalk(link: Link, announce: (text: string) => void, places: TalkPlaces): Talk {
  return new Talk(link, announce, places);
}

export class Talk {
  #notice: Notice;
  #extras: Extras;
  #pick: { node: HTMLElement; update(): void };
  #attached = 0;
  #open: HTMLButtonElement;

  constructor(
    private link: Link,
    announce: (text: string) => void,
    private places: TalkPlaces,
  ) {
    const source = {
      get shown() {
        return kept(link);
      },
    };
    this.#notice = new Notice(link);
    this.#extras = new Extras({ link, announce }, source);
    this.#pick = variables(link, "picture");
    this.#pick.node.classList.add("hfw-attach-variable");
    const file = h("input", { type: "file", accept: ".json,application/json", hidden: true, "aria-label": "Conversation to open" });
    file.addEventListener("change", async () => {
      const chosen = file.files?.[0];
      file.value = "";
      if (!chosen) return;
      const upload = new Upload(link, "conversation", chosen, chosen.name, () => undefined);
      await upload.run().catch((error: Error) => announce(error.message));
    });
    this.#open = iconButton("open", "Open a saved conversation", () => file.click());
    places.top.append(this.#notice.node);
    places.drawer.append(this.#extras.node);
    places.tools.append(...this.#extras.buttons, this.#open, file);
    places.attach.append(this.#pick.node);
    this.#attached = this.#attachment()?.n ?? 0;
    places.compose.addEventListener("focusin", () => link.act("names", { name: "picture" }), { once: true });
  }

  update(): void {
    this.#notice.update();
    this.#extras.update();
    this.#pick.update();
    const names = this.link.doc["names"] as Record<string, unknown[]>;
    show(this.places.attach, Boolean(names["picture"]?.length));
    bar(this.#open, this.link.busy);
    const found = this.#attachment();
    if (!found || found.n === this.#attached) return;
    this.#attached = found.n;
    void this.#take(found.id, found.about);
  }

  #attachment(): { n: number; id: string; about: string } | null {
    return this.link.doc["attached"] as { n: number; id: string; about: string } | null;
  }

  /** A picture that a variable holds travels to the page, so that it is seen before it is sent. */
  async #take(id: string, name: string): Promise<void> {
    const blob = await (await fetch(await this.link.media(id))).blob();
    this.places.add([new File([blob], name, { type: blob.type })]);
  }
}

/** The conversation as something to save and to look at. */
function kept(link: Link): ResultView | null {
  const found = link.doc["result"] as { n: number; raw: number } | null;
  if (!found) return null;
  const saves = [["JSON", "json"], ["Markdown", "md"]].map(([label, ending]) => ({
    label: String(label),
    id: `talk.${found.n}.${ending}`,
    name: `conversation.${ending}`,
  }));
  const turns = link.doc["turns"] as { role: string; text: string }[];
  const text = turns.findLast((turn) => turn.role === "assistant")?.text ?? "";
  const raw = found.raw ? `raw.${found.n}` : undefined;
  return { kind: "talk", n: found.n, saves, text, ...(raw ? { raw } : {}) };
}
