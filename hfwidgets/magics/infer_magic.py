"""The magics %infer and %%infer."""

import sys
import traceback
from collections import ChainMap
from collections.abc import Callable, Iterator
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
from hfwidgets.magics import compare, each_row, outputs, render, run, score_rows
from hfwidgets.magics.build_call import CHAT, Defaults, MagicCall, build_call, choose_task
from hfwidgets.magics.is_assigned import is_assigned, local_variables
from hfwidgets.magics.options import (
    FORMATS,
    Options,
    format_infer_help,
    parse_cell_magic,
    parse_line_magic,
)
from hfwidgets.magics.variables import Namespace, resolve_path
from hfwidgets.notebook import background_loop
from hfwidgets.results.differences import read_text
from hfwidgets.tasks import find

NO_PANEL_MESSAGE = "Panels need a notebook; in a terminal, use %infer without --panel.\n"


def _define_setting(help_line: str) -> Any:
    return Unicode(None, allow_none=True, help=help_line).tag(config=True)


@magics_class
class InferMagics(Magics):
    """Inference in a cell; `%config InferMagics` sets the defaults."""

    shell: Any
    model = _define_setting("Model id, URL or alias; None leaves the choice to the provider.")
    provider = _define_setting("Provider, 'auto' or 'local'; None follows the client's own rules.")
    task = _define_setting("Task; None is chat-completion.")
    chat = _define_setting(
        "Name of the conversation to continue; None makes each call a single shot."
    )
    timeout = Float(None, allow_none=True, help="A call's time budget in seconds.").tag(config=True)
    format = Enum(FORMATS, "auto", help="How answers are shown.").tag(config=True)
    aliases = Dict(help="Short names for MODEL or MODEL:PROVIDER.").tag(config=True)

    def __init__(self, shell: Any, **kwargs: Any) -> None:
        # First, because loading the configuration may set aliases, whose observer needs the
        # session.
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

    # IPython's own expansion would replace `$name` and halve `{{ }}` before values are checked for
    # secrets and formatted by type.
    @no_var_expand
    @line_cell_magic
    def infer(self, line: str, cell: str | None = None) -> Any:
        # The error comes last, so a variable of the user's that is called `err` wins.
        names = ChainMap(local_variables(), self.shell.user_ns, last_error_names())  # type: ignore[arg-type]
        lookup = partial(resolve_path, names=names)
        with short_errors():
            if cell is None:
                return self._execute(parse_line_magic(line, lookup), names, is_assigned())
            # Where that is unknown, a cell shows its answer; only code that surely uses the
            # value of run_cell_magic(...) gets it in place of an output.
            uses_value = is_assigned() is True
            return self._execute(parse_cell_magic(line, cell, lookup), names, uses_value)

    infer.__doc__ = format_infer_help()

    def defaults(self) -> Defaults:
        """Return the current values of `%config InferMagics`."""
        return Defaults(self.task, self.model, self.provider, self.timeout, self.chat)

    def _execute(self, options: Options, names: Namespace, is_used: bool | None) -> Any:
        if options["help"]:
            sys.stdout.write(format_infer_help())
            return None
        # Options that change what runs come first; how it is shown is decided where it is run.
        if options["each"]:
            return self._run_each(options, names, is_used)
        if options["compare"]:
            return self._run_comparison(options, names, is_used)
        call = self._build_call(options, names)
        if options["panel"]:
            return self._open_panel(_build_panel(call), options, is_used)
        if options["dry_run"]:
            return self._deliver(_explain_call(call), options, is_used)
        if options["bg"]:
            return self._deliver(run.run_in_background(call, self.session), options, is_used)
        return self._run_call(call, options, is_used)

    def _build_call(self, options: Options, names: Namespace) -> MagicCall:
        return build_call(options, names, self.session, self.defaults())

    def _run_each(self, options: Options, names: Namespace, is_used: bool | None) -> Any:
        """Make one call per row, or with --compare or --score one per row and model."""
        if options["compare"] or options["score"]:
            return self._run_evaluation(options, names, is_used)
        task = choose_task(options, self.session, self.defaults())
        rows = each_row.RowCalls(task, options, names, self._build_call)
        if options["dry_run"]:
            return self._deliver(_explain_call(rows.first_call), options, is_used)
        if options["bg"]:
            return self._deliver(
                each_row.map_in_background(rows, options, self.session), options, is_used
            )
        result = each_row.map_rows(rows, options, self.session)
        returned = self._deliver(result, options, is_used)
        # `map` returns the finished rows after an interrupt. They are assigned; the cells below
        # must not run as if all rows were done.
        if result.stopped == "interrupted":
            raise KeyboardInterrupt
        return returned

    def _run_evaluation(self, options: Options, names: Namespace, is_used: bool | None) -> Any:
        """Ask several models the same rows, and score their answers."""
        compared = options["compare"]
        models = compare.parse_model_names(compared) if compared else [options["model"]]
        own = score_rows.find_scored_options(options)
        lines = [compare.name_model(own, name) if name else own for name in models]
        task = choose_task(lines[0], self.session, self.defaults())
        rows = each_row.RowCalls(task, lines[0], names, self._build_call)
        calls = {
            name or task.name: rows.build_first_call(line)
            for name, line in zip(models, lines, strict=True)
        }
        if options["dry_run"]:
            explained = [_explain_call(call) for call in calls.values()]
            return self._deliver(explained, options, is_used)
        scored = score_rows.ScoredCalls(rows, calls, options)
        if options["bg"]:
            handle = score_rows.evaluate_in_background(scored, self.session)
            return self._deliver(handle, options, is_used)
        found = score_rows.evaluate_rows(scored, options, self.session)
        returned = self._deliver(found, options, is_used)
        # As in `_run_each`: what has arrived is assigned, and the cells below must not run.
        if found.is_interrupted:
            raise KeyboardInterrupt
        return returned

    def _run_comparison(self, options: Options, names: Namespace, is_used: bool | None) -> Any:
        """Send the same input to several models."""
        calls = [
            compare.ComparedCall(name, self._build_call(compare.name_model(options, name), names))
            for name in compare.parse_model_names(options["compare"])
        ]
        if options["panel"]:
            return self._open_panel(self._build_compare_panel(calls, options), options, is_used)
        if options["dry_run"]:
            explained = [_explain_call(compared.call) for compared in calls]
            return self._deliver(explained, options, is_used)
        # Where the use is unknown the value is returned, and IPython shows it if it is a cell's
        # last expression: a view here would be the second one.
        show = self._build_display(options, quiet=options.is_silent or is_used is not False)
        keep = partial(self._keep_partial, options=options)
        result = compare.compare_models(calls, self.session, show, keep)
        returned = self._assign(result, options, is_used)
        compare.show_comparison(result, show)
        return returned

    def _build_compare_panel(self, calls: list[compare.ComparedCall], options: Options) -> Any:
        """Build the panel that compares models, filled in."""
        from hfwidgets import panels

        call = calls[0].call
        # Not the first call's provider: it may come from its model's suffix, which the others lack.
        settings = {**call.settings, "provider": options["provider"] or self.provider}
        models = [compared.target for compared in calls]
        if call.task.name != CHAT:
            arguments = {**settings, **call.params, **call.inputs}
            return panels.compare(models, task=call.task.name, **arguments)
        *before, last = call.inputs["messages"]
        if not isinstance(last["content"], str):
            raise UsageError(
                "--compare --panel accepts text only; leave --panel out to send attachments."
            )
        system = before[0]["content"] if before else None
        return panels.compare(models, last["content"], system=system, **settings, **call.params)

    def ask_and_show(self, options: Options) -> Any:
        """Make the call of some options, show its answer, and return it."""
        call = self._build_call(options, self.shell.user_ns)
        show = self._build_display(options, quiet=False)
        result = run.run_in_foreground(
            call, self.session, show, lambda part: self._keep_partial(part, options)
        )
        self._set_last_output(result)
        show.show_result(call, result)
        return result

    def _run_call(self, call: MagicCall, options: Options, is_used: bool | None) -> Any:
        show = self._build_display(options, quiet=options.is_silent or is_used is not False)
        result = run.run_in_foreground(
            call, self.session, show, lambda part: self._keep_partial(part, options)
        )
        answer = run.build_answer(call, result)
        # Assigned first: a view that cannot be shown must not cost the answer.
        returned = self._assign(answer, options, is_used)
        show.show_result(call, result)
        if options["insert"]:
            self._insert_next_cell(result, options)
        return returned

    def _build_display(self, options: Options, *, quiet: bool) -> run.AnswerDisplay:
        form = options["format"] or self.format
        place = outputs.SilentOutput() if options["quiet"] else outputs.choose_output(self.shell)
        # What a terminal has printed stays, so only text that is shown unchanged may stream there.
        is_unchanged = form in ("auto", "markdown", "text") and "schema" not in options
        streams = is_unchanged or not isinstance(place, outputs.TerminalOutput)
        shown = outputs.DeferredOutput(place) if quiet else place
        return run.AnswerDisplay(shown, form, bool(options["verbose"]), streams)

    def _deliver(self, value: object, options: Options, is_used: bool | None) -> Any:
        """Show and return what is not an answer: a panel, a handle, an explanation."""
        if not (options.is_silent or options["quiet"] or is_used is not False):
            display(value)  # type: ignore[no-untyped-call]
        return self._assign(value, options, is_used)

    def _open_panel(self, panel: object, options: Options, is_used: bool | None) -> Any:
        """Show and return a panel; in a terminal, which cannot show one, print a message."""
        shown = self.can_show_panels()
        return self._deliver(panel, options if shown else options.copy_without(quiet=True), is_used)

    def can_show_panels(self) -> bool:
        """True if panels can be shown here; else print a message."""
        if hasattr(self.shell, "kernel"):
            return True
        sys.stderr.write(NO_PANEL_MESSAGE)
        return False

    def _assign(self, value: object, options: Options, is_used: bool | None) -> Any:
        """Assign a value to its variable and return it if the statement uses it; else set `_`."""
        if options.target_name:
            self.shell.push({options.target_name: value})
        if is_used is not False:
            return value
        if not options.target_name:
            self._set_last_output(value)
        return None

    def _keep_partial(self, partial: object, options: Options) -> None:
        if options.target_name:
            self.shell.push({options.target_name: partial})
        self._set_last_output(partial)

    def _set_last_output(self, value: object) -> None:
        """Make a value `_` and `Out[n]` as if the cell had returned it; it is already shown."""
        # The two halves of what IPython's display hook does with a cell's value.
        hook = self.shell.displayhook
        hook.update_user_ns(value)
        hook.fill_exec_result(value)

    def _insert_next_cell(self, result: object, options: Options) -> None:
        text = read_text(result)
        if text is None:
            raise UsageError("--insert puts text into the next cell, and this answer is not text.")
        code = render.extract_code(text) if options["format"] == "code" else text
        self.shell.set_next_input(code, replace=False)


