"""Measure the engine: speed against llama.cpp alone, the first answer, tasks, memory.

Tokens per second: both sides generate the same tokens with the same settings, in turns; "alone" is
llama.cpp's own server, read over HTTP without decoding.
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

from hfwidgets import InferenceClient, engine_process
from hfwidgets.engine.base.llama import CHILD_SCRIPT, Llama
from hfwidgets.engine.base.weights import WEIGHTS, missing_packages, weights_root
from hfwidgets.engine.chat.chat import MODEL
from hfwidgets.engine.registry import list_served_tasks
from hfwidgets.tasks import TASKS, examples
from tests.benchmarks.measure import Figure, choose_size
from tests.plugins.engine import make_cache

TOKENS = choose_size(128, 4)
ROUNDS = choose_size(7, 1)
STARTS = choose_size(3, 1)
CALLS = choose_size(6, 1)
T = TypeVar("T")
PROMPT = "Once upon a time, on a small island,"
MESSAGES = [
    {"role": "system", "content": "You tell stories."},
    {"role": "user", "content": "Tell a long story about a lighthouse."},
]
# The requests that the engine sends to llama.cpp for the two calls that are measured.
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
from hfwidgets.engine.server import process
def hurry(*_): process.MODEL_IDLE_SECONDS = 0.1
signal.signal(signal.SIGUSR1, hurry)  # unloads models now instead of in five minutes
process.serve_managed(int(sys.argv[1]))
"""


@contextlib.contextmanager
def engine() -> Iterator[engine_process.EngineState]:
    """Run a managed engine in a separate cache, where provider="local" finds it."""
    before = os.environ.get("HFWIDGETS_CACHE")
    installed = weights_root()
    with TemporaryDirectory() as folder:
        os.environ["HFWIDGETS_CACHE"] = str(make_cache(Path(folder, "cache"), installed))
        command = [sys.executable, "-c", MANAGED, str(os.getpid())]
        process = subprocess.Popen(
            command, env=engine_process.subprocess_environment(), stderr=subprocess.DEVNULL
        )
        try:
            yield wait_for(engine_process.find_running, "the engine listens")
        finally:
            process.terminate()
            process.wait(30)
            os.environ.pop("HFWIDGETS_CACHE")
            if before is not None:
                os.environ["HFWIDGETS_CACHE"] = before


def wait_for(look: Callable[[], T | None], what: str, seconds: float = 60) -> T:
    """Return the result of `look` once there is one."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.01)
    raise TimeoutError(what)


@contextlib.contextmanager
def run_llama() -> Iterator[httpx.Client]:
    """Run llama.cpp's server without the engine, with the engine's settings and weights."""
    model = WEIGHTS["smollm2"].path("model.gguf")
    settings = Llama(lambda: model, "alone").child_settings(model, "alone")
    process = subprocess.Popen(
        [sys.executable, "-P", str(CHILD_SCRIPT)], stdin=-1, stdout=-1, text=True
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


def measure_speed(run: Callable[[], int]) -> float:
    """Return the tokens per second of one run, which returns their number."""
    started = time.perf_counter()
    count = run()
    return count / (time.perf_counter() - started)


def count_raw(http: httpx.Client, path: str, body: dict[str, object]) -> int:
    """Count the events of one streamed generation of llama.cpp, without decoding them."""
    count = 0
    with http.stream("POST", path, json={**body, "stream": True}) as reply:
        for line in reply.iter_lines():
            count += line.startswith("data: {")
    return min(count, TOKENS)


def count_generated(client: InferenceClient) -> int:
    """Count the tokens of one streamed text generation through engine and client."""
    stream = client.text_generation(
        PROMPT, model=MODEL, stream=True, details=True, max_new_tokens=TOKENS, do_sample=False
    )
    return sum(1 for _ in stream)


def count_chat(client: InferenceClient) -> int:
    """Count the pieces of one streamed chat answer through engine and client."""
    stream = client.chat_completion(
        MESSAGES, model=MODEL, stream=True, max_tokens=TOKENS, temperature=0
    )
    texts = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
    return sum(1 for text in texts if text)


def measure_tokens(client: InferenceClient) -> Iterator[Figure]:
    """Measure tokens per second through engine and client, against llama.cpp alone."""
    ours = {"text generation": count_generated, "chat": count_chat}
    with run_llama() as http:
        for name, call in ours.items():
            path, body = ALONE[name]
            sides = {"alone": partial(count_raw, http, path, body), "ours": partial(call, client)}
            rates: dict[str, list[float]] = {side: [] for side in sides}
            for _ in range(ROUNDS):
                for side, run in sides.items():
                    rates[side].append(measure_speed(run))
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


def measure_first_answers() -> Iterator[Figure]:
    """Measure from nothing to an answer: the process, its socket, the model, the call."""
    calls = {
        "chat of one token": lambda client: client.chat_completion(MESSAGES, max_tokens=1),
        "text classification": lambda client: client.text_classification("I love it."),
    }
    for name, call in calls.items():
        seconds = []
        for _ in range(STARTS):
            started = time.perf_counter()
            with engine():
                call(InferenceClient(provider="local"))
                seconds.append(time.perf_counter() - started)
        yield Figure(f"engine's start to the first answer: {name}", min(seconds), unit="s")


def make_short_arguments(task: str) -> dict[str, object]:
    """Return the arguments of a task's example, with short answers."""
    arguments = examples.make_arguments(TASKS[task].example)
    if task in ("chat-completion", "text-generation"):
        arguments["max_tokens" if task == "chat-completion" else "max_new_tokens"] = 16
    return arguments


def measure_latencies(client: InferenceClient) -> Iterator[Figure]:
    """Measure the median of the warm calls of each served task, with its example's inputs."""
    for task in list_served_tasks():
        call = getattr(client, TASKS[task].method)
        seconds = []
        for _ in range(CALLS):
            started = time.perf_counter()
            call(**make_short_arguments(task))
            seconds.append(time.perf_counter() - started)
        first, warm = seconds[0], seconds[1:] or seconds
        note = f"first call {first * 1000:.0f} ms"
        yield Figure(f"{task}, warm call", statistics.median(warm) * 1000, unit="ms", note=note)


def measure_memory(pid: int) -> float:
    """Return the megabytes in use by the engine and its children."""
    process = psutil.Process(pid)
    return sum(one.memory_info().rss for one in [process, *process.children()]) / 1e6


def figures() -> Iterator[Figure]:
    """Yield all figures of the engine; they need the light set, and cover the full one if
    installed."""
    if missing_packages("light"):
        raise SystemExit("The figures need the weights: hfwidgets engine install light")
    yield from measure_first_answers()
    with engine() as running:
        fresh = measure_memory(running.pid)
        client = InferenceClient(provider="local", timeout=300)
        yield from measure_tokens(client)
        yield from measure_latencies(client)
        loaded = measure_memory(running.pid)
        psutil.Process(running.pid).send_signal(signal.SIGUSR1)
        wait_for(lambda: not psutil.Process(running.pid).children(), "the models are unloaded")
        yield Figure("memory, all served models loaded", loaded, unit="MB")
        note = f"just started: {fresh:.0f} MB"
        yield Figure(
            "memory, idle after all were loaded", measure_memory(running.pid), unit="MB", note=note
        )
