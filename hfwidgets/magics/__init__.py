"""The magics: %infer, %%infer and %hf.

infer_magic, hf_magic          the magics themselves
tokenizer, options             a line's words; the options, their parser and their help
variables                      {{ name }} and $name
inputs, parameters, schema     a task's inputs, its parameters, replies of a given shape
attachments                    images and audio of a chat message
build_call                     all of that as one call of the client
run                            running a call, stopping it, storing its result
each_row, row_values           --each: one call per row
compare                        --compare: one call per model
render, media_files            what the notebook stores of an answer
outputs                        where an answer appears
is_assigned                    whether a statement uses a line magic's value
completion, completion_hf      Tab
"""

from typing import Any

from hfwidgets.magics import completion
from hfwidgets.magics.hf_magic import HfMagics
from hfwidgets.magics.infer_magic import InferMagics


def load_ipython_extension(shell: Any) -> None:
    """Add the magics and their completion to an IPython shell; a second call changes nothing."""
    if InferMagics.__name__ in shell.magics_manager.registry:
        return
    settings = InferMagics(shell)
    shell.register_magics(settings, HfMagics(shell, settings))
    completion.install_completer(shell, settings)


def unload_ipython_extension(shell: Any) -> None:
    """Remove the magics and their completion."""
    completion.remove_completer(shell)
    for magics in (InferMagics, HfMagics):
        shell.magics_manager.registry.pop(magics.__name__, None)
    # IPython lists them when they are made, so that %config knows them.
    shell.configurables[:] = [
        one for one in shell.configurables if not isinstance(one, (InferMagics, HfMagics))
    ]
    # IPython has no inverse of register_magics, and its table of functions is separate from its
    # registry of classes.
    for kind, name in (("line", "infer"), ("cell", "infer"), ("line", "hf")):
        shell.magics_manager.magics[kind].pop(name, None)
