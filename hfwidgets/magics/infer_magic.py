"""%infer and %%infer."""

import sys
import traceback
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.display import display
from traitlets import Dict, Enum, Float, TraitError, Unicode, observe, validate

from hfwidgets import notebook
from hfwidgets.client import arguments
from hfwidgets.errors import ConfigurationError, HfWidgetsError
from hfwidgets.magics import compare, each_row, outputs, render, run
from hfwidgets.magics.build_call import CHAT, Defaults, MagicCall, build_call, choose_task
from hfwidgets.magics.is_assigned import is_assigned
from hfwidgets.magics.options import (
    FORMATS,
    Options,
    format_infer_help,
    parse_cell_magic,
    parse_line_magic,
)
from hfwidgets.magics.variables import resolve_path
from hfwidgets.notebook import background_loop
from hfwidgets.tasks import find

NO_PANEL_MESSAGE = "Panels are shown in notebooks; a terminal asks with %infer, without --panel.\n"


def _define_setting(help_line: str) -> Any:
    return Unicode(None, allow_none=True, help=help_line).tag(config=True)


@magics_class
class InferMagics(Magics):
    """Inference in a cell; `%config InferMagics` sets what holds where a line says nothing."""

    shell: Any
    model = _define_setting("Model id, URL or alias; None leaves the choice to the provider.")
    provider = _define_setting("Provider, 'auto' or 'local'; None follows the client's own rules.")
    task = _define_setting("Task; None is chat-completion.")
    chat = _define_setting(
        "Name of the conversation that goes on; None makes each call a single shot."
    )
    timeout = Float(None, allow_none=True, help="A call's time budget in seconds.").tag(config=True)
    format = Enum(FORMATS, "auto", help="How answers are shown.").tag(config=True)
    aliases = Dict(help="Short names for MODEL or MODEL:PROVIDER.").tag(config=True)

    def __init__(self, shell: Any, **kwargs: Any) -> None:
        self.session = notebook.current_session()
        super().__init__(shell, **kwargs)
        self.session.aliases.update(self.aliases)

    @validate("task", "provider", "timeout")
    def _check_setting(self, proposal: Any) -> Any:
        name, value = proposal.trait.name, proposal.value
        if value is None:
            return None
        try:
            return _SETTING_CHECKS[name](value)
        except ConfigurationError as error:
            raise TraitError(str(error)) from None

    @observe("aliases")
    def _update_aliases(self, change: Any) -> None:
        self.session.aliases.update(change.new)

    @no_var_expand
    @line_cell_magic
    def infer(self, line: str, cell: str | None = None) -> Any:
        with short_errors():
            if cell is None:
                return self._execute(parse_line_magic(line, self._lookup), is_assigned())
            return self._execute(parse_cell_magic(line, cell, self._lookup), False)

    infer.__doc__ = format_infer_help()

    @property
    def namespace(self) -> Mapping[str, Any]:
        """What a prompt may name: the user's variables, and `err`, the last error's short text."""
        return ChainMap(self.shell.user_ns, last_error_names())

    def defaults(self) -> Defaults:
        """What `%config InferMagics` holds now."""
        return Defaults(self.task, self.model, self.provider, self.timeout, self.chat)

    def _lookup(self, path: str) -> Any:
        return resolve_path(path, self.namespace)

    def _execute(self, options: Options, taken: bool | None) -> Any:
        if options["help"]:
            sys.stdout.write(format_infer_help())
            return None
        if options["each"]:
            return self._run_each(options, taken)
        if options["compare"]:
            return self._run_comparison(options, taken)
        call = self._build_call(options, self.namespace)
        if options["panel"]:
            return self._open_panel(_build_panel(call), options, taken)
        if options["dry_run"]:
            return self._deliver(_explain_call(call), options, taken)
        if options["bg"]:
            return self._deliver(run.run_in_background(call, self.session), options, taken)
        return self._run_call(call, options, taken)

    def _build_call(self, options: Options, names: Mapping[str, Any]) -> MagicCall:
        return build_call(options, names, self.session, self.defaults())

    def _run_each(self, options: Options, taken: bool | None) -> Any:
        """One call a row."""
        task = choose_task(options, self.session, self.defaults())
        rows = each_row.RowCalls(task, options, self.namespace, self._build_call)
        if options["dry_run"]:
            return self._deliver(_explain_call(rows.first_call), options, taken)
        if options["bg"]:
            return self._deliver(
                each_row.map_in_background(rows, options, self.session), options, taken
            )
        result = each_row.map_rows(rows, options, self.session)
        returned = self._deliver(result, options, taken)
        if result.stopped == "interrupted":
            raise KeyboardInterrupt
        return returned

    def _run_comparison(self, options: Options, taken: bool | None) -> Any:
        """The same input to several models."""
        entrants = [
            compare.ComparedCall(
                name, self._build_call(options.copy_without("compare", model=name), self.namespace)
            )
            for name in compare.parse_model_names(options["compare"])
        ]
        if options["panel"]:
            return self._open_panel(self._build_compare_panel(entrants, options), options, taken)
        if options["dry_run"]:
            made = [_explain_call(entrant.call) for entrant in entrants]
            return self._deliver(made, options, taken)
        show = self._build_display(options, quiet=options.is_silent or taken is not False)
        keep = partial(self._keep_partial, options=options)
        result = compare.compare_models(entrants, self.session, show, keep)
        returned = self._assign(result, options, taken)
        compare.show_comparison(result, show)
        return returned

    def _build_compare_panel(self, entrants: list[compare.ComparedCall], options: Options) -> Any:
        """The panel that asks several models, filled in."""
        from hfwidgets import panels

        call = entrants[0].call
        if call.task.name != CHAT:
            name = call.task.name
            raise UsageError(f"--compare --panel asks chat models; for {name} leave --panel out.")
        *before, last = call.inputs["messages"]
        if not isinstance(last["content"], str):
            raise UsageError("--compare --panel takes text; leave --panel out to send attachments.")
        given = {**call.settings, "provider": options["provider"] or self.provider, **call.params}
        system = before[0]["content"] if before else None
        models = [entrant.target for entrant in entrants]
        return panels.compare(models, last["content"], system=system, **given)

    def ask_and_show(self, options: Options) -> Any:
        """Ask what the options say, show the answer, and return it."""
        call = self._build_call(options, self.namespace)
        show = self._build_display(options, quiet=False)
        result = run.run_in_foreground(
            call, self.session, show, lambda part: self._keep_partial(part, options)
        )
        self._set_last_output(result)
        show.show_result(call, result)
        return result

    def _run_call(self, call: MagicCall, options: Options, taken: bool | None) -> Any:
        show = self._build_display(options, quiet=options.is_silent or taken is not False)
        result = run.run_in_foreground(
            call, self.session, show, lambda part: self._keep_partial(part, options)
        )
        answer = run.build_answer(call, result)
        returned = self._assign(answer, options, taken)
        show.show_result(call, result)
        if options["insert"]:
            self._insert_next_cell(result, options)
        return returned

    def _build_display(self, options: Options, *, quiet: bool) -> run.AnswerDisplay:
        form = options["format"] or self.format
        stays = outputs.SilentOutput() if options["quiet"] else outputs.choose_output(self.shell)
        # What a terminal has printed stays, so there only text that is shown as it is may stream.
        as_it_is = form in ("auto", "markdown", "text") and "schema" not in options
        streams = as_it_is or not isinstance(stays, outputs.TerminalOutput)
        shown = outputs.DeferredOutput(stays) if quiet else stays
        return run.AnswerDisplay(shown, form, bool(options["verbose"]), streams)

    def _deliver(self, made: Any, options: Options, taken: bool | None) -> Any:
        """Give the user something that is no answer: a panel, a handle, an explanation."""
        if not (options.is_silent or options["quiet"] or taken is not False):
            display(made)  # type: ignore[no-untyped-call]
        return self._assign(made, options, taken)

    def _open_panel(self, panel: Any, options: Options, taken: bool | None) -> Any:
        """Give the user a panel; a terminal, which cannot show one, says so."""
        shown = self.can_show_panels()
        return self._deliver(panel, options if shown else options.copy_without(quiet=True), taken)

    def can_show_panels(self) -> bool:
        """Whether panels can be shown here; says so where they cannot."""
        if hasattr(self.shell, "kernel"):
            return True
        sys.stderr.write(NO_PANEL_MESSAGE)
        return False

    def _assign(self, value: Any, options: Options, taken: bool | None) -> Any:
        """Put a value where it belongs; returned only where the statement takes it, else in `_`."""
        if options.target_name:
            self.shell.push({options.target_name: value})
        if taken is not False:
            return value
        if not options.target_name:
            self._set_last_output(value)
        return None

    def _keep_partial(self, partial: Any, options: Options) -> None:
        if options.target_name:
            self.shell.push({options.target_name: partial})
        self._set_last_output(partial)

    def _set_last_output(self, value: Any) -> None:
        """Make a value `_` and `Out[n]`, as if the cell had returned it; it is shown already."""
        hook = self.shell.displayhook
        hook.update_user_ns(value)
        hook.fill_exec_result(value)

    def _insert_next_cell(self, result: Any, options: Options) -> None:
        text = render.extract_text(result)
        if text is None:
            raise UsageError("--insert puts text into the next cell; this answer is none.")
        code = render.extract_code(text) if options["format"] == "code" else text
        self.shell.set_next_input(code, replace=False)


