"""One prompt to several models, side by side, with the time, tokens and cost of each answer."""

import os
from collections.abc import Iterable
from typing import Any

from hfwidgets import errors
from hfwidgets.calls.counted_stream import open_counted_stream
from hfwidgets.panels.document.flusher import flusher
from hfwidgets.panels.document.nodes import Node
from hfwidgets.panels.document.outputs import StaticForm
from hfwidgets.panels.document.protocol import CodeForms, Column, Json, ResultFiles, Save
from hfwidgets.panels.form import uploads
from hfwidgets.panels.model_columns import ModelColumns
from hfwidgets.panels.run import PanelRun
from hfwidgets.panels.views import previews, raw_json
from hfwidgets.panels.views.comparison_view import describe_differences
from hfwidgets.results.chat import ChatCompletionOutput
from hfwidgets.results.comparison import Comparison, ComparisonRow, measure_result
from hfwidgets.tasks.chat import AsyncChatStream


class ComparePanel(ModelColumns):
    """Several models answer the same prompt, each streamed into its own column.

    Args:
        models: model ids; `MODEL:PROVIDER` names the provider, a provider's name alone leaves the
            model to it, a URL is an endpoint.
        prompt: the form's initial text.
        system: a system prompt for all models.
        votes: a file that keeps your votes.
        settings: settings of a client and parameters of `chat_completion`, for all models.

    Attributes:
        result: a `Comparison` with one row per model; `.to_pandas()` is a DataFrame.
        prompt: the prompt that was last sent.
        votes: your votes on all prompts; `.to_pandas()` and `.save()` export them.
    """

    task = "chat-completion"
    view = "compare"
    panel_label = "Compare models"
    panel_help = "Sends the same prompt to each of them."

    def __init__(
        self,
        models: Iterable[str],
        prompt: str = "",
        *,
        system: str | None = None,
        votes: str | os.PathLike[str] | None = None,
        **settings: Any,
    ) -> None:
        self._hfw_set_models(models, votes)
        self.prompt, self.system = prompt, system
        self._hfw_comparison_rows: list[ComparisonRow] = []
        self._hfw_last_comparison: Comparison | None = None
        super().__init__(None, **settings)
        self._hfw_retry_action = lambda: self.start(self.prompt)

    def start(self, prompt: str) -> None:
        """Send a prompt to all models; returns immediately."""
        self._hfw_send_prompt(prompt)

    def run(self, prompt: str | None = None) -> Any:
        """Send a prompt and wait for the `Comparison`; an interrupt keeps what has arrived."""
        return self._hfw_wait_for_run(self._hfw_send_prompt(prompt or self.prompt))

    async def arun(self, prompt: str | None = None) -> Any:
        """Send a prompt and await the `Comparison`; see `run`."""
        return await self._hfw_wait_for_run_async(self._hfw_send_prompt(prompt or self.prompt))

    # A run

    def _hfw_send_prompt(self, prompt: str) -> PanelRun:
        if not prompt.strip():
            raise errors.InputError("The prompt is empty. Write something to send.")

        def prepare() -> None:
            self.prompt = prompt
            self._hfw_mirror.set("prompt", value=prompt)
            self._hfw_mirror.set("vote", value="")
            self._hfw_mirror.set("differences", value=None)
            self._hfw_mirror.set("columns", value=[_empty_column(name) for name in self.models])

        return self._hfw_begin_run(prepare)

    async def _hfw_perform_run(self, run: PanelRun) -> None:
        self._hfw_comparison_rows = [ComparisonRow(model=name) for name in self.models]
        try:
            # After Stop each column records what it has in its `finally`.
            await self._hfw_ask_models(self._hfw_ask_model)
        finally:
            run.result = Comparison(self._hfw_comparison_rows)
        # Raised after the result is set, so that the errors of all models stay readable in it.
        if all(row.error for row in self._hfw_comparison_rows):
            raise errors.InputError(f"No model answered. {self._hfw_comparison_rows[0].error}")

    async def _hfw_ask_model(self, at: int, name: str) -> None:
        self._hfw_update_column(at, state="running")
        stream: AsyncChatStream | None = None
        try:
            stream = await self._hfw_open_stream(name)
            await self._hfw_read_stream(at, stream)
            self._hfw_update_column(at, state="done")
        except errors.HfWidgetsError as error:
            # The failure of one model is shown in its column; the others go on.
            self._hfw_comparison_rows[at]["error"] = str(error)
            self._hfw_update_column(at, state="failed", error=str(error))
        finally:
            if stream is not None:
                await stream.aclose()
                self._hfw_record_answer(at, stream.result)

    async def _hfw_open_stream(self, name: str) -> AsyncChatStream:
        system = [{"role": "system", "content": self.system}] if self.system else []
        messages = [*system, {"role": "user", "content": self.prompt}]
        target = self._hfw_column_target(name)
        client = self._hfw_column_client(name)
        options = {"model": target.get("model"), **self.parameters}
        return await open_counted_stream(client, messages, **options)

    async def _hfw_read_stream(self, at: int, stream: AsyncChatStream) -> None:
        async for chunk in stream:
            if piece := uploads.chunk_text(chunk):
                if self.status != "streaming":
                    self._hfw_update_state("streaming", note="", eta=None)
                self._hfw_mirror.append("columns", at, "text", text=piece)

    def _hfw_record_answer(self, at: int, result: ChatCompletionOutput) -> None:
        """Keep an answer with its times, tokens and cost."""
        measures = measure_result(result)
        self._hfw_comparison_rows[at].update(measures, result=result)
        measures.pop("answer")  # the page has it from the stream
        self._hfw_update_column(at, **measures)
        flusher.flush_now(self._hfw_mirror)

    def _hfw_update_column(self, at: int, **values: Json) -> None:
        for name, value in values.items():
            self._hfw_mirror.set("columns", at, name, value=value)

    def _hfw_settle_document(self, run: PanelRun) -> None:
        if run.result is not None:
            self.set_trait("value", [row.answer for row in run.result])
            self._hfw_last_comparison = run.result
            self._hfw_mirror.set("differences", value=describe_differences(run.result))
            self._hfw_mirror.set("files", value=self._hfw_result_files(run.number))

    def _hfw_run_stats(self, run: PanelRun) -> dict[str, Any]:
        """Return the slowest answer's time and the cost of all answers."""
        times = [row.seconds for row in run.result if row.seconds is not None]
        costs = [row.dollars for row in run.result if row.dollars is not None]
        seconds = {"seconds": max(times)} if times else {}
        return {**seconds, **({"cost": sum(costs)} if costs else {})}

    def _hfw_result_files(self, number: int) -> ResultFiles:
        """Return the files that a comparison can be saved as."""
        saves = [
            Save(label=label, id=f"save.{number}.{name}", name=name)
            for name, label, _ in raw_json.save_formats(self._hfw_last_comparison)
        ]
        return ResultFiles(n=number, raw=f"raw.{number}", saves=saves)

    def _hfw_find_media(self, name: str) -> previews.PageFile | None:
        if self._hfw_last_comparison is None:
            return None
        kind, _, rest = name.partition(".")
        if kind == "raw":
            return previews.text_file(raw_json.to_json_text(self._hfw_last_comparison))
        # Only the last comparison can be saved; the number in an id makes a page fetch it again.
        makers = {name: make for name, _, make in raw_json.save_formats(self._hfw_last_comparison)}
        make = makers.get(rest.partition(".")[2])
        return make() if make else None

    async def _hfw_format_code(self) -> CodeForms:
        """Write the comparison as Python. The other forms make one call; they show the first."""
        code = await super()._hfw_format_code()
        options = {"system": self.system, **self.parameters}
        arguments = "".join(
            f", {name}={value!r}" for name, value in options.items() if value is not None
        )
        code.python = (
            "import hfwidgets as hf\n\n"
            f"panel = hf.compare({self.models!r}, {self.prompt!r}{arguments})\n"
            "result = panel.run()\nresult.to_pandas()"
        )
        names = ",".join(self.models)
        code.magic = f"%%infer -t {self.task} --compare {names}\n{self.prompt}".rstrip()
        code.curl = f"# One call per model; this is the first.\n{code.curl}"
        code.hub = f"# One call per model; this is the first.\n{code.hub}"
        return code

    def _hfw_call_arguments(self) -> dict[str, Any]:
        system = [{"role": "system", "content": self.system}] if self.system else []
        question = [{"role": "user", "content": self.prompt}] if self.prompt else []
        return {"messages": [*system, *question] if question else []}

    def _hfw_initial_document(self) -> dict[str, Node]:
        return {
            "prompt": self.prompt,
            "columns": [_empty_column(name) for name in self.models],
            "vote": "",
            "differences": None,
            **self.CALL_TOOLS_DOCUMENT,
            "files": None,
        }

    def _hfw_render_static(self) -> StaticForm:
        if self._hfw_last_comparison is None:
            words = f"<p>{len(self.models)} models to compare: run this cell.</p>"
            return StaticForm(words, repr(self))
        return StaticForm(self._hfw_last_comparison._html_(), repr(self._hfw_last_comparison))

    def _hfw_repr_fields(self) -> dict[str, Any]:
        return {"models": self.models, **super()._hfw_repr_fields()}

    # Actions of the page

    def _hfw_do_run(self, prompt: str) -> None:
        self.start(prompt)

    def _hfw_do_vote(self, winner: str) -> None:
        self.vote(winner)

    def vote(self, winner: str) -> None:
        """Keep which model's last answer is better: its name, or "same"; see `votes`."""
        super().vote(winner)
        self._hfw_mirror.set("vote", value=winner)
        self._hfw_refresh_static()

    def _hfw_voted_arguments(self) -> dict[str, Any]:
        return {"system": self.system or "", "prompt": self.prompt}


def _empty_column(name: str) -> Column:
    return Column(model=name, text="", state="", error="")
