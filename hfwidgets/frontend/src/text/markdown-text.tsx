// The component of a model's text, which grows while it streams.

import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { usePanel } from "../parts/panel.ts";
import { codeInserter } from "../parts/notebook.ts";
import { StreamedText } from "./streamed.ts";

export function MarkdownText({ text, done, plainCode }: { text: string; done: boolean; plainCode?: boolean }) {
  const { link } = usePanel();
  const place = useRef<HTMLDivElement>(null);
  const streamed = useMemo(
    () => new StreamedText(link.modules, plainCode ? undefined : codeInserter(link)),
    [link, plainCode],
  );
  useLayoutEffect(() => {
    place.current?.replaceChildren(streamed.node);
  }, [streamed]);
  useLayoutEffect(() => {
    streamed.update(text, done);
  }, [streamed, text, done]);
  return <div ref={place} class="hfw-md-place" />;
}
