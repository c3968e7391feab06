"""For tests of notebooks and programs that ask models: recorded answers, and canned ones.

    pytest_plugins = ["hfwidgets.testing"]              # in conftest.py

    def test_recorded(hf_recordings):                   # replays; `pytest --hf-record` records
        assert "Paris" in capital_of("France")

    def test_canned():
        with answers(chat_completion="Paris") as canned:
            assert capital_of("France") == "Paris"
        assert canned.asked[0].inputs[-1]["content"] == "The capital of France?"

In both nothing is sent, look-ups included. Recordings of `tests/test_x.py` are kept in
`tests/recordings/test_x/`; see `hfwidgets.recorder` for what is in them.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import pytest

from hfwidgets import errors
from hfwidgets.calls import settings
from hfwidgets.calls.settings import InterceptedCall
from hfwidgets.core.flow import Flow, Infer, Reply
from hfwidgets.recorder import Recorder
from hfwidgets.recorder.recorder import StoredStream
from hfwidgets.tasks import find


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--hf-record`."""
    text = "ask models anew and record their answers, in place of replaying them"
    parser.getgroup("hfwidgets").addoption("--hf-record", action="store_true", help=text)


@pytest.fixture
def hf_recordings(request: pytest.FixtureRequest) -> Iterator[Recorder]:
    """Recorded answers for all calls of a test: replayed, or recorded with `--hf-record`."""
    folder = request.path.parent / "recordings" / request.path.stem
    mode = "record" if request.config.getoption("--hf-record") else "replay"
    with Recorder(folder, mode) as recorder:
        yield recorder


@dataclass(frozen=True, slots=True)
class CannedRequest:
    """What a task asked for: its name on the Hub, its model, its inputs and given options."""

    task: str
    model: str | None
    inputs: Any
    options: Mapping[str, Any]


class Answers:
    """Canned answers, for all calls in a `with` block or one client's `recordings=`.

    Attributes:
        asked: what was asked, in order.
    """

    blocks_requests = True

    def __init__(self, canned: Mapping[str, Any]) -> None:
        self.asked: list[CannedRequest] = []
        self._canned = {find(name).name: answer for name, answer in canned.items()}

    def __enter__(self) -> Self:
        settings.interceptors.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        settings.interceptors.remove(self)

    def intercept(self, call: InterceptedCall, ask: Infer) -> Flow[Any]:
        """The canned answer; NotRecordedError for a task that has none."""
        yield from ()
        asked = CannedRequest(
            ask.task, ask.model or call.settings.model, ask.inputs, ask.parameters
        )
        self.asked.append(asked)
        if ask.task not in self._canned:
            raise errors.NotRecordedError(
                f"There is no canned answer for {ask.task}. There are some for: "
                f"{', '.join(self._canned) or 'nothing'}."
            )
        answer = self._canned[ask.task]
        answer = answer(asked) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        if not ask.stream:
            return _whole_answer(ask.task, answer)
        call.replayed_stream = StoredStream(_stream_chunks(ask.task, answer))
        return Reply(200, {"content-type": "text/event-stream"})

    def blocked_error(self, method: str, url: str) -> errors.NotRecordedError:
        """The error for a request besides the tasks' own."""
        return errors.NotRecordedError(f"{method} {url}: answers are canned, nothing is sent.")


def answers(**canned: Any) -> Answers:
    """Canned answers by task: `text_classification=[{"label": "A", "score": 1.0}]`.

    Args:
        canned: what the provider would answer: plain JSON data, or the bytes of a file. A text
            stands for a whole chat answer or generated text, a PIL image for its file; an exception
            is raised; a function is shown the `Asked` and returns any of these.
    """
    return Answers(canned)


TextShape = Callable[[str], Any]

_ANSWER_SHAPES: Mapping[str, TextShape] = {
    "chat-completion": lambda text: {
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
            }
        ],
    },
    "text-generation": lambda text: {"generated_text": text},
    "summarization": lambda text: {"summary_text": text},
    "translation": lambda text: {"translation_text": text},
    "image-to-text": lambda text: {"generated_text": text},
    "automatic-speech-recognition": lambda text: {"text": text},
}
"""How a text stands in a whole answer."""

_CHUNK_SHAPES: Mapping[str, TextShape] = {
    "chat-completion": lambda text: {
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}}],
    },
    "text-generation": lambda text: {"token": {"text": text}},
}
"""How a piece of text stands in a stream."""


def _whole_answer(task: str, answer: Any) -> Any:
    """What a provider answers: a text in its object, a picture as its file."""
    if isinstance(answer, str) and task in _ANSWER_SHAPES:
        return _ANSWER_SHAPES[task](answer)
    save = getattr(answer, "save", None)
    if save is None:
        return answer
    file = io.BytesIO()
    save(file, "PNG")
    return file.getvalue()


def _stream_chunks(task: str, answer: Any) -> list[Any]:
    """A stream's chunks: those of a list as they are, those of a text word by word."""
    if not isinstance(answer, str):
        return list(answer) if isinstance(answer, list) else [answer]
    return [_CHUNK_SHAPES[task](word) for word in re.findall(r"\S+\s*", answer)]
