"""Test notebooks and programs that call models, with recorded answers or with canned ones.

    pytest_plugins = ["hfwidgets.testing"]              # in conftest.py

    def test_recorded(hf_recordings):                   # replays; `pytest --hf-record` records
        assert "Paris" in capital_of("France")

    def test_canned():
        with answers(chat_completion="Paris") as canned:
            assert capital_of("France") == "Paris"
        assert canned.requests[0].inputs[-1]["content"] == "The capital of France?"

In both cases nothing is sent, look-ups included. The recordings of `tests/test_x.py` are stored in
`tests/recordings/test_x/`; see `hfwidgets.recorder` for what they hold.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Self

from hfwidgets import errors
from hfwidgets.calls import settings
from hfwidgets.calls.settings import InterceptedCall
from hfwidgets.core.flow import Flow, Infer, Reply
from hfwidgets.recorder import Recorder
from hfwidgets.recorder.recorder import StoredStream
from hfwidgets.tasks import find

if TYPE_CHECKING or find_spec("pytest") is not None:  # canned answers need no pytest
    import pytest

    def pytest_addoption(parser: pytest.Parser) -> None:
        """Add `--hf-record`."""
        text = "call models and record their answers, in place of replaying recorded ones"
        parser.getgroup("hfwidgets").addoption("--hf-record", action="store_true", help=text)

    @pytest.fixture
    def hf_recordings(request: pytest.FixtureRequest) -> Iterator[Recorder]:
        """Replay recorded answers to all calls of a test, or record them with `--hf-record`."""
        folder = request.path.parent / "recordings" / request.path.stem
        mode = "record" if request.config.getoption("--hf-record") else "replay"
        with Recorder(folder, mode) as recorder:
            yield recorder


@dataclass(frozen=True, slots=True)
class CannedRequest:
    """A request that was answered: its task on the Hub, model, inputs and options."""

    task: str
    model: str | None
    inputs: Any
    options: Mapping[str, Any]


class Answers:
    """Canned answers, for all calls in a `with` block or for one client's `recordings=`.

    Attributes:
        requests: The requests so far, in order.
    """

    blocks_requests = True

    def __init__(self, canned: Mapping[str, Any]) -> None:
        self.requests: list[CannedRequest] = []
        # Tests use the names of methods, requests the Hub's names of tasks.
        self._canned = {find(name).name: answer for name, answer in canned.items()}

    def __enter__(self) -> Self:
        settings.interceptors.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        settings.interceptors.remove(self)

    def intercept(self, call: InterceptedCall, ask: Infer) -> Flow[Any]:
        """Return the canned answer.

        Raises:
            NotRecordedError: The task has no canned answer.
        """
        # A flow is a generator, even one that takes no step.
        yield from ()
        request = CannedRequest(
            ask.task, ask.model or call.settings.model, ask.inputs, ask.parameters
        )
        self.requests.append(request)
        if ask.task not in self._canned:
            raise errors.NotRecordedError(
                f"No canned answer for {ask.task}. Answers are canned for: "
                f"{', '.join(self._canned) or 'nothing'}."
            )
        answer = self._canned[ask.task]
        # First, since a function may also return an exception to be raised.
        answer = answer(request) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        if not ask.stream:
            return _whole_answer(ask.task, answer)
        call.replayed_stream = StoredStream(_stream_chunks(ask.task, answer))
        return Reply(200, {"content-type": "text/event-stream"})

    def blocked_error(self, method: str, url: str) -> errors.NotRecordedError:
        """Build the error for a request besides the tasks' own."""
        return errors.NotRecordedError(f"{method} {url}: answers are canned, nothing is sent.")


def answers(**canned: Any) -> Answers:
    """Return canned answers by task: `text_classification=[{"label": "A", "score": 1.0}]`.

    Args:
        canned: The provider's answers: plain JSON data, or the bytes of a file. A text stands for a
            whole chat answer or generated text, a PIL image for its file; an exception is raised;
            a function is called with the `CannedRequest` and returns any of these.
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
"""The whole answers that a text stands for, by task."""

_CHUNK_SHAPES: Mapping[str, TextShape] = {
    "chat-completion": lambda text: {
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}}],
    },
    "text-generation": lambda text: {"token": {"text": text}},
}
"""The chunks of a stream that a piece of text stands for, by task."""


def _whole_answer(task: str, answer: object) -> Any:
    """Return what a provider would answer: a text in its object, an image as its file."""
    if isinstance(answer, str) and task in _ANSWER_SHAPES:
        return _ANSWER_SHAPES[task](answer)
    # An image is recognized by its method, so that canned answers need no Pillow.
    save = getattr(answer, "save", None)
    if save is None:
        return answer
    file = io.BytesIO()
    save(file, "PNG")
    return file.getvalue()


def _stream_chunks(task: str, answer: object) -> list[Any]:
    """Return a stream's chunks: a list's items unchanged, a text word by word."""
    if not isinstance(answer, str):
        return list(answer) if isinstance(answer, list) else [answer]
    return [_CHUNK_SHAPES[task](word) for word in re.findall(r"\S+\s*", answer)]
