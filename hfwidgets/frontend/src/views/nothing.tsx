// A result with nothing in it, said in words.

import { usePanel } from "../parts/panel.ts";
import { registerView, type ViewOf } from "./registry.ts";

function Nothing({ view }: { view: ViewOf<"nothing"> }) {
  const { link } = usePanel();
  return <p class="hfw-nothing">{view.text || (link.shape.value.empty ?? "")}</p>;
}

registerView("nothing", Nothing);
