"""The engine's figures: speed against llama.cpp alone, the first answer, tasks, memory.

Tokens per second: both sides write the same tokens with the same settings, one after the other in
turns; "alone" is llama.cpp's own server, asked over HTTP by a reader that decodes nothing.
"""

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import httpx
import psutil

from hfwidgets import InferenceClient
from hfwidgets import engine_process as room
from hfwidgets.engine.base.weights import WEIGHTS, missing_packages, weights_root
from hfwidgets.engine.chat import llama
from hfwidgets.engine.registry import list_served_tasks
from hfwidgets.tasks import TASKS, examples
from tests.benchmarks.measure import Figure
from tests.plugins.engine import make_cache

TOKENS = 128
ROUNDS = 7
T = TypeVar("T")
PROMPT = "Once upon a time, on a small island,"
MESSAGES = [
    {"role": "system", "content": "You tell stories."},
    {"role": "user", "content": "Tell a long story about a lighthouse."},
]
# What the engine asks of llama.cpp for the two calls that are measured.
ALONE = {
    "text generation": (
        "/completion",
        {"prompt": PROMPT, "n_predict": TOKENS, "temperature": 0, "n_probs": 1, "top_p": 0.95},
    ),
    "chat": (
        "/v1/chat/completions",
        {
            "messages": MESSAGES,
            "max_tokens": TOKENS,
            "temperature": 0,
            "repeat_penalty": 1.1,
        },
    ),
}
MANAGED = """
import signal, sys
from hfwidgets.local import process
def hurry(*_): process.MODELS_IDLE = 0.1
signal.signal(signal.SIGUSR1, hurry)  # models leave the memory now, not in five minutes
process.serve_managed(int(sys.argv[1]))
"""


@contextlib.contextmanager
def engine() -> Iterator[room.EngineState]:
    """A managed engine of our own in a cache of its own, which provider="local" finds."""
    before = os.environ.get("HFWIDGETS_CACHE")
    installed = weights_root()
    with TemporaryDirectory() as folder:
        os.environ["HFWIDGETS_CACHE"] = str(make_cache(Path(folder, "cache"), installed))
        command = [sys.executable, "-c", MANAGED, str(os.getpid())]
        process = subprocess.Popen(
            command, env=room.subprocess_environment(), stderr=subprocess.DEVNULL
        )
        try:
            yield waited(room.find_running, "the engine listens")
        finally:
            process.terminate()
            process.wait(30)
            os.environ.pop("HFWIDGETS_CACHE")
            if before is not None:
                os.environ["HFWIDGETS_CACHE"] = before


