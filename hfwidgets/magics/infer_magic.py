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
from hfwidgets.magics.build_call import CHAT, Call, Defaults, build, chosen_task
from hfwidgets.magics.is_assigned import is_taken
from hfwidgets.magics.options import FORMATS, Options, help_text, read_cell, read_line
from hfwidgets.magics.variables import resolve
from hfwidgets.notebook import background_loop
from hfwidgets.tasks import find

NO_PANEL = "Panels are shown in notebooks; a terminal asks with %infer, without --panel.\n"


def _setting(help_line: str) -> Any:
    return Unicode(None, allow_none=True, help=help_line).tag(config=True)


@magics_class
class InferMagics(Magics):
    """Inference in a cell; `%config InferMagics` sets what holds where a line says nothing."""

    shell: Any
    model = _setting("Model id, URL or alias; None leaves the choice to the provider.")
    provider = _setting("Provider, 'auto' or 'local'; None follows the client's own rules.")
    task = _setting("Task; None is chat-completion.")
    chat = _setting("Name of the conversation that goes on; None makes each call a single shot.")
    timeout = Float(None, allow_none=True, help="A call's time budget in seconds.").tag(config=True)
    format = Enum(FORMATS, "auto", help="How answers are shown.").tag(config=True)
    aliases = Dict(help="Short names for MODEL or MODEL:PROVIDER.").tag(config=True)

    def __init__(self, shell: Any, **kwargs: Any) -> None:
        self.session = notebook.current()
        super().__init__(shell, **kwargs)
        self.session.aliases.update(self.aliases)

    @validate("task", "provider", "timeout")
    def _usable(self, proposal: Any) -> Any:
        name, value = proposal.trait.name, proposal.value
        if value is None:
            return None
        try:
            return _CHECKS[name](value)
        except ConfigurationError as error:
            raise TraitError(str(error)) from None

    @observe("aliases")
    def _take_aliases(self, change: Any) -> None:
        self.session.aliases.update(change.new)

    @no_var_expand
    @line_cell_magic
    def infer(self, line: str, cell: str | None = None) -> Any:
        with short_errors():
            if cell is None:
                return self._carry_out(read_line(line, self._lookup), is_taken())
            return self._carry_out(read_cell(line, cell, self._lookup), False)

    infer.__doc__ = help_text()

    @property
    def names(self) -> Mapping[str, Any]:
        """What a prompt may name: the user's variables, and `err`, the last error's short text."""
        return ChainMap(self.shell.user_ns, last_error())

    def defaults(self) -> Defaults:
        """What `%config InferMagics` holds now."""
        return Defaults(self.task, self.model, self.provider, self.timeout, self.chat)

    def _lookup(self, path: str) -> Any:
        return resolve(path, self.names)

    def _carry_out(self, options: Options, taken: bool | None) -> Any:
        if options["help"]:
            sys.stdout.write(help_text())
            return None
        if options["each"]:
            return self._each(options, taken)
        if options["compare"]:
            return self._compare(options, taken)
        call = self._build(options, self.names)
        if options["panel"]:
            return self._open(_panel(call), options, taken)
        if options["dry_run"]:
            return self._hand_over(_explained(call), options, taken)
        if options["bg"]:
            return self._hand_over(run.background(call, self.session), options, taken)
        return self._ask(call, options, taken)

    def _build(self, options: Options, names: Mapping[str, Any]) -> Call:
        return build(options, names, self.session, self.defaults())

    def _each(self, options: Options, taken: bool | None) -> Any:
        """One call a row."""
        task = chosen_task(options, self.session, self.defaults())
        rows = each_row.Rows(task, options, self.names, self._build)
        if options["dry_run"]:
            return self._hand_over(_explained(rows.first), options, taken)
        if options["bg"]:
            return self._hand_over(each_row.background(rows, options, self.session), options, taken)
        result = each_row.mapped(rows, options, self.session)
        returned = self._hand_over(result, options, taken)
        if result.stopped == "interrupted":
            raise KeyboardInterrupt
        return returned

    def _compare(self, options: Options, taken: bool | None) -> Any:
        """The same input to several models."""
        entrants = [
            compare.Entrant(name, self._build(options.without("compare", model=name), self.names))
            for name in compare.names_of(options["compare"])
        ]
        if options["panel"]:
            return self._open(self._compare_panel(entrants, options), options, taken)
        if options["dry_run"]:
            made = [_explained(entrant.call) for entrant in entrants]
            return self._hand_over(made, options, taken)
        show = self._show(options, quiet=options.silent or taken is not False)
        keep = partial(self._keep, options=options)
        result = compare.compare(entrants, self.session, show, keep)
        returned = self._assign(result, options, taken)
        compare.end(result, show)
        return returned

    def _compare_panel(self, entrants: list[compare.Entrant], options: Options) -> Any:
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
        models = [entrant.model for entrant in entrants]
        return panels.compare(models, last["content"], system=system, **given)

    def answer(self, options: Options) -> Any:
        """Ask what the options say, show the answer, and return it."""
        call = self._build(options, self.names)
        show = self._show(options, quiet=False)
        result = run.foreground(call, self.session, show, lambda part: self._keep(part, options))
        self._remember(result)
        show.end(call, result)
        return result

    def _ask(self, call: Call, options: Options, taken: bool | None) -> Any:
        show = self._show(options, quiet=options.silent or taken is not False)
        result = run.foreground(call, self.session, show, lambda part: self._keep(part, options))
        answer = run.answer_of(call, result)
        returned = self._assign(answer, options, taken)
        show.end(call, result)
        if options["insert"]:
            self._insert(result, options)
        return returned

    def _show(self, options: Options, *, quiet: bool) -> run.Show:
        form = options["format"] or self.format
        stays = outputs.Silent() if options["quiet"] else outputs.fitting(self.shell)
        # What a terminal has printed stays, so there only text that is shown as it is may stream.
        as_it_is = form in ("auto", "markdown", "text") and "schema" not in options
        streams = as_it_is or not isinstance(stays, outputs.Terminal)
        shown = outputs.Late(stays) if quiet else stays
        return run.Show(shown, form, bool(options["verbose"]), streams)

    def _hand_over(self, made: Any, options: Options, taken: bool | None) -> Any:
        """Give the user something that is no answer: a panel, a handle, an explanation."""
        if not (options.silent or options["quiet"] or taken is not False):
            display(made)  # type: ignore[no-untyped-call]
        return self._assign(made, options, taken)

    def _open(self, panel: Any, options: Options, taken: bool | None) -> Any:
        """Give the user a panel; a terminal, which cannot show one, says so."""
        shown = self.shows_panels()
        return self._hand_over(panel, options if shown else options.without(quiet=True), taken)

    def shows_panels(self) -> bool:
        """Whether panels can be shown here; says so where they cannot."""
        if hasattr(self.shell, "kernel"):
            return True
        sys.stderr.write(NO_PANEL)
        return False

    def _assign(self, value: Any, options: Options, taken: bool | None) -> Any:
        """Put a value where it belongs; returned only where the statement takes it, else in `_`."""
        if options.var:
            self.shell.push({options.var: value})
        if taken is not False:
            return value
        if not options.var:
            self._remember(value)
        return None

    def _keep(self, partial: Any, options: Options) -> None:
        if options.var:
            self.shell.push({options.var: partial})
        self._remember(partial)

    def _remember(self, value: Any) -> None:
        """Make a value `_` and `Out[n]`, as if the cell had returned it; it is shown already."""
        hook = self.shell.displayhook
        hook.update_user_ns(value)
        hook.fill_exec_result(value)

    def _insert(self, result: Any, options: Options) -> None:
        text = render.text_of(result)
        if text is None:
            raise UsageError("--insert puts text into the next cell; this answer is none.")
        code = render.code_of(text) if options["format"] == "code" else text
        self.shell.set_next_input(code, replace=False)


def _explained(call: Call) -> Any:
    """What a call would send; nothing is sent."""
    return background_loop.wait(background_loop.submit(run.explain(call)))


def _panel(call: Call) -> Any:
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
    made._draft(last["content"])
    return made


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "task": lambda name: find(name).name,
    "provider": arguments.provider,
    "timeout": arguments.timeout,
}
"""What makes a setting one that a client takes, or says why it is none."""


def last_error() -> dict[str, str]:
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
        outputs.shorten(error)
        raise
