"""The panel of any task, whose form and view are derived from the declaration and the result."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import traitlets as t

from hfwidgets import errors, tasks
from hfwidgets.errors.excerpt import name_type
from hfwidgets.panels.base_panel import Panel
from hfwidgets.panels.call_tools import CallTools
from hfwidgets.panels.document.flusher import flusher
from hfwidgets.panels.document.nodes import Node
from hfwidgets.panels.document.outputs import StaticForm
from hfwidgets.panels.document.protocol import ExampleView, InputView
from hfwidgets.panels.form import example_answers, uploads, variables
from hfwidgets.panels.form.describe import (
    describe_examples,
    describe_form,
    split_parameters,
    task_examples,
)
from hfwidgets.panels.form.inputs import PanelInputs, describe_input, preview_file
from hfwidgets.panels.media_tools import MediaTools
from hfwidgets.panels.run import PanelRun
from hfwidgets.panels.several_images import SeveralImages
from hfwidgets.panels.shelf import Shelf
from hfwidgets.panels.text_tools import TextTools
from hfwidgets.panels.views import plain_value, previews, static_html
from hfwidgets.panels.views.history import History
from hfwidgets.panels.views.text_view import ContinuationView, TextView
from hfwidgets.tasks import controls, examples, table_text


class TaskPanel(SeveralImages, MediaTools, TextTools, CallTools, Panel):
    """A task as a form with a result.

    Tasks with one image input take several images: `start_each(images)`, or several files that are
    dropped, pasted or chosen at once. Each is a run, and `results` has one result for each.

    Args:
        task: the task's name, with hyphens or underscores, or one of its short names.
        model: the model's id on the Hub; None leaves the choice to the provider.
        choices: names of tasks to choose from in the same panel.
        settings: inputs and parameters of the task, and settings of a client.

    Attributes:
        inputs: the task's inputs by name: `panel.inputs["image"] = image`.
        value: the last result in its simplest form.
        task: the task's name; `switch` changes it.
        auto_run: True if an image or audio that the page brings starts a run, provided that no
            other input is missing.
        vary_seed: True if images and videos get the next number as their seed where none is set.
            Without one a server's cache may answer with the last result again, and no image could
            be made twice. False sends no seed.
    """

    needed_chunks = ("ui",)
    auto_run = t.Bool(False)
    vary_seed = t.Bool(True)

    def __init__(
        self, task: str, model: str | None = None, *, choices: Iterable[str] = (), **settings: Any
    ) -> None:
        declaration = tasks.find(task)
        self.task = declaration.name
        self._hfw_task_choices = [tasks.find(name) for name in choices]
        # All of this precedes the base class, whose constructor describes the form and its inputs.
        self._hfw_input_names, _ = split_parameters(declaration)
        self.inputs = PanelInputs(declaration, self._hfw_input_names, self._hfw_mirror_input)
        self._hfw_history = History()
        self._hfw_continuations = []
        self._hfw_last_seed = 0
        self._hfw_uses_stored_answer = False
        self._hfw_sent_parameters: dict[str, Any] = {}
        self._hfw_streamed_view: TextView | ContinuationView | None = None
        # Not parameters of the task: the base class would refuse them as unknown.
        options = {
            name: settings.pop(name) for name in ("auto_run", "vary_seed") if name in settings
        }
        inputs = {name: settings.pop(name) for name in self._hfw_input_names if name in settings}
        super().__init__(model, **settings)
        self._hfw_retry_action = self.start
        self.set_trait("value", plain_value.initial_value(declaration))
        self.observe(self._hfw_mirror_auto_run, "auto_run")
        for option, wanted in options.items():
            setattr(self, option, wanted)
        self.observe(self._hfw_follow_model, ["model", "provider"])
        self._hfw_follow_model()
        # Only now, since each value goes into the document, which the base class creates.
        for name, value in inputs.items():
            self.inputs[name] = value

    def _hfw_shelves(self) -> list[Shelf[Any]]:
        return [*super()._hfw_shelves(), self._hfw_history.shelf]

    # What users call

    def start(self, *values: Any, **inputs: Any) -> None:
        """Run; returns immediately. What is passed replaces the inputs of the form.

        Args:
            values: the task's inputs in their order, as a client's method takes them.
            inputs: inputs by name.

        Raises:
            InputError: a required input is missing, an input is passed twice or not the task's, or
                the panel is still running.
        """
        self._hfw_start_with_inputs(values, inputs)

    def run(self, *values: Any, **inputs: Any) -> Any:
        """Run and wait for the typed result; an interrupt stops it and keeps what has arrived.

        See `start` for the inputs.
        """
        return self._hfw_wait_for_run(self._hfw_start_with_inputs(values, inputs))

    async def arun(self, *values: Any, **inputs: Any) -> Any:
        """Run and await the typed result; see `run`."""
        return await self._hfw_wait_for_run_async(self._hfw_start_with_inputs(values, inputs))

    def use(self, result: object, name: str | None = None) -> None:
        """Use a result, or another panel's result, as input.

        Args:
            result: a result, or a panel that has one.
            name: the input's name; None is the first input that accepts the result.

        Raises:
            InputError: there is no result yet, or no input accepts it.
        """
        # The panel itself is accepted too, since its result changes with each run.
        value = result.result if isinstance(result, Panel) else result
        if value is None:
            raise errors.InputError("There is no result to use yet. Run the other panel first.")
        name = name or self.inputs.find_input_for(value)
        if name is None:
            raise errors.InputError(
                f"No input of {self.task} accepts {name_type(value)}. "
                f"Name one: .use(result, {self._hfw_input_names[0]!r})."
            )
        self.inputs[name] = (
            getattr(value, "text", value) if self._hfw_is_text_input(name) else value
        )

    def example(self, number: int = 0) -> None:
        """Fill in one of the task's examples; the first is the one that the task declares."""
        example = task_examples(self.declaration)[number]
        values = examples.make_arguments(example)
        for name in set(values) & set(self._hfw_input_names):
            label = getattr(example[name], "alt", "example")
            self.inputs.set_input(name, values.pop(name), label)
        known = {name: value for name, value in values.items() if name in self.declaration.controls}
        if known:
            self.parameters = {**self.parameters, **known}

    def switch(self, task: str) -> None:
        """Switch to another task. Inputs that it has too are kept.

        Raises:
            UnknownTaskError: the task is unknown.
            InputError: the panel is still running.
        """
        declaration = tasks.find(task)
        with self._hfw_lock:
            self._hfw_require_idle()
            # Read before the declaration changes, which tells the inputs how they are read.
            values = {name: value for name, value in self.inputs.items() if value is not None}
            self.task, self.declaration = declaration.name, declaration
            self._hfw_input_names, _ = split_parameters(declaration)
            self.inputs = PanelInputs(declaration, self._hfw_input_names, self._hfw_mirror_input)
            self._hfw_continuations.clear()
            self._hfw_images = ()
        # The model may not serve this task, and the parameters were those of the other one.
        self.model, self.parameters = "", {}
        for part, value in self._hfw_task_document().items():
            self._hfw_mirror.set(part, value=value)
        # A name may stand for another kind of input in the other task: "inputs" of a text and of
        # an image, say.
        for name in set(values) & set(self._hfw_input_names):
            if isinstance(values[name], str) == self._hfw_is_text_input(name):
                self.inputs[name] = values[name]
        self._hfw_update_state("idle", failure=None, stats=None, note="")
        self._hfw_follow_model()

    # A run

    def _hfw_start_with_inputs(self, values: Sequence[Any], inputs: Mapping[str, Any]) -> PanelRun:
        # Before the inputs change; the run's start checks again, under the lock.
        self._hfw_require_idle()
        self.inputs.update(self.inputs.name_values(values, inputs))
        # Copies for this run: the form may change while it is under way.
        self._hfw_run_inputs = self.inputs.collect_values()
        self._hfw_described_inputs = self.inputs.describe_all()
        return self._hfw_begin_run(lambda: None)

    async def _hfw_perform_run(self, run: PanelRun) -> None:
        self._hfw_sent_parameters = self._hfw_choose_seed()
        self._hfw_streamed_view = None
        # Reset at once: the stored answer serves a single run.
        from_store, self._hfw_uses_stored_answer = self._hfw_uses_stored_answer, False
        if from_store:
            run.result = await asyncio.to_thread(example_answers.replay_answer, self.declaration)
            await asyncio.to_thread(self._hfw_show_result, run)
            return
        arguments = {**self._hfw_run_inputs, **self._hfw_sent_parameters}
        method = getattr(self._hfw_get_client(), self.declaration.method)
        # A detailed result has more than a stream of texts could carry.
        can_stream = "stream" in self.declaration.signature.parameters
        if can_stream and not arguments.get("details"):
            stream = await method(model=self.model or None, stream=True, **arguments)
            await self._hfw_stream_result(run, stream)
        else:
            run.result = await method(model=self.model or None, **arguments)
        # In a thread: building a view may decode images, and all panels share this loop.
        if run.result is not None:
            await asyncio.to_thread(self._hfw_show_result, run)

    def _hfw_choose_seed(self) -> dict[str, Any]:
        """Return the parameters of this run, with a seed for images and videos."""
        known = self.declaration.signature.parameters
        # Texts have seeds too, but are not cached, and a person expects another text each time.
        if "seed" in known and "stream" not in known:
            fixed = self.parameters.get("seed")
            # Counting goes on from a fixed seed too, so that the run after it differs.
            self._hfw_last_seed = self._hfw_last_seed + 1 if fixed is None else fixed
            if self.vary_seed or fixed is not None:
                return {**self.parameters, "seed": self._hfw_last_seed}
        return dict(self.parameters)

    async def _hfw_stream_result(self, run: PanelRun, stream: Any) -> None:
        prompt = next(iter(self._hfw_run_inputs.values()), None)
        # The negative number tells the page that this view still grows.
        if isinstance(prompt, str):
            self._hfw_streamed_view = ContinuationView(n=-run.number, prompt=prompt, text="")
        else:
            self._hfw_streamed_view = TextView(n=-run.number, text="", markdown=True)
        self._hfw_mirror.set("result", value=self._hfw_streamed_view)
        self._hfw_piece_count = 0
        try:
            async for chunk in stream:
                if piece := uploads.chunk_text(chunk):
                    self._hfw_piece_count += 1
                    if self.status != "streaming":
                        self._hfw_update_state("streaming", note="", eta=None)
                    self._hfw_mirror.append("result", "text", text=piece)
        finally:
            # Also after Stop or a broken connection: the text that has arrived is a result.
            flusher.flush_now(self._hfw_mirror)
            await stream.aclose()
            has_begun = stream.meta.first_token_seconds is not None
            run.result = stream.result if has_begun else None

    def _hfw_run_stats(self, run: PanelRun) -> dict[str, Any]:
        stats = super()._hfw_run_stats(run)
        tokens = getattr(run.result.meta.usage, "completion_tokens", None) if stats else None
        # A server that does not count its tokens sends about one per piece.
        count = tokens or (self._hfw_piece_count if "first" in stats else 0)
        if not count:
            return stats
        # The first token ends the wait, so the rate counts only the tokens after it.
        seconds = stats["seconds"] - stats.get("first", 0.0)
        has_rate = count > 1 and seconds > 0 and "first" in stats
        rate = {"rate": (count - 1) / seconds} if has_rate else {}
        return {**stats, **rate, "completion": count, "counted": tokens is None}

    def _hfw_show_result(self, run: PanelRun) -> None:
        """Build and show the view of a result; a streamed text stays on the page unchanged."""
        item = self._hfw_history.add(
            run.result, self.declaration, self._hfw_run_inputs, self._hfw_sent_parameters
        )
        if self._hfw_streamed_view is not None:
            # The page leaves its text untouched where the kind stays and the number turns positive,
            # so the streamed view is completed rather than replaced by the one just built.
            item.view = msgspec.structs.replace(
                self._hfw_streamed_view,
                n=item.number,
                text=self._hfw_mirror.get("result", "text"),
                raw=item.view.raw,
                saves=item.view.saves,
                seed=item.view.seed,
                rest=item.view.rest,
            )
        self._hfw_mirror.set("answered", value=self._hfw_described_inputs)
        self._hfw_mirror.set("result", value=item.view)
        self._hfw_mirror.set("gallery", value=self._hfw_history.list_gallery())

    def _hfw_settle_document(self, run: PanelRun) -> None:
        if run.result is None:
            return
        last = self._hfw_history.last_item
        if last is None or last.source.get().result is not run.result:
            self._hfw_show_result(run)  # stopped partway: what arrived is a result too
        # A trait that the user linked to `value` may refuse this kind of result.
        with contextlib.suppress(t.TraitError):
            self.set_trait("value", plain_value.to_plain_value(run.result))

    # The document

    def _hfw_initial_document(self) -> dict[str, Node]:
        return {
            **self._hfw_task_document(),
            **self.CALL_TOOLS_DOCUMENT,
            **self.TEXT_TOOLS_DOCUMENT,
            "names": {},
            "auto": False,
            "heard": 0,
        }

    def _hfw_task_document(self) -> dict[str, Node]:
        """Return the parts of the document that change with the task."""
        form = describe_form(self.declaration, self._hfw_task_choices)
        found = task_examples(self.declaration)
        form.examples = [
            ExampleView(about=about, preview=self._hfw_preview_example(at, example))
            for at, (about, example) in enumerate(zip(describe_examples(found), found, strict=True))
        ]
        return {
            "form": form,
            "inputs": self.inputs.describe_all(),
            "answered": None,
            "result": None,
            "gallery": [],
            "models": [],
            "pairs": None,
            "several": None,
        }

    def _hfw_preview_example(
        self, at: int, example: Mapping[str, Any]
    ) -> dict[str, InputView | None]:
        """Return an example's inputs as the page shows them."""
        return {
            name: describe_input(value, self.declaration.controls[name], f"ex.{at}.{name}")
            for name, value in example.items()
            if name in self._hfw_input_names
        }

    def _hfw_mirror_auto_run(self, _: object) -> None:
        self._hfw_mirror.set("auto", value=self.auto_run)

    def _hfw_call_arguments(self) -> dict[str, Any]:
        return dict(self.inputs)

    def _hfw_mirror_input(self, name: str) -> None:
        self._hfw_mirror.set("inputs", name, value=self.inputs.describe(name))
        self._hfw_leave_several(name)

    def _hfw_is_text_input(self, name: str) -> bool:
        return isinstance(self.inputs.control_for(name), controls.TextBox | controls.Messages)

    def _hfw_render_static(self) -> StaticForm:
        return static_html.render_static_html(
            self.declaration, self._hfw_history.last_item, repr(self)
        )

    def _hfw_find_media(self, name: str) -> previews.PageFile | None:
        kind, _, rest = name.partition(".")
        if kind == "in":
            return self._hfw_input_file(name, rest.partition(".")[0])
        if kind == "ex":
            return self._hfw_example_file(*rest.partition(".")[::2])
        if kind == "each":
            return self._hfw_each_file(name)
        return self._hfw_history.find_file(name)

    def _hfw_example_file(self, at: str, name: str) -> previews.PageFile | None:
        known = dict(enumerate(task_examples(self.declaration)))
        example = known.get(int(at) if at.isdigit() else -1, {})
        if name not in example or name not in self._hfw_input_names:
            return None
        return preview_file(example[name], self.declaration.controls[name])

    def _hfw_input_file(self, file: str, name: str) -> previews.PageFile | None:
        if name not in self._hfw_input_names or self.inputs.file_id(name) != file:
            return None  # replaced since; the page has been told of the new one
        return preview_file(self.inputs[name], self.inputs.control_for(name))

    def _hfw_repr_fields(self) -> dict[str, Any]:
        return {"task": self.task, **super()._hfw_repr_fields()}

    # Actions of the page

    def _hfw_do_run(self, inputs: Mapping[str, Any], n: int = 0) -> None:
        self._hfw_do_inputs(inputs, n)
        if not self._hfw_start_several():
            self.start()

    def _hfw_do_inputs(self, inputs: Mapping[str, Any], n: int = 0) -> None:
        """Take over what was typed. The page shows its own text until `heard` reaches `n`."""
        try:
            for name, value in inputs.items():
                control = self.inputs.control_for(name) if name in self._hfw_input_names else None
                # The form may have switched since: names it no longer has are skipped. Media come
                # by other messages.
                if control is not None and not isinstance(control, controls.MediaInput):
                    self.inputs[name] = uploads.parse_field_value(value, control)
        finally:
            # Also where the input was refused, as the page ignores the kernel's values until then.
            # Never lowered: several pages of one panel count independently.
            self._hfw_mirror.set("heard", value=max(n, self._hfw_mirror.get("heard")))

    def _hfw_do_address(self, name: str, value: str) -> None:
        """Set a media input to a path or URL; "" removes it."""
        self._hfw_set_media_input(name, value.strip() or None, value.strip())

    def _hfw_set_media_input(self, name: str, value: object, label: str) -> None:
        """Set a media input from the page, and run if `auto_run` is set and nothing is missing."""
        self.inputs.set_input(name, value, label)
        if self.auto_run and value is not None and not self.busy:
            with contextlib.suppress(errors.InputError):
                self.start()

    def _hfw_take_upload(self, name: str, data: bytes, file: str) -> None:
        if name not in self._hfw_input_names:
            super()._hfw_take_upload(name, data, file)
            return
        control = self.inputs.control_for(name)
        if isinstance(control, controls.TableInput):
            self.inputs[name] = uploads.parse_table(data, control)
        else:
            self._hfw_set_media_input(name, uploads.to_media_input(data, control), file)

    def _hfw_do_paste(
        self, name: str, table: table_text.Rows, text: str, row: int, column: int
    ) -> None:
        """Put what a spreadsheet copied into a table, whose first row has its names."""
        rows = table_text.paste_rows(table, table_text.parse_rows(text), row, column)
        control = self.inputs.control_for(name)
        self.inputs[name] = uploads.parse_field_value(table_text.name_columns(rows), control)

    def _hfw_do_example(self, number: int = 0) -> None:
        """Run an example; where no call is possible, show its stored answer."""
        self.example(number)
        is_blocked = self._hfw_mirror.get("banner") is not None
        self._hfw_uses_stored_answer = (
            # Only the declared example, which is the first, has a stored answer.
            number == 0 and is_blocked and example_answers.has_answer(self.declaration)
        )
        self.start()

    def _hfw_do_clear(self) -> None:
        """Empty the form and the place of the result; past results stay in `results`."""
        self._hfw_require_idle()
        for name in self._hfw_input_names:
            self.inputs[name] = None
        for part in ("result", "answered", "pairs"):
            self._hfw_mirror.set(part, value=None)
        self._hfw_update_state("idle", failure=None, stats=None, note="")

    def _hfw_do_names(self, name: str) -> None:
        found = variables.find_variables(self.inputs.control_for(name), variables.namespace())
        self._hfw_mirror.set("names", name, value=found)

    def _hfw_do_variable(self, name: str, variable: str) -> None:
        value = variables.read_variable(variable)
        if isinstance(value, Panel):
            self.use(value, name)
        else:
            self._hfw_set_media_input(name, value, variable)

    def _hfw_do_auto(self, on: bool) -> None:
        self.auto_run = on

    def _hfw_do_vary(self) -> None:
        """Generate again with another seed."""
        # Before the seed is dropped: a refused click changes nothing.
        self._hfw_require_idle()
        self.parameters = {n: value for n, value in self.parameters.items() if n != "seed"}
        self.start()

    def _hfw_do_use(self, name: str | None = None) -> None:
        self.use(self.result, name)

    def _hfw_do_show(self, number: int) -> None:
        """Show a past result of the gallery again."""
        item = self._hfw_history.find_item(number)
        if item is not None:
            self._hfw_mirror.set("result", value=item.view)

    def _hfw_do_switch(self, task: str) -> None:
        self.switch(task)
