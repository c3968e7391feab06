"""What only texts know: go on with one and take that back, swap languages, compare all pairs."""

import asyncio
from typing import Any, ClassVar

from hfwidgets import errors
from hfwidgets.notebook import background_loop
from hfwidgets.panels.base_panel import Panel

LANGUAGE_PARAMETERS = ("src_lang", "tgt_lang")
MAX_PAIRED_TEXTS = 24
"""The most sentences that are compared each with each."""


class TextTools(Panel):
    """Adds to a task's panel what its texts allow."""

    TEXT_TOOLS_DOCUMENT: ClassVar[dict[str, Any]] = {"pairs": None}
    """Its part of the document."""

    inputs: Any
    _run_inputs: dict[str, Any]

    def start(self, **inputs: Any) -> None:
        """Run; returns at once."""
        raise NotImplementedError

    # A continuation

    def continue_text(self) -> None:
        """Continue the generated text from where it ended; returns at once. `undo` takes it back.

        Raises:
            InputError: no text was generated yet.
        """
        view = self._continuation_view()
        self._require_idle()
        self._continuations = [*getattr(self, "_continuations", []), view]
        self.start(**{self._text_input_name: _full_text(view)})

    def undo(self) -> None:
        """Take the last continuation back: what was shown before it is shown again."""
        view = self._continuation_view()
        self._require_idle()
        trail = getattr(self, "_continuations", [])
        before = trail.pop() if trail and _full_text(trail[-1]) == view["prompt"] else None
        self.inputs[self._text_input_name] = before["prompt"] if before else view["prompt"]
        self._mirror.set("result", value=before)
        self._update_state("idle", failure=None, stats=None)

    def _continuation_view(self) -> dict[str, Any]:
        view: dict[str, Any] | None = self._mirror.get("result")
        if view is None or view["kind"] != "continuation":
            raise errors.InputError("There is no generated text yet: run the panel first.")
        return view

    @property
    def _text_input_name(self) -> str:
        """The input that holds the text."""
        return str(next(iter(self.inputs)))

    # Languages

    def swap(self) -> None:
        """Exchange the two languages; a translation that is shown becomes the text.

        Raises:
            InputError: the task has no languages to exchange.
        """
        if not set(LANGUAGE_PARAMETERS) <= set(self.declaration.controls):
            raise errors.InputError(f"{self.task} has no languages to exchange.")
        source, target = (self.parameters.get(name) for name in LANGUAGE_PARAMETERS)
        self.parameters = dict(self.parameters) | {
            LANGUAGE_PARAMETERS[0]: target,
            LANGUAGE_PARAMETERS[1]: source,
        }
        text = getattr(self.result, "text", "")
        if text and self._mirror.get("result") is not None:
            self.inputs[self._text_input_name] = text
            self._mirror.set("result", value=None)

    # Sentences

    async def _compare_pairs(self) -> None:
        """How alike all sentences are, each with each: one call a sentence."""
        view = self._mirror.get("result")
        one, many = _sentence_names(self._run_inputs)
        if view is None or one is None or many is None:
            raise errors.InputError("There are no sentences to compare: run the panel first.")
        texts = [self._run_inputs[one], *self._run_inputs[many]][:MAX_PAIRED_TEXTS]
        self._mirror.set("pairs", value={"n": view["n"], "names": texts, "matrix": None})
        method = getattr(self._get_client(), self.declaration.method)
        more: dict[str, Any] = {"model": self.model, **self.parameters}
        calls = (
            method(**{one: text, many: texts[at + 1 :]}, **more)
            for at, text in enumerate(texts[:-1])
        )
        rows = await asyncio.gather(*calls)
        self._mirror.set("pairs", "matrix", value=_symmetric_matrix(rows))

    async def _show_pairs(self) -> None:
        try:
            await self._compare_pairs()
        except errors.HfWidgetsError as error:
            self._mirror.set("pairs", value=None)
            self._show_error(error)

    # What the page asks for

    def _do_continue(self) -> None:
        self.continue_text()

    def _do_undo(self) -> None:
        self.undo()

    def _do_swap(self) -> None:
        self.swap()

    def _do_pairs(self) -> None:
        background_loop.submit(self._show_pairs())


def _full_text(view: dict[str, Any]) -> str:
    """A prompt with its continuation, which some servers send together."""
    prompt, text = str(view["prompt"]), str(view["text"])
    return text if text.startswith(prompt) else prompt + text


def _sentence_names(given: dict[str, Any]) -> tuple[str | None, str | None]:
    """The names of the sentence and of those that it is compared with."""
    one = next((name for name, value in given.items() if isinstance(value, str)), None)
    many = next((name for name, value in given.items() if isinstance(value, list)), None)
    return one, many


def _symmetric_matrix(rows: list[Any]) -> list[list[float]]:
    """The upper triangle's rows as a symmetric matrix with ones on its diagonal."""
    size = len(rows) + 1
    matrix = [[1.0] * size for _ in range(size)]
    for at, row in enumerate(rows):
        for step, score in enumerate(row, start=at + 1):
            matrix[at][step] = matrix[step][at] = round(float(score), 4)
    return matrix
