"""Tools of tasks about text: continue and undo, swap languages, compare all pairs of sentences."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from hfwidgets import errors
from hfwidgets.notebook import background_loop
from hfwidgets.panels.base_panel import Panel
from hfwidgets.panels.document.nodes import Node
from hfwidgets.panels.document.protocol import Pairs
from hfwidgets.panels.form.inputs import PanelInputs

LANGUAGE_PARAMETERS = ("src_lang", "tgt_lang")
MAX_PAIRED_TEXTS = 24
"""The most sentences that are compared with each other."""


class TextTools(Panel):
    """Adds to a task's panel what its texts allow."""

    TEXT_TOOLS_DOCUMENT: ClassVar[dict[str, Node]] = {"pairs": None}
    """The part of the document that these tools keep."""

    inputs: PanelInputs
    _hfw_run_inputs: dict[str, Any]
    _hfw_continuations: list[dict[str, Any]]

    def start(self, *values: Any, **inputs: Any) -> None:
        """Run; returns immediately."""
        raise NotImplementedError

    # Continuations

    def continue_text(self) -> None:
        """Continue the generated text from its end; returns immediately. `undo` reverts it.

        Raises:
            InputError: no text has been generated yet.
        """
        view = self._hfw_continuation_view()
        self._hfw_require_idle()
        self._hfw_continuations.append(view)
        self.start(**{self._hfw_text_input_name: _full_text(view)})

    def undo(self) -> None:
        """Revert the last continuation: show what was shown before it."""
        view = self._hfw_continuation_view()
        self._hfw_require_idle()
        previous = None
        # After another prompt was typed, the earlier texts no longer lead to this one.
        if self._hfw_continuations and _full_text(self._hfw_continuations[-1]) == view["prompt"]:
            previous = self._hfw_continuations.pop()
        self.inputs[self._hfw_text_input_name] = previous["prompt"] if previous else view["prompt"]
        self._hfw_mirror.set("answered", value=self.inputs.describe_all())
        self._hfw_mirror.set("result", value=previous)
        self._hfw_update_state("idle", failure=None, stats=None)

    def _hfw_continuation_view(self) -> dict[str, Any]:
        view: dict[str, Any] | None = self._hfw_mirror.get("result")
        if view is None or view["kind"] != "continuation":
            raise errors.InputError("There is no generated text yet. Run the panel first.")
        return view

    @property
    def _hfw_text_input_name(self) -> str:
        """The name of the input that holds the text."""
        return str(next(iter(self.inputs)))

    # Languages

    def swap(self) -> None:
        """Swap the two languages; a translation that is shown becomes the text.

        Raises:
            InputError: the task has no languages to swap.
        """
        if not set(LANGUAGE_PARAMETERS) <= set(self.declaration.controls):
            raise errors.InputError(f"{self.task} has no languages to swap.")
        source, target = (self.parameters.get(name) for name in LANGUAGE_PARAMETERS)
        swapped = dict(zip(LANGUAGE_PARAMETERS, (target, source), strict=True))
        self.parameters = dict(self.parameters) | swapped
        text = getattr(self.result, "text", "")
        if text and self._hfw_mirror.get("result") is not None:
            self.inputs[self._hfw_text_input_name] = text
            self._hfw_mirror.set("result", value=None)

    # Sentences

    async def _hfw_compare_pairs(self) -> None:
        """Compute the similarity of all pairs of sentences, with one call per sentence."""
        view = self._hfw_mirror.get("result")
        source, others = _sentence_names(self._hfw_run_inputs)
        if view is None or source is None or others is None:
            raise errors.InputError("There are no sentences to compare. Run the panel first.")
        texts = [self._hfw_run_inputs[source], *self._hfw_run_inputs[others]][:MAX_PAIRED_TEXTS]
        self._hfw_mirror.set("pairs", value=Pairs(n=view["n"], names=texts, matrix=None))
        method = getattr(self._hfw_get_client(), self.declaration.method)
        options: dict[str, Any] = {"model": self.model or None, **self.parameters}
        calls = (
            method(**{source: text, others: texts[at + 1 :]}, **options)
            for at, text in enumerate(texts[:-1])
        )
        rows = await asyncio.gather(*calls)
        self._hfw_mirror.set("pairs", "matrix", value=_symmetric_matrix(rows))

    async def _hfw_show_pairs(self) -> None:
        try:
            await self._hfw_compare_pairs()
        except errors.HfWidgetsError as error:
            self._hfw_mirror.set("pairs", value=None)
            self._hfw_show_error(error)

    # Actions of the page

    def _hfw_do_continue(self) -> None:
        self.continue_text()

    def _hfw_do_undo(self) -> None:
        self.undo()

    def _hfw_do_swap(self) -> None:
        self.swap()

    def _hfw_do_pairs(self) -> None:
        background_loop.submit(self._hfw_show_pairs())


def _full_text(view: Mapping[str, Any]) -> str:
    """Return a prompt with its continuation. Some servers repeat the prompt in their answer."""
    prompt, text = str(view["prompt"]), str(view["text"])
    return text if text.startswith(prompt) else prompt + text


def _sentence_names(inputs: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the names of the input with one sentence and of the one with several."""
    source = next((name for name, value in inputs.items() if isinstance(value, str)), None)
    others = next((name for name, value in inputs.items() if isinstance(value, list)), None)
    return source, others


def _symmetric_matrix(rows: list[Iterable[float]]) -> list[list[float]]:
    """Return the upper triangle's rows as a symmetric matrix with ones on its diagonal."""
    size = len(rows) + 1
    matrix = [[1.0] * size for _ in range(size)]
    for at, row in enumerate(rows):
        for other, score in enumerate(row, start=at + 1):
            matrix[at][other] = matrix[other][at] = round(float(score), 4)
    return matrix
