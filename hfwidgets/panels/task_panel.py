"""The panel of any task: its form and its view are derived from the declaration and the result."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

import traitlets as t

from hfwidgets import errors, media, tasks
from hfwidgets.notebook import background_loop
from hfwidgets.panels.base_panel import Panel
from hfwidgets.panels.call_tools import CallTools
from hfwidgets.panels.document.flusher import flusher
from hfwidgets.panels.form import example_answers, uploads, variables
from hfwidgets.panels.form.describe import (
    describe_example,
    describe_form,
    split_parameters,
    task_examples,
)
from hfwidgets.panels.form.inputs import PanelInputs, describe_input, preview_file
from hfwidgets.panels.run import PanelRun
from hfwidgets.panels.text_tools import TextTools
from hfwidgets.panels.views import plain_value, previews, static_html
from hfwidgets.panels.views.history import History
from hfwidgets.results.audio import Audio
from hfwidgets.tasks import controls, examples


class TaskPanel(TextTools, CallTools, Panel):
    """A task as a form with a result.

    Args:
        task: the task's name, with hyphens or underscores.
        model: the model's id on the Hub; None leaves the choice to the provider.
        choices: names of tasks to choose from in the same panel.
        settings: inputs and parameters of the task, and settings of a client.

    Attributes:
        inputs: what the task gets, by name: `panel.inputs["image"] = picture`.
        value: the last result in its simplest form.
        task: the task's name; `switch` changes it.
        auto_run: whether a picture or sound that the page brings starts a run, as soon as nothing
            else is missing.
        vary_seed: whether pictures and films get a seed of their own, the next number, when none
            is set: else a server's cache may answer with the last one again, and no picture could
            be made twice. False sends none.
    """

    needed_chunks = ("task",)
    auto_run = t.Bool(False)
    vary_seed = t.Bool(True)

    def __init__(
        self, task: str, model: str | None = None, *, choices: Iterable[str] = (), **settings: Any
    ) -> None:
        found = tasks.find(task)
        self.task = found.name
        self._task_choices = [tasks.find(name) for name in choices]
        self._input_names, _ = split_parameters(found)
        self.inputs = PanelInputs(found, self._input_names, self._mirror_input)
        self._history = History()
        self._uploads = uploads.Uploads()
        self._last_seed = 0
        self._uses_stored_answer = False
        self._sent_parameters: dict[str, Any] = {}
        ways = {name: settings.pop(name) for name in ("auto_run", "vary_seed") if name in settings}
        given = {name: settings.pop(name) for name in self._input_names if name in settings}
        super().__init__(model, **settings)
        self._retry_action = self.start
        self.set_trait("value", plain_value.initial_value(found))
        self.observe(self._mirror_auto_run, "auto_run")
        for way, wanted in ways.items():
            setattr(self, way, wanted)
        self.observe(self._update_banner, ["model", "provider"])
        self._update_banner()
        for name, value in given.items():
            self.inputs[name] = value

    # What users call

    def start(self, **inputs: Any) -> None:
        """Run; returns at once. Inputs given here replace those of the form."""
        self._start_with_inputs(inputs)

    def run(self, **inputs: Any) -> Any:
        """Run and wait for the typed result; an interrupt stops it and keeps what came."""
        return self._wait_for_run(self._start_with_inputs(inputs))

    async def arun(self, **inputs: Any) -> Any:
        """The same, awaited."""
        return await self._wait_for_run_async(self._start_with_inputs(inputs))

    def use(self, result: Any, name: str | None = None) -> None:
        """Take a result, or another panel's, as input: the first that fits, or the one named.

        Raises:
            InputError: there is no result yet, or no input fits it.
        """
        value = result.result if isinstance(result, Panel) else result
        if value is None:
            raise errors.InputError("There is no result yet to use: run the other panel first.")
        name = name or self.inputs.find_input_for(value)
        if name is None:
            raise errors.InputError(
                f"No input of {self.task} takes a {type(value).__name__}. "
                f"Name one: .use(result, {self._input_names[0]!r})."
            )
        self.inputs[name] = getattr(value, "text", value) if self._is_text_input(name) else value

    def example(self, number: int = 0) -> None:
        """Fill in one of the task's examples; the first is the one that the task declares."""
        made = examples.make_arguments(task_examples(self.declaration)[number])
        for name in set(made) & set(self._input_names):
            self.inputs.set_input(name, made.pop(name), "example")
        known = {name: value for name, value in made.items() if name in self.declaration.controls}
        if known:
            self.parameters = {**self.parameters, **known}

    def switch(self, task: str) -> None:
        """Turn the form to another task; inputs that fit by name are kept."""
        found = tasks.find(task)
        with self._lock:
            self._require_idle()
            kept = {name: value for name, value in self.inputs.items() if value is not None}
            self.task, self.declaration = found.name, found
            self._input_names, _ = split_parameters(found)
            self.inputs = PanelInputs(found, self._input_names, self._mirror_input)
        self.model, self.parameters = None, {}
        for part, value in self._task_document().items():
            self._mirror.set(part, value=value)
        for name in set(kept) & set(self._input_names):
            if isinstance(kept[name], str) == self._is_text_input(name):
                self.inputs[name] = kept[name]
        self._update_state("idle", failure=None, stats=None, note="")
        self._update_banner()

    # A run

    def _start_with_inputs(self, inputs: dict[str, Any]) -> PanelRun:
        self._require_idle()
        for name, value in inputs.items():
            self.inputs[name] = value
        self._run_inputs = self.inputs.collect_values()
        return self._begin_run(lambda: None)

    async def _perform_run(self, run: PanelRun) -> None:
        self._sent_parameters = self._choose_seed()
        kept, self._uses_stored_answer = self._uses_stored_answer, False
        if kept:
            run.result = await asyncio.to_thread(example_answers.replay_answer, self.declaration)
            await asyncio.to_thread(self._show_result, run)
            return
        given = {**self._run_inputs, **self._sent_parameters}
        method = getattr(self._get_client(), self.declaration.method)
        if "stream" in self.declaration.signature.parameters and not given.get("details"):
            await self._stream_result(run, await method(model=self.model, stream=True, **given))
        else:
            run.result = await method(model=self.model, **given)
        if run.result is not None:
            await asyncio.to_thread(self._show_result, run)

    def _choose_seed(self) -> dict[str, Any]:
        """The parameters of this run, with a seed for what is drawn."""
        known = self.declaration.signature.parameters
        if "seed" in known and "stream" not in known:
            fixed = self.parameters.get("seed")
            self._last_seed = self._last_seed + 1 if fixed is None else fixed
            if self.vary_seed or fixed is not None:
                return {**self.parameters, "seed": self._last_seed}
        return dict(self.parameters)

    async def _stream_result(self, run: PanelRun, stream: Any) -> None:
        before = next(iter(self._run_inputs.values()), None)
        view: dict[str, Any] = {"kind": "text", "markdown": True}
        if isinstance(before, str):
            view = {"kind": "continuation", "prompt": before}
        view |= {"text": "", "n": -run.number}
        self._mirror.set("result", value=view)
        self._piece_count = 0
        try:
            async for chunk in stream:
                if piece := uploads.chunk_text(chunk):
                    self._piece_count += 1
                    if self.status != "streaming":
                        self._update_state("streaming", note="", eta=None)
                    self._mirror.append("result", "text", text=piece)
        finally:
            flusher.flush_now(self._mirror)
            await stream.aclose()
            run.result = stream.result if stream.meta.first_token_seconds is not None else None

    def _run_stats(self, run: PanelRun) -> dict[str, Any]:
        """The status line's numbers; tokens of a stream without accounts are its pieces."""
        found = super()._run_stats(run)
        made = getattr(run.result.meta.usage, "completion_tokens", None) if found else None
        count = made or (self._piece_count if "first" in found else 0)
        if not count:
            return found
        writing = found["seconds"] - found.get("first", 0.0)
        rate = {"rate": (count - 1) / writing} if count > 1 and "first" in found else {}
        return {**found, **rate, "completion": count, "counted": made is None}

    def _show_result(self, run: PanelRun) -> None:
        """Draw the result; what was streamed stays as it stands."""
        item = self._history.add(
            run.result, self.declaration, self._run_inputs, self._sent_parameters
        )
        if self._has_streamed_text:
            item.view = {**item.view, **self._mirror.get("result"), "n": item.number}
        self._mirror.set("result", value=item.view)
        self._mirror.set("gallery", value=self._history.list_gallery())

    def _settle_document(self, run: PanelRun) -> None:
        if run.result is None:
            return
        if (
            self._history.last_result is not run.result
        ):  # stopped half-way: what came is a result too
            self._show_result(run)
        with contextlib.suppress(t.TraitError):
            self.set_trait("value", plain_value.to_plain_value(run.result))

    @property
    def _has_streamed_text(self) -> bool:
        view = self._mirror.get("result")
        return view is not None and view["n"] < 0

    # The document

    def _initial_document(self) -> dict[str, Any]:
        more = {"uploads": {}, "names": {}, "auto": False, "heard": 0}
        return {
            **self._task_document(),
            **self.CALL_TOOLS_DOCUMENT,
            **self.TEXT_TOOLS_DOCUMENT,
            **more,
        }

    def _task_document(self) -> dict[str, Any]:
        """What changes with the task."""
        shape = describe_form(self.declaration, self._task_choices)
        found = [
            {"about": describe_example(sample), "preview": self._preview_example(at, sample)}
            for at, sample in enumerate(task_examples(self.declaration))
        ]
        inputs = {name: self.inputs.describe(name) for name in self._input_names}
        drawn = {"form": {**shape, "examples": found}, "inputs": inputs}
        return {**drawn, "result": None, "gallery": [], "models": [], "pairs": None}

    def _preview_example(self, at: int, sample: dict[str, Any]) -> dict[str, Any]:
        """An example's inputs as the page shows them."""
        return {
            name: describe_input(value, self.declaration.controls[name], f"ex.{at}.{name}")
            for name, value in sample.items()
            if name in self._input_names
        }

    def _mirror_auto_run(self, _: Any) -> None:
        self._mirror.set("auto", value=self.auto_run)

    def _call_arguments(self) -> dict[str, Any]:
        return dict(self.inputs)

    def _mirror_input(self, name: str) -> None:
        self._mirror.set("inputs", name, value=self.inputs.describe(name))

    def _is_text_input(self, name: str) -> bool:
        return isinstance(self.inputs.control_for(name), controls.TextBox | controls.Messages)

    def _render_static(self) -> tuple[str, str]:
        return static_html.render_static_html(self.declaration, self._history.last_item, repr(self))

    def _send_media(self, name: str) -> None:
        """Pictures are decoded and made small beside the handler, which must not wait."""
        background_loop.submit(self._send_media_async(name))

    async def _send_media_async(self, name: str) -> None:
        try:
            await asyncio.to_thread(super()._send_media, name)
        except errors.HfWidgetsError as error:
            self._show_error(error)

    def _find_media(self, name: str) -> tuple[bytes, str] | None:
        room, _, rest = name.partition(".")
        if room == "in":
            return self._input_file(name, rest.partition(".")[0])
        if room == "ex":
            return self._example_file(*rest.partition(".")[::2])
        return self._history.find_file(name)

    def _example_file(self, at: str, name: str) -> tuple[bytes, str] | None:
        found = dict(enumerate(task_examples(self.declaration))).get(
            int(at) if at.isdigit() else -1, {}
        )
        if name not in found or name not in self._input_names:
            return None
        return preview_file(found[name], self.declaration.controls[name])

    def _input_file(self, file: str, name: str) -> tuple[bytes, str] | None:
        if name not in self._input_names or self.inputs.file_id(name) != file:
            return None
        return preview_file(self.inputs[name], self.inputs.control_for(name))

    def _repr_fields(self) -> dict[str, Any]:
        return {"task": self.task, **super()._repr_fields()}

    # What the page asks for

    def _do_run(self, inputs: dict[str, Any], n: int = 0) -> None:
        self._do_inputs(inputs, n)
        self.start()

    def _do_inputs(self, inputs: dict[str, Any], n: int = 0) -> None:
        """Take what was typed. The page shows its own until `heard` says that this is known."""
        try:
            for name, value in inputs.items():
                control = self.inputs.control_for(name) if name in self._input_names else None
                if control is not None and not isinstance(control, controls.MediaInput):
                    self.inputs[name] = uploads.parse_field_value(value, control)
        finally:
            self._mirror.set("heard", value=max(n, self._mirror.get("heard")))

    def _do_address(self, name: str, value: str) -> None:
        """A path or URL was typed for a medium; "" takes the medium away."""
        self._set_media_input(name, value.strip() or None, value.strip())

    def _set_media_input(self, name: str, value: Any, label: str) -> None:
        """Take a medium from the page, and run where that was asked for and nothing is missing."""
        self.inputs.set_input(name, value, label)
        if self.auto_run and value is not None and not self.busy:
            with contextlib.suppress(errors.InputError):
                self.start()

    def _do_upload(self, buffers: Iterable[bytes], **piece: Any) -> None:
        done = self._uploads.add_piece(b"".join(buffers), **piece)
        self._mirror.set(
            "uploads", piece["name"], value=self._uploads.upload_progress(piece["name"])
        )
        if done is not None:
            value = uploads.to_media_input(done, self.inputs.control_for(piece["name"]))
            self._set_media_input(piece["name"], value, str(piece.get("file") or ""))

    def _do_example(self, number: int = 0) -> None:
        """Run an example; where nobody can be asked, its kept answer is shown."""
        self.example(number)
        barred = self._mirror.get("banner") is not None
        self._uses_stored_answer = (
            number == 0 and barred and example_answers.has_answer(self.declaration)
        )
        self.start()

    def _do_names(self, name: str) -> None:
        found = variables.find_variables(self.inputs.control_for(name), variables.namespace())
        self._mirror.set("names", name, value=found)

    def _do_variable(self, name: str, variable: str) -> None:
        known = variables.namespace()
        if variable not in known:
            raise errors.InputError(f"There is no variable {variable!r} any more.")
        if isinstance(known[variable], Panel):
            self.use(known[variable], name)
        else:
            self._set_media_input(name, known[variable], variable)

    def _do_auto(self, on: bool) -> None:
        self.auto_run = on

    def _do_trim(self, name: str, start: float, end: float) -> None:
        """Keep a part of a sound; decoding takes a while, so it is done beside the handler."""
        background_loop.submit(self._trim_audio(name, start, end))

    async def _trim_audio(self, name: str, start: float, end: float) -> None:
        label = self.inputs.label_of(name).partition(" · ")[0]
        try:
            found = await asyncio.to_thread(previews.load_media, self.inputs[name], "audio")
            sound = Audio(await asyncio.to_thread(found.read))
            part = await asyncio.to_thread(sound.cut, start, end)
            self._set_media_input(name, part, f"{label} · {start:.2f} to {end:.2f} s")
        except errors.HfWidgetsError as error:
            self._show_error(error)

    def _do_poster(self, number: int, buffers: Iterable[bytes]) -> None:
        """The page shows a film's first picture: keep it for where no film is played."""
        background_loop.submit(self._store_poster(number, b"".join(buffers)))

    async def _store_poster(self, number: int, picture: bytes) -> None:
        item = self._history.find_item(number)
        if item is None or item.poster is not None or item.view["kind"] != "video":
            return
        with contextlib.suppress(errors.HfWidgetsError):  # a still is no news when it fails
            loaded = await asyncio.to_thread(previews.load_media, picture, "image")
            item.poster = await asyncio.to_thread(media.open_upright, loaded)
            await asyncio.to_thread(self._refresh_static)

    def _do_vary(self) -> None:
        """Draw again with another seed."""
        self._require_idle()
        self.parameters = {n: value for n, value in self.parameters.items() if n != "seed"}
        self.start()

    def _do_use(self, name: str | None = None) -> None:
        self.use(self.result, name)

    def _do_show(self, number: int) -> None:
        """Show a past result of the gallery again."""
        view = self._history.find_view(number)
        if view is not None:
            self._mirror.set("result", value=view)

    def _do_switch(self, task: str) -> None:
        self.switch(task)
