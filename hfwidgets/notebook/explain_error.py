"""The last error, put to a model: what went wrong, and the cell mended."""

import linecache
import re
import sys
import traceback
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from hfwidgets.client import InferenceClient
from hfwidgets.errors import ConfigurationError, OutputError, redact
from hfwidgets.notebook.model_alias import split_model

MAX_SOURCE_LENGTH = 8_000
MAX_ERROR_LENGTH = 4_000

_FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n(.*?)^\1[ \t]*$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class LastError:
    """An error and the cell that it came from; tokens in them are replaced by dots."""

    error: str
    source: str

    def build_prompt(self, fix: bool = False) -> str:
        """What a model is asked about it."""
        asks = (
            "Mend the cell: answer with the whole corrected cell in one ```python block, "
            "and before it one sentence on what was wrong."
            if fix
            else "Say in a few sentences what went wrong, and how the cell is mended."
        )
        cell = (
            f"This Python cell failed:\n\n```python\n{self.source}\n```\n\n" if self.source else ""
        )
        return f"{cell}The error:\n\n```\n{self.error}\n```\n\n{asks}"


def find_last_error() -> LastError:
    """The last error of this process with its cell.

    Raises:
        ConfigurationError: there was none.
    """
    error = getattr(sys, "last_value", None)
    if not isinstance(error, BaseException):
        raise ConfigurationError("There was no error yet, so there is nothing to explain.")
    said = "".join(traceback.format_exception(error, limit=-3)).strip()
    return LastError(
        redact(said)[-MAX_ERROR_LENGTH:], redact(_find_cell_source(error))[:MAX_SOURCE_LENGTH]
    )


def _find_cell_source(error: BaseException) -> str:
    """The source of the cell in which an error arose, as it was typed; empty when unknown."""
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is None:
        return ""
    cells = getattr(shell.compile, "_filename_map", {})
    typed = shell.history_manager.input_hist_raw
    for name in _traceback_files(error):
        number = cells.get(name)
        if number is not None and number < len(typed):
            return str(typed[number]).strip()
        if "ipykernel" in name or name.startswith("<ipython-input"):
            return "".join(linecache.getlines(name)).strip()
    return ""


def _traceback_files(error: BaseException) -> list[str]:
    """The files that an error went through, the outermost first; a syntax error's own."""
    if isinstance(error, SyntaxError) and error.filename:
        return [error.filename]
    found, at = [], error.__traceback__
    while isinstance(at, TracebackType):
        found.append(at.tb_frame.f_code.co_filename)
        at = at.tb_next
    return found


def first_code_block(answer: str, failed: str = "") -> str:
    """The code of the first block in an answer.

    Raises:
        OutputError: there is none, or it is the cell that failed as it was.
    """
    found = _FENCE.search(answer)
    if found is None:
        raise OutputError("The answer holds no cell. Another model may do better: -m MODEL.")
    code = found[2].rstrip()
    if code.strip() == failed.strip():
        raise OutputError(
            "The answer is the same cell again. Another model may do better: -m MODEL."
        )
    return code


def insert_cell_below(code: str) -> None:
    """Make code the next cell; in a terminal, the next line."""
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is None:
        raise ConfigurationError("There is no next cell outside IPython.")
    shell.set_next_input(code, replace=False)


def explain(fix: bool = False, model: str | None = None, provider: str | None = None) -> str:
    """A model's explanation of the last error; with `fix`, its mended cell goes into the next one.

    Raises:
        ConfigurationError: there was no error.
        OutputError: `fix`, and the answer holds no cell.
    """
    model, served = split_model(model)
    client = InferenceClient(model, provider=provider or served)
    asked = find_last_error()
    question = {"role": "user", "content": asked.build_prompt(fix)}
    answer = client.chat_completion([question]).text
    if fix:
        insert_cell_below(first_code_block(answer, asked.source))
    return answer
