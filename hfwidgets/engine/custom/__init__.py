"""Models of the user's own: a GGUF file for chat, a folder or Hub id for any task.

`folder.py` lists the modules by domain; `model.py` says how a task is declared.
"""

import os
from dataclasses import replace
from pathlib import Path

from hfwidgets.engine import registry
from hfwidgets.engine.base.capability import Capability
from hfwidgets.engine.chat import generation
from hfwidgets.engine.chat.llama import PARALLEL_REQUESTS, ChatStyle, Llama
from hfwidgets.errors import ConfigurationError

DEFAULT_CONTEXT_TOKENS = 4096
"""Tokens of one conversation unless told otherwise; the file's own most is never exceeded."""

_GGUF_MAGIC = b"GGUF"


def serve_chat(
    file: str, name: str | None = None, context: int | None = None, mmproj: str | None = None
) -> Capability:
    """Serve a GGUF file for chat and text generation, under its name; what else needs a chat model
    keeps to the engine's own. It reads pictures with its projector `mmproj`, a GGUF file, too.
    ConfigurationError when a file is none."""
    path = check_gguf_file(file)
    eyes = check_gguf_file(mmproj) if mmproj else None
    tokens = DEFAULT_CONTEXT_TOKENS if context is None else context
    if tokens < 1:
        raise ConfigurationError(f"The context of {tokens} tokens is too small; 4096 is usual.")
    threads = max(1, (os.cpu_count() or 2) // 2)
    model = name or path.stem
    llama = Llama(
        lambda: path,
        model,
        ChatStyle(threads=threads),
        context=tokens * PARALLEL_REQUESTS,
        eyes=eyes,
    )
    reads = f"pictures by {eyes.name}, but not beside tools" if eyes else "text only"
    capability = replace(
        generation.CAPABILITY,
        name=path.stem,
        model=model,
        weights=(),
        license="the file's own",
        languages=(),
        limits=(
            f"Your own file {path.name}; {tokens} tokens together with the answer; {reads}; "
            "tools are chosen by meaning, which needs the light set."
        ),
        llama=llama,
    )
    registry.register(capability)
    return capability


def serve_model(given: str) -> Capability:
    """Serve `TASK=FOLDER_OR_ID` through the field's libraries; ConfigurationError when it cannot
    be."""
    from hfwidgets.engine.custom import folder

    task, separator, source = given.partition("=")
    if not (task and separator and source):
        raise ConfigurationError(f"--model takes TASK=FOLDER_OR_ID, not {given!r}.")
    capability = folder.build_custom_capability(task.replace("_", "-"), source)
    registry.register(capability)
    return capability


def check_gguf_file(file: str) -> Path:
    """The absolute path of a GGUF file."""
    path = Path(file).expanduser().absolute()
    try:
        with path.open("rb") as opened:
            start = opened.read(len(_GGUF_MAGIC))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    if start != _GGUF_MAGIC:
        raise ConfigurationError(
            f"{path} is no GGUF file, which is what llama.cpp reads. "
            "Models in other formats are served by 'hfwidgets serve --model TASK=FOLDER'."
        )
    return path
