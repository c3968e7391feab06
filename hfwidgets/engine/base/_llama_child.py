"""The chat model's process: llama.cpp's own server, run as a script that needs xllamacpp alone.

The first line of standard input holds its settings as JSON (every user of the machine could read a
key in the arguments). It prints one JSON line once it listens, and ends when its standard input
closes, so it cannot outlive the engine, however that ends.
"""

import json
import os
import sys
from typing import Any

PROMPT_BATCH = 64
"""Tokens of a prompt that are processed at once, about one second of one thread."""


def start_server(settings: dict[str, Any]) -> Any:
    """Start llama.cpp's server, which serves on its own threads; return the object that owns it."""
    import xllamacpp  # type: ignore[import-untyped]

    # The module takes its names from a compiled one at run time.
    params = xllamacpp.CommonParams()  # pyright: ignore[reportAttributeAccessIssue]
    params.model.path = settings["model"]
    if settings["projector"]:
        params.mmproj.path = settings["projector"]
    # By default replies name the model by the file's path, which tells clients the user's folders.
    params.model_alias = {settings["name"]}
    params.api_keys = [settings["key"]]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = settings["context"]
    params.n_parallel = settings["parallel"]
    # Two threads drop to a tenth of the speed as soon as anything else runs on two cores.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    # A prompt whose client has left is abandoned between two batches, so their size bounds how long
    # it keeps the model. One thread needs as much time for a prompt in batches of 64 as of 2048.
    params.n_batch = params.n_ubatch = PROMPT_BATCH
    params.use_jinja = True
    # With it, a conversation that ends with the assistant would be continued within that message,
    # where clients expect a new one.
    params.prefill_assistant = False
    params.warmup = False
    params.cache_ram_mib = 64  # the default of 8192 is more than many laptops have
    params.ui = False
    params.cors_origins = ""  # the default lets any web page read answers
    params.verbosity = 0
    return xllamacpp.Server(params)  # pyright: ignore[reportAttributeAccessIssue]


def main() -> None:
    """Serve until standard input closes."""
    running = start_server(json.loads(sys.stdin.readline()))
    print(json.dumps({"address": running.listening_address}), flush=True)  # noqa: T201
    # Blocks until the pipe closes, which the system also does for an engine that was killed.
    sys.stdin.read()
    os._exit(0)  # the server's own threads would keep the process alive


if __name__ == "__main__":
    main()