def _explain_call(call: MagicCall) -> Any:
    """Return what a call would send; nothing is sent."""
    return background_loop.wait_for(background_loop.submit(run.explain_call(call)))


def _build_panel(call: MagicCall) -> Any:
    """Build the task's panel with the call's inputs and parameters filled in."""
    from hfwidgets import panels

    settings = {"model": call.model, **call.settings, **call.params}
    if call.task.name != CHAT:
        return panels.panel(call.task.name, **settings, **call.inputs)
    # The last message is not part of the history: the user may still edit it before sending.
    *before, last = call.inputs["messages"]
    system = next((m["content"] for m in before if m["role"] == "system"), None)
    history = [message for message in before if message["role"] != "system"]
    if not isinstance(last["content"], str):
        # The composer holds text and images; a message with audio is shown as a sent one.
        return panels.panel(CHAT, system=system, messages=[*history, last], **settings)
    panel: Any = panels.panel(CHAT, system=system, messages=history, **settings)
    panel.compose(last["content"])
    return panel


_SETTING_CHECKS: dict[str, Callable[[Any], Any]] = {
    "task": lambda name: find(name).name,
    "provider": arguments.check_provider,
    "timeout": arguments.check_timeout,
}
"""Checks of settings, which are the client's own."""


def last_error_names() -> dict[str, str]:
    """Return `err`, the last error with its innermost frames; empty without an error."""
    error = getattr(sys, "last_value", None)
    if not isinstance(error, BaseException):
        return {}
    return {"err": "".join(traceback.format_exception(error, limit=-3)).strip()}


@contextmanager
def short_errors() -> Iterator[None]:
    """Show errors that are not faults of the code as one message, without frames."""
    try:
        yield
    except (HfWidgetsError, KeyboardInterrupt) as error:
        outputs.shorten_traceback(error)
        raise
