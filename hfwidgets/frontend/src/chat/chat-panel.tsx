// The chat: a log of messages, a composer below it, and nothing more until it is needed.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { BUSY } from "../document/messages.ts";
import { IconButton } from "../parts/buttons.tsx";
import { type Panel, usePanel } from "../parts/panel.ts";
import { FailureCard } from "../shell/failure-card.tsx";
import { Notice } from "../shell/notice.tsx";
import { Composer } from "./composer.tsx";
import { TurnView } from "./turn.tsx";

const NEAR_END_PX = 32;

export function ChatPanel() {
  const panel = usePanel();
  useEffect(() => panel.link.onStatus((status, before) => speak(panel, status, before)), [panel]);
  return (
    <>
      <div class="hfw-talk-top">
        <Notice />
      </div>
      <Log />
      <FailureCard />
      <Composer />
    </>
  );
}

function Log() {
  const { link } = usePanel();
  const log = useRef<HTMLDivElement>(null);
  const { isAway, scrolled, follow, toEnd } = useSticky(log);
  const list = useRef<HTMLDivElement>(null);
  const turns = link.part("turns") ?? [];
  const own = turns.findLast(({ role }) => role === "user")?.id;
  useEffect(() => toEnd(), [own]);
  useEffect(() => {
    const observer = new ResizeObserver(follow);
    if (list.current) observer.observe(list.current);
    return () => observer.disconnect();
  }, []);
  return (
    <div class="hfw-body">
      <div
        ref={log}
        class="hfw-log"
        role="log"
        aria-label="Conversation"
        aria-live="off"
        aria-busy={link.busy.value}
        tabIndex={0}
        onScroll={scrolled}
      >
        {turns.length === 0 && <Starters />}
        <div ref={list} class="hfw-turns">
          {turns.map((turn, at) => (
            <TurnView key={turn.id} turn={turn} at={at} last={at === turns.length - 1} />
          ))}
        </div>
      </div>
      {isAway && <IconButton icon="down" label="Jump to the latest" kind="hfw-down" act={toEnd} />}
    </div>
  );
}

/** Stay at the end of a log that grows, unless its reader has scrolled away from it. */
function useSticky(log: { current: HTMLElement | null }) {
  const sticks = useRef(true);
  const [isAway, setAway] = useState(false);
  const scrolled = () => {
    if (!log.current) return;
    const { scrollTop, clientHeight, scrollHeight } = log.current;
    sticks.current = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    setAway(!sticks.current);
  };
  const follow = () => {
    if (sticks.current && log.current) log.current.scrollTop = log.current.scrollHeight;
  };
  const toEnd = () => {
    sticks.current = true;
    setAway(false);
    follow();
  };
  useLayoutEffect(follow);
  return { isAway, scrolled, follow, toEnd };
}

function Starters() {
  const { link } = usePanel();
  return (
    <div class="hfw-empty">
      <p class="hfw-empty-title">What would you like to know?</p>
      <div class="hfw-starters">
        {link.shape.value.starters.map((text) => (
          <button key={text} type="button" class="hfw-starter" onClick={() => link.act("send", { text })}>
            {text}
          </button>
        ))}
      </div>
    </div>
  );
}

/** Only the start, the end and errors are spoken: a word for each token would be noise. */
function speak({ link, announce }: Panel, status: string, before: string): void {
  const { failure } = link.part("state");
  const words = (link.part("turns")?.at(-1)?.text ?? "").split(/\s+/).filter(Boolean).length;
  if (BUSY.has(status)) {
    if (!BUSY.has(before)) announce("Answering");
  } else if (status === "done") announce(`Answer complete, ${words} words`);
  else if (status === "stopped") announce(`Stopped after ${words} words`);
  else if (status === "failed" && failure) announce(`Failed: ${failure.title}`);
}