def _explain_call(call: MagicCall) -> Any:
    """What a call would send; nothing is sent."""
    return background_loop.wait_for(background_loop.submit(run.explain_call(call)))


def _build_panel(call: MagicCall) -> Any:
    """The task's panel with the call's inputs and parameters filled in."""
    from hfwidgets import panels

    settings = {"model": call.model, **call.settings, **call.params}
    if call.task.name != CHAT:
        return panels.panel(call.task.name, **settings, **call.inputs)
    *before, last = call.inputs["messages"]
    system = next((m["content"] for m in before if m["role"] == "system"), None)
    history = [message for message in before if message["role"] != "system"]
    if not isinstance(last["content"], str):
        return panels.panel(CHAT, system=system, messages=[*history, last], **settings)
    made: Any = panels.panel(CHAT, system=system, messages=history, **settings)
    made._set_draft(last["content"])
    return made


_SETTING_CHECKS: dict[str, Callable[[Any], Any]] = {
    "task": lambda name: find(name).name,
    "provider": arguments.check_provider,
    "timeout": arguments.check_timeout,
}
"""What makes a setting one that a client takes, or says why it is none."""


def last_error_names() -> dict[str, str]:
    """`err`: the last error with its innermost frames; empty where there was none."""
    error = getattr(sys, "last_value", None)
    if not isinstance(error, BaseException):
        return {}
    return {"err": "".join(traceback.format_exception(error, limit=-3)).strip()}


@contextmanager
def short_errors() -> Iterator[None]:
    """Let what is no fault of the code be shown as one message, without frames."""
    try:
        yield
    except (HfWidgetsError, KeyboardInterrupt) as error:
        outputs.shorten_traceback(error)
        raise
