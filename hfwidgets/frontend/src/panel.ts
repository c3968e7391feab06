// The widget module: one link per model, one shell per view of it.

import "./chat/view.ts";
import { Link, type Model } from "./link.ts";
import { Shell } from "./shell.ts";

const links = new Map<string, Link>();

function linkOf(model: Model): Link {
  const { shape } = model.get("_start") as { shape: { key: string } };
  const known = links.get(shape.key);
  if (known) return known;
  const made = new Link(model);
  links.set(shape.key, made);
  return made;
}

function initialize({ model }: { model: Model }): () => void {
  const link = linkOf(model);
  return () => {
    link.close();
    links.delete(link.shape.key);
  };
}

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const shell = new Shell(linkOf(model));
  el.append(shell.node);
  return () => {
    shell.close();
    shell.node.remove();
  };
}

export default { initialize, render };
