"""Measure what long sessions cost: a late turn's CPU, the memory of images, many panels.

Each figure comes from a process of its own, whose server runs in another one or in no process.
"""

import subprocess
import sys
from collections.abc import Iterator

from tests.benchmarks.measure import Figure, choose_size, run_server

LATE_TURN = choose_size(800, 20)
IMAGES = choose_size(60, 3)
PANELS = choose_size(100, 3)

CHAT = """
import statistics, sys, time
import hfwidgets as hf

url, before, turns = sys.argv[1], int(sys.argv[2]), 9
messages = []
for number in range(before):
    messages += [{"role": "user", "content": f"Question {number}? " + "word " * 20},
                 {"role": "assistant", "content": " token" * 60}]
panel = hf.panel("chat-completion", base_url=f"{url}/stream/v1?n=60", token="t", model="m",
                 messages=messages)
seconds = []
for number in range(turns + 1):
    started = time.process_time()
    panel.run(f"Question {number}? " + "word " * 20)
    seconds.append(time.process_time() - started)
assert len(panel.messages) == 2 * (before + turns + 1)
print(statistics.median(seconds[1:]))
"""

IMAGE = """
import io, sys
import numpy as np
from PIL import Image
import hfwidgets as hf
from hfwidgets.testing import answers
from tests.benchmarks.measure import current_memory

numbers = np.random.default_rng(0)

def paint(_):
    out = io.BytesIO()
    pixels = numbers.integers(0, 256, (930, 930, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(out, "png", compress_level=1)
    return out.getvalue()

with answers(text_to_image=paint):
    panel = hf.panel("text-to-image", prompt="noise")
    panel.run()
    first = current_memory()
    for _ in range(int(sys.argv[1])):
        panel.run()
    print(current_memory() - first)
    assert panel.results[1].size == (930, 930)
"""


MANY = """
import gc, sys, time
import hfwidgets as hf
from httpx import Client  # the first panel imports it in the background
from tests.benchmarks.measure import current_memory

def make():
    return hf.panel("text-classification", provider="hf-inference", token="t")

first = make()  # and what it imports
gc.collect()
memory, started, count = current_memory(), time.process_time(), int(sys.argv[1])
panels = [make() for _ in range(count)]
seconds = time.process_time() - started
print({"cpu": seconds / count, "memory": current_memory() - memory}[sys.argv[2]])
"""


def run_script(script: str, *arguments: str) -> float:
    """Return the number that a script prints in a process of its own."""
    command = [sys.executable, "-c", script, *arguments]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def figures() -> Iterator[Figure]:
    """Yield all figures of panels in long sessions."""
    with run_server() as url:
        early, late = (run_script(CHAT, url, str(turn)) for turn in (5, LATE_TURN - 5))
    note = f"{early * 1000:.1f} ms and {late * 1000:.1f} ms"
    yield Figure(f"chat panel: CPU of turn {LATE_TURN} / turn 10", late / early, 3, note=note)
    each, memory = (run_script(MANY, str(PANELS), figure) for figure in ("cpu", "memory"))
    yield Figure(f"{PANELS} panels: CPU to make each", each * 1000, 2, unit="ms")
    yield Figure(f"{PANELS} panels: memory", memory / 1e6, 10, unit="MB")
    grown = run_script(IMAGE, str(IMAGES)) / 1e6
    yield Figure(
        f"image panel: memory after {IMAGES} runs of 2.6 MB over the first", grown, 60, unit="MB"
    )
