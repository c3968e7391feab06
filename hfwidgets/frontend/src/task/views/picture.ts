// A picture; where it was made from another, both with a slider between them. And films.

import { h } from "../../dom.ts";
import type { Link } from "../../link.ts";
import { view } from "../result.ts";

view("image", (shown, { link }) => {
  const after = h("img", { alt: `The picture, ${shown["width"]} by ${shown["height"]} pixels` });
  void link.media(shown["id"] as string).then((url) => (after.src = url));
  const seed = shown["seed"] === undefined ? "" : ` · seed ${String(shown["seed"])}`;
  const size = h("div", { class: "hfw-hint" }, `${shown["width"]} × ${shown["height"]} pixels${seed}`);
  const stage = h("div", { class: "hfw-photo" }, after);
  const ratio = Number(shown["width"]) / Number(shown["height"]);
  stage.style.maxWidth = `min(100%, ${Math.round(460 * ratio)}px)`;
  if (!shown["before"]) return { node: h("div", {}, stage, size) };
  const before = h("img", { class: "hfw-before", alt: "The picture it was made from" });
  void link.media(shown["before"] as string).then((url) => (before.src = url));
  const range = h("input", {
    type: "range",
    min: 0,
    max: 100,
    value: "50",
    class: "hfw-wipe",
    "aria-label": "Before and after: how much of the picture before is shown",
  });
  const wipe = () => stage.style.setProperty("--hfw-wipe", `${range.value}%`);
  range.addEventListener("input", wipe);
  wipe();
  stage.append(before, range, h("span", { class: "hfw-divider", "aria-hidden": "true" }));
  stage.classList.add("hfw-compare-pictures");
  const words = h("div", { class: "hfw-ends hfw-hint" }, h("span", {}, "before"), size, h("span", {}, "after"));
  words.style.maxWidth = stage.style.maxWidth;
  return { node: h("div", {}, stage, words) };
});

view("video", (shown, { link }) => {
  const film = h("video", { controls: true, preload: "metadata", class: "hfw-film", "aria-label": "The film" });
  // The first picture stands still until it is played; a moment after 0 makes Safari show it too.
  void link.media(shown["id"] as string).then((url) => (film.src = `${url}#t=0.001`));
  const note = h("p", { class: "hfw-hint", role: "status" });
  film.addEventListener("loadeddata", () => shown.n && void send(film, shown.n, link), { once: true });
  film.addEventListener("error", () => {
    note.textContent = "This browser cannot play the film; it can be saved below.";
  });
  return { node: h("div", {}, film, note) };
});

const POSTER = 640;

/** The kernel cannot decode films: what is saved without a player shows the picture that it is sent. */
async function send(film: HTMLVideoElement, number: number, link: Link): Promise<void> {
  const by = Math.min(1, POSTER / Math.max(1, film.videoWidth));
  const canvas = h("canvas", { width: Math.round(film.videoWidth * by), height: Math.round(film.videoHeight * by) });
  canvas.getContext("2d")?.drawImage(film, 0, 0, canvas.width, canvas.height);
  const still = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", 0.85));
  if (still) link.act("poster", { number }, [await still.arrayBuffer()]);
}
