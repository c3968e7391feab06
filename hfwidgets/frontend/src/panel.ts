// The widget module: one link per model, one shell per view of it.

import "./chat/view.ts";
import "./task/stub.ts";
import { Link, type Model } from "./link.ts";
import { Shell } from "./shell.ts";

const links = new Map<string, Link>();

function linkOf(model: Model): Link {
  const { shape } = model.get("_hfw_start") as { shape: { key: string } };
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
  const link = linkOf(model);
  let shell = new Shell(link);
  let { task } = link.shape;
  el.append(shell.node);
  const unwatch = link.watch(() => {
    if (link.shape.task === task) return; // another task was chosen: the form is another one
    ({ task } = link.shape);
    const old = shell;
    shell = new Shell(link);
    const inside = old.node.contains(el.ownerDocument.activeElement);
    old.close();
    old.node.replaceWith(shell.node);
    if (inside) shell.node.querySelector<HTMLElement>(".hfw-task")?.focus();
  });
  return () => {
    unwatch();
    shell.close();
    shell.node.remove();
  };
}

export default { initialize, render };
