"""What only texts know: go on with one and take that back, swap languages, compare all pairs."""

import asyncio
from typing import Any, ClassVar

from hfwidgets import errors
from hfwidgets.notebook import background_loop
from hfwidgets.panels.base_panel import Panel

LANGUAGES = ("src_lang", "tgt_lang")
MOST_PAIRS = 24
"""The most sentences that are compared each with each."""


class Worded(Panel):
    """Adds to a task's panel what its texts allow."""

    WORDS: ClassVar[dict[str, Any]] = {"pairs": None}
    """Its part of the document."""

    inputs: Any
    _given: dict[str, Any]

    def start(self, **inputs: Any) -> None:
        """Run; returns at once."""
        raise NotImplementedError

    # A continuation

    def go_on(self) -> None:
        """Continue the generated text from where it ended; returns at once. `undo` takes it back.

        Raises:
            InputError: no text was generated yet.
        """
        view = self._continued()
        self._require_idle()
        self._trail = [*getattr(self, "_trail", []), view]
        self.start(**{self._text_name: _whole(view)})

    def undo(self) -> None:
        """Take the last continuation back: what was shown before it is shown again."""
        view = self._continued()
        self._require_idle()
        trail = getattr(self, "_trail", [])
        before = trail.pop() if trail and _whole(trail[-1]) == view["prompt"] else None
        self.inputs[self._text_name] = before["prompt"] if before else view["prompt"]
        self._mirror.set("result", value=before)
        self._settle("idle", failure=None, stats=None)

    def _continued(self) -> dict[str, Any]:
        view: dict[str, Any] | None = self._mirror.get("result")
        if view is None or view["kind"] != "continuation":
            raise errors.InputError("There is no generated text yet: run the panel first.")
        return view

    @property
    def _text_name(self) -> str:
        """The input that holds the text."""
        return str(next(iter(self.inputs)))

    # Languages

    def swap(self) -> None:
        """Exchange the two languages; a translation that is shown becomes the text.

        Raises:
            InputError: the task has no languages to exchange.
        """
        if not set(LANGUAGES) <= set(self.declaration.controls):
            raise errors.InputError(f"{self.task} has no languages to exchange.")
        source, target = (self.parameters.get(name) for name in LANGUAGES)
        self.parameters = dict(self.parameters) | {LANGUAGES[0]: target, LANGUAGES[1]: source}
        text = getattr(self.result, "text", "")
        if text and self._mirror.get("result") is not None:
            self.inputs[self._text_name] = text
            self._mirror.set("result", value=None)

    # Sentences

    async def _pair_up(self) -> None:
        """How alike all sentences are, each with each: one call a sentence."""
        view = self._mirror.get("result")
        one, many = _sentences(self._given)
        if view is None or one is None or many is None:
            raise errors.InputError("There are no sentences to compare: run the panel first.")
        texts = [self._given[one], *self._given[many]][:MOST_PAIRS]
        self._mirror.set("pairs", value={"n": view["n"], "names": texts, "matrix": None})
        method = getattr(self._connect(), self.declaration.method)
        more: dict[str, Any] = {"model": self.model, **self.parameters}
        calls = (
            method(**{one: text, many: texts[at + 1 :]}, **more)
            for at, text in enumerate(texts[:-1])
        )
        rows = await asyncio.gather(*calls)
        self._mirror.set("pairs", "matrix", value=_square(rows))

    async def _paired(self) -> None:
        try:
            await self._pair_up()
        except errors.HfWidgetsError as error:
            self._mirror.set("pairs", value=None)
            self._failed(error)

    # What the page asks for

    def _do_continue(self) -> None:
        self.go_on()

    def _do_undo(self) -> None:
        self.undo()

    def _do_swap(self) -> None:
        self.swap()

    def _do_pairs(self) -> None:
        background_loop.submit(self._paired())


def _whole(view: dict[str, Any]) -> str:
    """A prompt with its continuation, which some servers send together."""
    prompt, text = str(view["prompt"]), str(view["text"])
    return text if text.startswith(prompt) else prompt + text


def _sentences(given: dict[str, Any]) -> tuple[str | None, str | None]:
    """The names of the sentence and of those that it is compared with."""
    one = next((name for name, value in given.items() if isinstance(value, str)), None)
    many = next((name for name, value in given.items() if isinstance(value, list)), None)
    return one, many


def _square(rows: list[Any]) -> list[list[float]]:
    """The upper triangle's rows as a symmetric matrix with ones on its diagonal."""
    size = len(rows) + 1
    matrix = [[1.0] * size for _ in range(size)]
    for at, row in enumerate(rows):
        for step, score in enumerate(row, start=at + 1):
            matrix[at][step] = matrix[step][at] = round(float(score), 4)
    return matrix
