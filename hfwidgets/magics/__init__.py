"""The magics: %infer, %%infer and %hf.

    words       a line's words, with quoting and positions
    options     the options, their reader and their help
    vars        {{ name }} and $name
    fields      a task's inputs from a cell's body
    params      a task's parameters
    schema      replies of a given shape
    call        all of that as one call of the client
    run         running it, stopping it, settling it
    render      what the notebook keeps
    output      where it appears
    infer, hf   the magics themselves
    complete    Tab
"""

from typing import Any

from hfwidgets.magics.infer import InferMagics


def load_ipython_extension(shell: Any) -> None:
    """Add the magics and their completion to an IPython shell; once loaded, nothing changes."""
    if InferMagics.__name__ in shell.magics_manager.registry:
        return
    magics = InferMagics(shell)
    shell.register_magics(magics)
    shell.configurables.append(magics)


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics and their completion away again."""
