"""An IPython shell without a front end, closed when its test ends."""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager

from IPython.core.interactiveshell import InteractiveShell


@contextmanager
def open_shell() -> Iterator[InteractiveShell]:
    """Make a new shell the current one; close it at the end."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    # When a process exits, IPython resets each shell that it ever had and collects garbage each
    # time: after the hundreds of shells of a test run, that takes minutes.
    atexit.unregister(shell.atexit_operations)
    try:
        yield shell
    finally:
        InteractiveShell.clear_instance()
        if shell.history_manager is not None:
            shell.history_manager.close()
