"""A played chat service whose answers are chosen by the question: the browser tests' other side."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.plugins.loopback import Answer, Loopback, Seen, chat_events

WORDS = "the river carries small boats past quiet gardens while evening light settles on water"

END = "ENDTOKEN"

RICH = r"""# Tides

Some **bold**, *slanted* and `inline` text with a [link](https://example.org/tides).

```python
def tide(hours: float) -> float:
    # metres above the mean
    return 1.5 * math.cos(hours / 12.42)
```

Inline \(a^2 + b^2 = c^2\) and $e^{i\pi} + 1 = 0$; it costs $5 and $10.

\[
\int_0^1 x^2 \, dx = \frac{1}{3}
\]

| moon | range |
|:-----|------:|
| full | 5.2 m |
| half | 2.1 m |

1. first
2. second
   - nested

> Quoted.
"""

HOSTILE = """Hello <img src=x onerror="window.pwned=1"> <script>window.pwned=2</script>

[click](javascript:window.pwned=3) [data](data:text/html,<script>window.pwned=4</script>)

![pixel](https://tracker.invalid/p.png?secret=1)

<div id="main" style="position:fixed" data-commandlinker-command="x">raw</div>

<iframe srcdoc="<script>parent.pwned=5</script>"></iframe>

```html
<script>window.pwned=6</script>
```

$\\href{javascript:window.pwned=7}{x}$ and \\(\\text{<img src=x onerror=window.pwned=8>}\\)

[entity](&#106;avascript:window.pwned=9) <svg onload="window.pwned=10">
"""


def tokens(count: int, size: int = 4) -> list[str]:
    """So many pieces of Markdown of so many characters, the same each time."""
    lines: list[str] = []
    length = number = 0
    while length < count * size:
        number += 1
        words = WORDS.split()
        turn = number % len(words)
        sentence = " ".join(words[turn:] + words[:turn])
        block = f"{sentence.capitalize()}. **{words[turn]}** and `{words[turn - 1]}`.\n\n"
        if number % 7 == 0:
            block = "```python\n" + "".join(f"x{i} = f({i}, 'a')\n" for i in range(6)) + "```\n\n"
        elif number % 5 == 0:
            block = "".join(f"- {sentence}\n" for _ in range(4)) + "\n"
        elif number % 12 == 1:
            block = f"## {sentence[:30]}\n\n"
        lines.append(block)
        length += len(block)
    text = "".join(lines)[: count * size]
    return [text[i : i + size] for i in range(0, len(text), size)]


class Talker:
    """Answers `/v1/chat/completions` of a played server.

    `count N by M` streams N words, of which each M after the first wait for a `step` of the test;
    `count N at R` streams them at R a second; the other questions are in `answers`.
    """

    def __init__(self, loopback: Loopback) -> None:
        self.loopback = loopback
        self.answers: dict[str, Callable[[Seen], Answer]] = {
            "rich": lambda _: pieces(RICH),
            "hostile": lambda _: pieces(HOSTILE),
            "refuse": lambda _: Answer(status=401, json={"error": "Invalid token"}),
            "busy": lambda _: Answer(status=500, json={"error": "The model crashed"}),
            "break": lambda _: Answer(
                headers=_STREAM,
                chunks=[event({"content": text}) for text in ("partial ", "words ")],
                cut=True,
            ),
            "think": lambda _: thinking(),
            "tool": lambda _: calling(),
        }
        self.last_sent = 0.0
        self._steps = threading.Semaphore(0)
        loopback.route("POST", "/v1/chat/completions", self.answer)
        self.plain = pieces

    @property
    def url(self) -> str:
        return self.loopback.url

    def answer(self, seen: Seen) -> Answer:
        content = seen.json()["messages"][-1]["content"]
        if isinstance(content, list):
            text = " ".join(part["text"] for part in content if part["type"] == "text")
            if text in self.answers:
                return self.answers[text](seen)
            return pieces(f"I see {sum(part['type'] == 'image_url' for part in content)} picture.")
        words = content.split()
        if words[:1] == ["count"] and words[2] == "by":
            self._steps = threading.Semaphore(0)
            made = held(counting(int(words[1])), int(words[3]), self._steps)
            return Answer(headers=_STREAM, chunks=made)
        if words[:1] == ["count"]:
            return Answer(headers=_STREAM, chunks=paced(counting(int(words[1])), float(words[3])))
        if words[:1] == ["tokens"]:
            rate = float(words[3]) if len(words) > 3 else None
            return Answer(headers=_STREAM, chunks=self.clocked(int(words[1]), rate))
        return self.answers.get(content, lambda _: pieces(f"You said: {content}"))(seen)

    def step(self, count: int = 1) -> None:
        """Let the answer whose first piece has come go on by so many pieces."""
        self._steps.release(count)

    def let_go(self) -> None:
        """Let it go on to its end."""
        self.step(10_000)

    def clocked(self, count: int, rate: float | None) -> Iterator[bytes]:
        """Stream so many tokens, the last of which is ENDTOKEN, and note when that went out."""
        for chunk in paced([*tokens(count - 1), f"\n\n{END}"], rate):
            if END.encode() in chunk:
                self.last_sent = time.time()
            yield chunk


_STREAM = {"content-type": "text/event-stream"}


def counting(count: int) -> list[str]:
    return [f"w{i} " for i in range(count)]


def pieces(text: str) -> Answer:
    usage = {
        "prompt_tokens": 7,
        "completion_tokens": len(text) // 4,
        "total_tokens": 7 + len(text) // 4,
    }
    return chat_events(*[text[i : i + 4] for i in range(0, len(text), 4)], usage=usage)


def paced(texts: list[str], rate: float | None) -> Iterator[bytes]:
    """Events at so many a second, by the clock and not by pauses; None is as fast as it goes."""
    start = time.perf_counter()
    for at, text in enumerate(texts):
        if rate:
            time.sleep(max(0.0, start + at / rate - time.perf_counter()))
        yield event({"content": text})
    yield from ending(len(texts))


def held(texts: list[str], size: int, steps: threading.Semaphore) -> Iterator[bytes]:
    """Events in pieces of so many texts, each but the first after a step.

    Meanwhile comments keep the stream open, as services do, and tell when the other side is gone.
    """
    for at, text in enumerate(texts):
        while at and at % size == 0 and not steps.acquire(timeout=0.05):
            yield b": held\n\n"
        yield event({"content": text})
    yield from ending(len(texts))


def ending(count: int) -> Iterator[bytes]:
    """How a stream of so many tokens ends."""
    yield event({}, "stop")
    usage = {"prompt_tokens": 7, "completion_tokens": count, "total_tokens": count + 7}
    yield b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"model": "played", "choices": [choice]}).encode() + b"\n\n"


def thinking() -> Answer:
    thoughts = [event({"reasoning_content": text}) for text in ("Let me ", "**see**.")]
    said = [event({"content": "Forty-two."}), event({}, "stop"), b"data: [DONE]\n\n"]
    return Answer(headers=_STREAM, chunks=[*thoughts, *said])


def calling() -> Answer:
    call = {"index": 0, "id": "c1", "type": "function"}
    first = {**call, "function": {"name": "weather", "arguments": '{"city":'}}
    second = {"index": 0, "function": {"arguments": ' "Oslo"}'}}
    deltas = [event({"tool_calls": [part]}) for part in (first, second)]
    return Answer(headers=_STREAM, chunks=[*deltas, event({}, "tool_calls"), b"data: [DONE]\n\n"])
