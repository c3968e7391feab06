"""Unloaded models return their memory to the system."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from hfwidgets import InferenceClient, engine_process

FULL_RUN = """
import asyncio, json, os
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import psutil
from hfwidgets.engine.registry import choose_capability
from hfwidgets.engine.server.engine import Engine
from tests.engine import samples

def resident():
    return psutil.Process().memory_info().rss

async def run():
    engine = Engine()
    start = resident()
    image = samples.encode_image(samples.draw_text(samples.INVOICE))
    sound = samples.encode_audio(samples.make_noise(30), 16_000)
    requests = {
        "feature-extraction": ["a text of some words " * 40] * 4,
        "text-to-speech": "The library is closed on Sundays.",
        "automatic-speech-recognition": sound,
        "image-to-text": image,
        "object-detection": image,
    }
    for task, inputs in requests.items():
        await engine.run_task(choose_capability("", task)[0], task, inputs, {})
    loaded, names = resident(), engine.loaded_models()
    await engine.unload_idle(0)
    print(json.dumps([start, loaded, resident(), names, engine.loaded_models()]))

asyncio.run(run())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="malloc_trim is glibc's")
def test_memory_after_unloading(full_weights: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_RUN],
        capture_output=True,
        text=True,
        check=True,
        env=engine_process.subprocess_environment(),
    )
    start, loaded, unloaded, names, remaining = json.loads(done.stdout)
    assert {"MiniLM", "Whisper", "Voice"} <= set(names)
    assert remaining == []
    gained, kept = loaded - start, unloaded - start
    assert gained > 300e6, "the models take memory"
    assert kept < gained / 2, "only the libraries of the runtimes stay"


@pytest.mark.skipif(sys.platform != "linux", reason="arenas are glibc's")
def test_threads_of_the_engine_share_one_heap(engine: engine_process.EngineState) -> None:
    client = InferenceClient(provider="local")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(client.feature_extraction, ["some words " * 40] * 8))
    lines = Path(f"/proc/{engine.pid}/maps").read_text().splitlines()
    places = [tuple(int(end, 16) for end in line.split()[0].split("-")) for line in lines]
    # A thread's own heap is 64 MiB of addresses at a multiple of 64 MiB, of which a part is in use.
    heaps = [
        used
        for used, unused in pairwise(places)
        if used[0] % 2**26 == 0 and used[1] == unused[0] and unused[1] == used[0] + 2**26
    ]
    assert not heaps
