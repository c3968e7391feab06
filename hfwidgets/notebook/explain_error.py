"""Ask a model about the last error: what went wrong, and how to fix the cell."""

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

# A block ends at the fence it began with, so four backticks may enclose three.
_FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n(.*?)^\1[ \t]*$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class LastError:
    """An error and the cell that raised it; tokens in them are masked."""

    error: str
    source: str

    def build_prompt(self, fix: bool = False) -> str:
        """Return the prompt for a model.

        Args:
            fix: ask for the corrected cell instead of an explanation.
        """
        request = (
            "Fix the cell: answer with the whole corrected cell in one ```python block, "
            "and before it one sentence on what was wrong."
            if fix
            else "Explain in a few sentences what went wrong, and how to fix the cell."
        )
        cell = (
            f"This Python cell failed:\n\n```python\n{self.source}\n```\n\n" if self.source else ""
        )
        return f"{cell}The error:\n\n```\n{self.error}\n```\n\n{request}"


def find_last_error() -> LastError:
    """Return the last error of this process with its cell.

    Raises:
        ConfigurationError: there has been no error.
    """
    error = getattr(sys, "last_value", None)
    if not isinstance(error, BaseException):
        raise ConfigurationError("There has been no error yet, so there is nothing to explain.")
    text = "".join(traceback.format_exception(error, limit=-3)).strip()
    # Masked before it is cut: half a token is not recognized. An error's end has its message.
    return LastError(
        redact(text)[-MAX_ERROR_LENGTH:], redact(_find_cell_source(error))[:MAX_SOURCE_LENGTH]
    )


def _find_cell_source(error: BaseException) -> str:
    """Return the source of the cell that raised an error, as it was typed; "" if unknown."""
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is None:
        return ""
    # IPython compiles cells under made-up file names, which this private map leads to their number.
    cells = getattr(shell.compile, "_filename_map", {})
    typed = shell.history_manager.input_hist_raw
    # The outermost cell is the one that was run; inner ones may only define a function.
    for name in _traceback_files(error):
        number = cells.get(name)
        # The history may have been reset since, which leaves the map.
        if number is not None and number < len(typed):
            return str(typed[number]).strip()
        # Older versions lack the map, but keep the transformed source by the same name.
        if "ipykernel" in name or name.startswith("<ipython-input"):
            return "".join(linecache.getlines(name)).strip()
    return ""


def _traceback_files(error: BaseException) -> list[str]:
    """Return the files of an error's traceback, outermost first; for a syntax error, its file."""
    # The cell never ran, so the traceback has no frame of it.
    if isinstance(error, SyntaxError) and error.filename:
        return [error.filename]
    found, at = [], error.__traceback__
    while isinstance(at, TracebackType):
        found.append(at.tb_frame.f_code.co_filename)
        at = at.tb_next
    return found


def first_code_block(answer: str, failed: str = "") -> str:
    """Return the code of the first block in an answer.

    Raises:
        OutputError: the answer has no block, or repeats the cell that failed.
    """
    found = _FENCE.search(answer)
    if found is None:
        raise OutputError("The answer contains no code. Another model may do better: -m MODEL.")
    code = found[2].rstrip()
    if code.strip() == failed.strip():
        raise OutputError(
            "The answer repeats the same cell. Another model may do better: -m MODEL."
        )
    return code


def insert_cell_below(code: str) -> None:
    """Insert code as the next cell; in a terminal, as the next line.

    Raises:
        ConfigurationError: not in IPython.
    """
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is None:
        raise ConfigurationError("A cell can only be inserted in IPython.")
    shell.set_next_input(code, replace=False)


def explain(fix: bool = False, model: str | None = None, provider: str | None = None) -> str:
    """Return a model's explanation of the last error.

    Args:
        fix: insert the corrected cell below.
        model: MODEL or MODEL:PROVIDER; None for the default.
        provider: the provider's name; None for the default.

    Raises:
        ConfigurationError: there has been no error.
        OutputError: with `fix`, the answer contains no new cell.
    """
    model, served = split_model(model)
    client = InferenceClient(model, provider=provider or served)
    last_error = find_last_error()
    message = {"role": "user", "content": last_error.build_prompt(fix)}
    answer = client.chat_completion([message]).text
    if fix:
        insert_cell_below(first_code_block(answer, last_error.source))
    return answer
