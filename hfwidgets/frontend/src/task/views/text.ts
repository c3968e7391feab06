// Texts: answers, summaries and translations; continuations stand behind their beginning.

import { bar, copyButton, h } from "../../dom.ts";
import { StreamedText } from "../../text/streamed.ts";
import type { Link } from "../../link.ts";
import { codeInserter } from "../insert.ts";
import { type Drawn, view } from "../result.ts";
import type { ResultView } from "../types.ts";

function count(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}

view("text", (shown, { link }) => {
  const text = shown.text ?? "";
  if (shown["markdown"]) return answer(shown, link);
  const node = h("div", { class: "hfw-said-text" });
  const source = String(shown["source"] ?? "");
  const words = text || "No text came back.";
  if (shown["side_by_side"] && source) node.append(h("div", { class: "hfw-beside" }, side("Text", source), side("Translation", words)));
  else node.append(h("div", { class: "hfw-text", dir: "auto" }, words));
  const about = h("span", { class: "hfw-hint" }, measured(text, shown["side_by_side"] ? "" : source));
  node.append(h("div", { class: "hfw-row hfw-start" }, copyButton("Copy text", () => text), about));
  return { node };
});

function side(title: string, text: string): HTMLElement {
  return h("section", { "aria-label": title }, h("div", { class: "hfw-label" }, title), h("div", { class: "hfw-text", dir: "auto" }, text));
}

function measured(text: string, source: string): string {
  const [made, given] = [count(text), count(source)];
  const share = given ? ` · ${Math.round((made / given) * 100)} % of the ${given} words given` : "";
  return `${made} ${made === 1 ? "word" : "words"}${share}`;
}

/** A chat's answer, as it comes. */
function answer(first: ResultView, link: Link): Drawn {
  const streamed = new StreamedText(link.chunks, codeInserter(link));
  const copy = copyButton("Copy text", () => (link.doc["result"] as ResultView).text ?? "");
  const update = (now: ResultView) => void streamed.update(now.text ?? "", (now.n ?? 0) > 0);
  update(first);
  const row = h("div", { class: "hfw-row hfw-start" }, copy);
  return { node: h("div", { class: "hfw-said-text" }, streamed.node, row), update };
}

view("continuation", (first, { link }) => {
  const leaf = document.createTextNode(first.text ?? "");
  const made = h("span", { class: "hfw-made" }, leaf);
  const given = h("span", { class: "hfw-given" }, String(first["prompt"] ?? ""));
  const text = h("div", { class: "hfw-text", dir: "auto" }, given, made);
  const button = (label: string, act: string, title: string) =>
    h("button", { type: "button", class: "hfw-button", title, onclick: () => link.act(act) }, label);
  const more = button("Continue", "continue", "Go on from where the text ended");
  const undo = button("Undo", "undo", "Take the last continuation back");
  const copy = copyButton("Copy text", () => text.textContent ?? "");
  const update = (now: ResultView) => {
    for (const one of [more, undo]) bar(one, link.busy);
    const next = now.text ?? "";
    if (next.startsWith(leaf.data)) leaf.appendData(next.slice(leaf.data.length));
    else leaf.data = next;
  };
  update(first);
  return {
    node: h("div", { class: "hfw-said-text" }, text, h("div", { class: "hfw-row hfw-start" }, more, undo, copy)),
    update,
  };
});
