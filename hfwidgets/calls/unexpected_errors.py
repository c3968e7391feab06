"""The net around a call: an unexpected exception becomes one of ours.

It catches what a provider's route or a task's reading did not expect of an answer, and what the
loading of an input did not expect of the user's objects. The original is the cause.
"""

from hfwidgets import errors
from hfwidgets.errors.excerpt import make_excerpt

PASSED_ON = (errors.HfWidgetsError, ImportError, MemoryError, Warning)
"""Errors that say themselves what to do, and warnings that the user turned into errors."""


def wrap_unexpected(error: Exception, task: str, answer: object) -> Exception:
    """Return the error to raise for one that ended a call.

    Args:
        error: The exception.
        task: The name of the task's method, "" for a call without a task.
        answer: The server's answer as far as it has come; None before anything has.
    """
    if isinstance(error, PASSED_ON):
        return error
    what = f"{type(error).__name__}: {error}"
    if answer is None:
        return errors.InputError(
            f"{task or 'The call'} cannot use its arguments: {what}.",
            advice="Check the types of the inputs and parameters.",
        )
    return errors.OutputError(
        f"The server's answer is not what {task or 'the call'} expects ({what}): "
        f"{make_excerpt(answer)!r}.",
        advice="Check that the model serves this task.",
    )
