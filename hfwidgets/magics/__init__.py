"""The magics: %infer, %%infer and %hf.

words       a line's words, with quoting and positions
options     the options, their reader and their help
vars        {{ name }} and $name
fields      a task's inputs from a cell's body
params      a task's parameters
schema      replies of a given shape
call        all of that as one call of the client
run         running it, stopping it, settling it
each, row   --each: a call a row
compare, comparison   --compare: a call a model
render      what the notebook keeps
files       pictures, sounds and films
output      where it appears
infer, hf   the magics themselves
complete    Tab; behind %hf: complete_hf
"""

from typing import Any

from hfwidgets.magics import completion
from hfwidgets.magics.hf_magic import HfMagics
from hfwidgets.magics.infer_magic import InferMagics


def load_ipython_extension(shell: Any) -> None:
    """Add the magics and their completion to an IPython shell; once loaded, nothing changes."""
    if InferMagics.__name__ in shell.magics_manager.registry:
        return
    settings = InferMagics(shell)
    shell.register_magics(settings, HfMagics(shell, settings))
    shell.configurables.append(settings)
    completion.install_completer(shell, settings)


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics and their completion away again."""
    completion.remove_completer(shell)
    settings = shell.magics_manager.registry.pop(InferMagics.__name__, None)
    shell.magics_manager.registry.pop(HfMagics.__name__, None)
    if settings is not None:
        shell.configurables.remove(settings)
    for kind, name in (("line", "infer"), ("cell", "infer"), ("line", "hf")):
        shell.magics_manager.magics[kind].pop(name, None)
