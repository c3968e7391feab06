// Texts: answers, summaries and translations; continuations stand behind their beginning.

import { copyButton, h } from "../../dom.ts";
import { StreamedText } from "../../text/streamed.ts";
import type { Link } from "../../link.ts";
import { type Drawn, view } from "../result.ts";
import type { ResultView } from "../types.ts";

function words(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}

view("text", (shown, { link }) => {
  const text = shown.text ?? "";
  const node = h("div", { class: "hfw-said-text" });
  if (shown["markdown"]) return answer(shown, link);
  node.append(h("div", { class: "hfw-text" }, text || "No text came back."));
  const [made, given] = [words(text), words(String(shown["source"] ?? ""))];
  const share = given ? ` · ${Math.round((made / given) * 100)} % of the input` : "";
  const about = h("span", { class: "hfw-hint" }, `${made} words${share}`);
  node.append(h("div", { class: "hfw-row hfw-start" }, copyButton("Copy text", () => text), about));
  return { node };
});

/** A chat's answer, as it comes. */
function answer(first: ResultView, link: Link): Drawn {
  const streamed = new StreamedText(link.chunks);
  const copy = copyButton("Copy text", () => (link.doc["result"] as ResultView).text ?? "");
  const update = (now: ResultView) => void streamed.update(now.text ?? "", (now.n ?? 0) > 0);
  update(first);
  const row = h("div", { class: "hfw-row hfw-start" }, copy);
  return { node: h("div", { class: "hfw-said-text" }, streamed.node, row), update };
}

view("continuation", (first) => {
  const leaf = document.createTextNode(first.text ?? "");
  const made = h("span", { class: "hfw-made" }, leaf);
  const given = h("span", { class: "hfw-given" }, String(first["prompt"] ?? ""));
  const text = h("div", { class: "hfw-text" }, given, made);
  const copy = copyButton("Copy text", () => text.textContent ?? "");
  return {
    node: h("div", { class: "hfw-said-text" }, text, h("div", { class: "hfw-row hfw-start" }, copy)),
    update: (now) => {
      const next = now.text ?? "";
      if (next.startsWith(leaf.data)) leaf.appendData(next.slice(leaf.data.length));
      else leaf.data = next;
    },
  };
});
