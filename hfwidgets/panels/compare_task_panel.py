"""One input of any task to several models: each result in its own view, with what differs."""

import contextlib
import os
import random
from collections.abc import Iterable, Mapping
from typing import Any

from hfwidgets import errors, tasks
from hfwidgets.panels.document.protocol import CodeForms
from hfwidgets.panels.form.describe import split_parameters
from hfwidgets.panels.model_columns import ModelColumns
from hfwidgets.panels.run import PanelRun
from hfwidgets.panels.task_panel import TaskPanel
from hfwidgets.panels.views.comparison_view import ComparisonView, hide_names
from hfwidgets.results.comparison import Comparison, ComparisonRow, measure_result
from hfwidgets.results.votes import SAME
from hfwidgets.tasks import controls


class CompareTaskPanel(ModelColumns, TaskPanel):
    """The form of a task, whose input goes to several models.

    Args:
        task: the task's name.
        models: as for `ComparePanel`.
        prompt: the form's first text.
        votes: a file that keeps your votes.
        blind: True hides the models' names, and shuffles them, until you have voted.
        settings: as for `TaskPanel`, for all models.

    Attributes:
        result: a `Comparison` with one row per model; `.to_pandas()` is a DataFrame.
        votes: your votes on all inputs; `.to_pandas()` and `.save()` export them.
    """

    view = "compare-form"

    def __init__(
        self,
        task: str,
        models: Iterable[str],
        prompt: str = "",
        *,
        votes: str | os.PathLike[str] | None = None,
        blind: bool = False,
        **settings: Any,
    ) -> None:
        self._hfw_set_models(models, votes)
        self.blind = blind
        self._hfw_order = list(range(len(self.models)))
        if prompt:
            settings = {_first_text_input(task): prompt, **settings}
        super().__init__(task, None, **settings)

    # A run

    async def _hfw_perform_run(self, run: PanelRun) -> None:
        self._hfw_sent_parameters = self._hfw_choose_seed()
        # A panel that names its models has no use for a stored answer of one of them.
        self._hfw_uses_stored_answer = False
        self._hfw_streamed_view = None
        run.result = Comparison(ComparisonRow(model=name) for name in self.models)

        async def ask(at: int, name: str) -> None:
            await self._hfw_ask_model(run.result[at], name)
            done = sum(row.result is not None or bool(row.error) for row in run.result)
            self._hfw_update_state(note=f"{done} of {len(self.models)} models have answered")

        await self._hfw_ask_models(ask)
        # Raised after the result is set, so that the errors of all models stay readable in it.
        if all(row.error for row in run.result):
            raise errors.InputError(f"No model answered. {run.result[0].error}")

    async def _hfw_ask_model(self, row: ComparisonRow, name: str) -> None:
        try:
            result = await self._hfw_call_model(name)
        except errors.HfWidgetsError as error:
            # The failure of one model is shown in its column; the others go on.
            row["error"] = str(error)
        else:
            row.update(measure_result(result), result=result)

    async def _hfw_call_model(self, name: str) -> Any:
        """Return a model's result; a stream is read to its end, which measures its first token."""
        method = getattr(self._hfw_column_client(name), self.declaration.method)
        arguments = {**self._hfw_run_inputs, **self._hfw_sent_parameters}
        arguments["model"] = self._hfw_column_target(name).get("model")
        if "stream" not in self.declaration.signature.parameters or arguments.get("details"):
            return await method(**arguments)
        stream = await method(stream=True, **arguments)
        async with contextlib.aclosing(stream):
            async for _ in stream:
                pass
        return stream.result

    def _hfw_show_result(self, run: PanelRun) -> None:
        super()._hfw_show_result(run)
        item = self._hfw_history.last_item
        if self.blind and item is not None and isinstance(item.view, ComparisonView):
            random.shuffle(self._hfw_order)
            item.view = hide_names(item.view, self._hfw_order)
            self._hfw_mirror.set("result", value=item.view)

    def _hfw_run_stats(self, run: PanelRun) -> dict[str, Any]:
        """Return the slowest result's time and the cost of all results."""
        times = [row.seconds for row in run.result if row.seconds is not None]
        costs = [row.dollars for row in run.result if row.dollars is not None]
        seconds = {"seconds": max(times)} if times else {}
        return {**seconds, **({"cost": sum(costs)} if costs else {})}

    # Votes

    def vote(self, winner: str) -> None:
        """Keep which model's last result is better: its name, or "same"; see `votes`."""
        super().vote(winner)
        item = self._hfw_history.last_item
        if item is not None and item.source.get().result is self.result:
            # With the names that a blind vote hides; the files to save hold the vote.
            self._hfw_history.rebuild_last("voted")
            self._hfw_mirror.set("result", value=item.view)
        self._hfw_refresh_static()

    def _hfw_voted_arguments(self) -> dict[str, Any]:
        return dict(self._hfw_run_inputs)

    def _hfw_do_vote(self, place: int | None = None) -> None:
        """Vote for the model at a place; None is a vote for neither."""
        self.vote(SAME if place is None else self.models[place])

    # What a panel of one model has, and this one has not

    def _hfw_update_banner(self) -> None:
        """Show nothing: each column says what its own model lacks."""

    def switch(self, task: str) -> None:
        """Refuse: open another comparison, since models serve one task each."""
        raise errors.InputError("Open another comparison for another task: hf.compare(task=...).")

    async def _hfw_format_code(self) -> CodeForms:
        """Write the comparison as Python. The other forms make one call; they show the first."""
        code = await super()._hfw_format_code()
        arguments = {"task": self.task, **self._hfw_build_call().arguments}
        given = "".join(
            # Images and audio have no literal.
            f", {name}={repr(value) if isinstance(value, str | int | float | list) else '...'}"
            for name, value in arguments.items()
            if name != "model"
        )
        code.python = (
            "import hfwidgets as hf\n\n"
            f"panel = hf.compare({self.models!r}{given})\n"
            "result = panel.run()\nresult.to_pandas()"
        )
        code.magic = code.magic.replace("%%infer", f"%%infer --compare {','.join(self.models)}", 1)
        code.curl = f"# One call per model; this is the first.\n{code.curl}"
        code.hub = f"# One call per model; this is the first.\n{code.hub}"
        return code

    def _hfw_repr_fields(self) -> dict[str, Any]:
        fields: Mapping[str, Any] = super()._hfw_repr_fields()
        return {"models": self.models, **fields}


def _first_text_input(task: str) -> str:
    """Return the name of the input that a prompt fills.

    Raises:
        ConfigurationError: the task has no text.
    """
    declaration = tasks.find(task)
    inputs, _ = split_parameters(declaration)
    texts = [name for name in inputs if isinstance(declaration.controls[name], controls.TextBox)]
    if not texts:
        raise errors.ConfigurationError(
            f"{declaration.name} has no text for a prompt. Pass its inputs by name: "
            f"{', '.join(inputs)}."
        )
    return texts[0]
