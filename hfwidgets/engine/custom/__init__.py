"""Serve custom models: a GGUF file or Hub id for chat, a folder or Hub id for any task.

`folder.py` lists the modules by domain; `model.py` explains how a task is declared.
"""

import os
from dataclasses import replace

from hfwidgets.engine import registry
from hfwidgets.engine.base.capability import Capability
from hfwidgets.engine.base.llama import PARALLEL_REQUESTS, ChatStyle, Llama
from hfwidgets.engine.chat import generation
from hfwidgets.engine.custom import gguf
from hfwidgets.errors import ConfigurationError

DEFAULT_CONTEXT_TOKENS = 4096
"""Tokens of one conversation by default; llama.cpp caps it at the file's own maximum."""


def serve_chat(
    file: str, name: str | None = None, context: int | None = None, mmproj: str | None = None
) -> Capability:
    """Serve a GGUF file, or one of `ORG/REPO[:FILE]` on the Hub, for chat and text generation.

    Other capabilities that need a chat model, such as fill-mask, keep the engine's own. `name` is
    the model's id (default: the file's name or the repository), `context` its tokens per
    conversation (at least 1), `mmproj` a projector's GGUF file with which the model reads images
    (default: the repository's). Raises ConfigurationError for a file that isn't GGUF.
    """
    found, path, projector = gguf.find_gguf(file)
    if mmproj:
        projector = gguf.find_projector(mmproj)
    tokens = DEFAULT_CONTEXT_TOKENS if context is None else context
    if tokens < 1:
        raise ConfigurationError(f"A context of {tokens} tokens is too small; 4096 is usual.")
    # Half of the logical cores: hyperthreads add little to llama.cpp's matrix products.
    threads = max(1, (os.cpu_count() or 2) // 2)
    model = name or found
    llama = Llama(
        lambda: path,
        model,
        ChatStyle(threads=threads),
        # The server splits its context among its parallel slots.
        context=tokens * PARALLEL_REQUESTS,
        projector=projector,
    )
    reads = f"images through {projector.name}, but not with tools" if projector else "text only"
    capability = replace(
        generation.CAPABILITY,
        name=path.stem,
        model=model,
        weights=(),
        measured={},
        license="the file's own",
        languages=(),
        limits=(
            f"Custom file {path.name}; {tokens} tokens including the answer; {reads}; "
            "tools are selected by meaning, which needs the light set."
        ),
        llama=llama,
    )
    registry.register(capability)
    return capability


def serve_model(declaration: str) -> Capability:
    """Serve `TASK=FOLDER_OR_ID` through onnxruntime, transformers, diffusers or scikit-learn.

    A folder or repository that holds an ONNX model runs without torch, a GGUF file on llama.cpp.

    Raises ConfigurationError for an unknown task, a missing library or an unusable folder.
    """
    from hfwidgets.engine import onnx
    from hfwidgets.engine.custom import folder

    task, separator, source = declaration.partition("=")
    if not (task and separator and source):
        raise ConfigurationError(f"--model takes TASK=FOLDER_OR_ID, not {declaration!r}.")
    task = task.replace("_", "-")
    if task in ("text-generation", "chat-completion") and gguf.is_gguf_source(source):
        return serve_chat(source)
    is_onnx = task in onnx.ONNX_TASKS and onnx.is_onnx_source(source)
    build = onnx.build_onnx_capability if is_onnx else folder.build_custom_capability
    capability = build(task, source)
    registry.register(capability)
    return capability