def waited(look: Callable[[], T | None], what: str, seconds: float = 60) -> T:
    """What `look` returns once it returns something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.01)
    raise TimeoutError(what)


@contextlib.contextmanager
def alone() -> Iterator[httpx.Client]:
    """llama.cpp's own server in a process of its own, with the engine's settings and weights."""
    settings = {
        "model": str(WEIGHTS["smollm2"].path("model.gguf")),
        "name": "alone",
        "key": "alone",
        "threads": llama.DEFAULT_THREADS,
        "context": llama.DEFAULT_CONTEXT,
        "parallel": llama.PARALLEL_REQUESTS,
    }
    process = subprocess.Popen(
        [sys.executable, "-P", str(llama._SCRIPT)], stdin=-1, stdout=-1, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        print(json.dumps(settings), file=process.stdin, flush=True)
        address = json.loads(process.stdout.readline())["address"]
        headers = {"Authorization": "Bearer alone", "Connection": "close"}
        with httpx.Client(base_url=address, headers=headers, timeout=120) as client:
            yield client
    finally:
        process.stdin.close()
        process.wait(30)


def speed(run: Callable[[], int]) -> float:
    """Tokens per second of one run, which returns how many there were."""
    started = time.perf_counter()
    count = run()
    return count / (time.perf_counter() - started)


def raw(http: httpx.Client, path: str, body: dict[str, object]) -> int:
    """One streamed generation of llama.cpp; its events are counted and not decoded."""
    count = 0
    with http.stream("POST", path, json={**body, "stream": True}) as reply:
        for line in reply.iter_lines():
            count += line.startswith("data: {")
    return min(count, TOKENS)


def story(client: InferenceClient) -> int:
    """One streamed text generation through the engine and our client."""
    stream = client.text_generation(
        PROMPT, stream=True, details=True, max_new_tokens=TOKENS, do_sample=False
    )
    return sum(1 for _ in stream)


def talk(client: InferenceClient) -> int:
    """One streamed chat answer through the engine and our client."""
    stream = client.chat_completion(MESSAGES, stream=True, max_tokens=TOKENS, temperature=0)
    texts = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
    return sum(1 for text in texts if text)


def tokens(client: InferenceClient) -> Iterator[Figure]:
    """Tokens per second through engine and client, against llama.cpp alone."""
    ours = {"text generation": story, "chat": talk}
    with alone() as http:
        for name, call in ours.items():
            path, body = ALONE[name]
            sides = {"alone": partial(raw, http, path, body), "ours": partial(call, client)}
            rates: dict[str, list[float]] = {side: [] for side in sides}
            for _ in range(ROUNDS):
                for side, run in sides.items():
                    rates[side].append(speed(run))
            best = {side: max(values) for side, values in rates.items()}
            pairs = zip(rates["ours"], rates["alone"], strict=True)
            middle = statistics.median(one / other for one, other in pairs)
            note = (
                f"best {best['ours']:.0f} and {best['alone']:.0f} tokens/s; "
                f"median of the pairs {middle:.2f}"
            )
            share = best["ours"] / best["alone"]
            title = f"{name}, tokens/s through engine and client / llama.cpp alone"
            yield Figure(title, share, 0.95, at_least=True, note=note)


def first_answers() -> Iterator[Figure]:
    """From nothing to an answer: the engine's process, its listening, the model, the call."""
    calls = {
        "chat of one token": lambda client: client.chat_completion(MESSAGES, max_tokens=1),
        "text classification": lambda client: client.text_classification("I love it."),
    }
    for name, call in calls.items():
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            with engine():
                call(InferenceClient(provider="local"))
                seconds.append(time.perf_counter() - started)
        yield Figure(f"engine's start to the first answer: {name}", min(seconds), unit="s")


def arguments(task: str) -> dict[str, object]:
    """A task's example, short."""
    given = examples.make_arguments(TASKS[task].example)
    if task in ("chat-completion", "text-generation"):
        given["max_tokens" if task == "chat-completion" else "max_new_tokens"] = 16
    return given


def latencies(client: InferenceClient) -> Iterator[Figure]:
    """The median of five warm calls of each served task, with its example's inputs."""
    for task in list_served_tasks():
        call = getattr(client, TASKS[task].method)
        seconds = []
        for _ in range(6):
            started = time.perf_counter()
            call(**arguments(task))
            seconds.append(time.perf_counter() - started)
        first, *warm = seconds
        note = f"first call {first * 1000:.0f} ms"
        yield Figure(f"{task}, warm call", statistics.median(warm) * 1000, unit="ms", note=note)


def resident(pid: int) -> float:
    """Megabytes in use by the engine and its children."""
    process = psutil.Process(pid)
    return sum(one.memory_info().rss for one in [process, *process.children()]) / 1e6


def figures() -> Iterator[Figure]:
    """All of the engine's figures; they need the light set, and show the full one if it is here."""
    if missing_packages("light"):
        raise SystemExit("The figures need the weights: hfwidgets engine install light")
    yield from first_answers()
    with engine() as running:
        fresh = resident(running.pid)
        client = InferenceClient(provider="local", timeout=300)
        yield from tokens(client)
        yield from latencies(client)
        loaded = resident(running.pid)
        psutil.Process(running.pid).send_signal(signal.SIGUSR1)
        waited(lambda: not psutil.Process(running.pid).children(), "the models are let go")
        yield Figure("memory, all served models loaded", loaded, unit="MB")
        note = f"just started: {fresh:.0f} MB"
        yield Figure(
            "memory, idle after all were loaded", resident(running.pid), unit="MB", note=note
        )
