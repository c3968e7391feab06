"""What models took is given back when they are let go."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hfwidgets import engine_process as room

FULL_RUN = """
import asyncio, json, os
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import psutil
from hfwidgets.local.capabilities import chosen
from hfwidgets.local.work import Engine
from tests.engine import samples

def resident():
    return psutil.Process().memory_info().rss

async def run():
    engine = Engine()
    start = resident()
    picture = samples.encode_image(samples.draw_text(samples.INVOICE))
    sound = samples.encode_audio(samples.make_noise(30), 16_000)
    asked = {
        "feature-extraction": ["a text of some words " * 40] * 4,
        "text-to-speech": "The library is closed on Sundays.",
        "automatic-speech-recognition": sound,
        "image-to-text": picture,
        "object-detection": picture,
    }
    for task, inputs in asked.items():
        await engine.run(chosen("", task)[0], task, inputs, {})
    loaded, names = resident(), engine.loaded()
    await engine.rest(0)
    print(json.dumps([start, loaded, resident(), names, engine.loaded()]))

asyncio.run(run())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="malloc_trim is glibc's")
def test_memory_falls_back_after_idling(full_weights: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_RUN],
        capture_output=True,
        text=True,
        check=True,
        env=room.subprocess_environment(),
    )
    start, loaded, rested, names, left = json.loads(done.stdout)
    assert {"MiniLM", "Whisper", "Voice"} <= set(names)
    assert left == []
    gained, kept = loaded - start, rested - start
    assert gained > 300e6, "the models were loaded"
    assert kept < gained / 2, "what stays are the runtimes' libraries"
