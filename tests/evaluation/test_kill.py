"""An evaluation that is killed in the middle pays for no row twice."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from hfwidgets import InferenceClient
from hfwidgets.evaluation import Candidate, Evaluation, evaluate
from tests.plugins.loopback import Answer, Loopback, Seen
from tests.plugins.waiting import until

COUNT = 400
ROWS = [{"text": f"{'good' if at % 2 else 'bad'} {at}", "mood": at % 2} for at in range(COUNT)]

RUN = """
import sys
from tests.evaluation.test_kill import run
run(sys.argv[1], sys.argv[2])
"""


def run(url: str, folder: str) -> Evaluation:
    models = [
        Candidate(client=InferenceClient(base_url=f"{url}/{name}"), name=name) for name in "ab"
    ]
    return evaluate(
        *("text-classification", ROWS, models),
        label=lambda row: "good" if row["mood"] else "bad",
        column="text",
        resume=folder,
        concurrency=2,
        batch_size=1,
        progress=False,
    )


def reply(seen: Seen) -> Answer:
    label = json.loads(seen.body)["inputs"].split()[0]
    return Answer(json=[{"label": label, "score": 1.0}])


def test_a_killed_evaluation_is_continued(loopback: Loopback, tmp_path: Path) -> None:
    for name in "ab":
        loopback.route("POST", f"/{name}", reply)
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(RUN), loopback.url, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    # In the middle of the second model's rows.
    until(lambda: len(loopback.requests) > COUNT + COUNT // 4, "a quarter of b", seconds=120)
    process.send_signal(signal.SIGKILL)
    process.wait()
    found = run(loopback.url, str(tmp_path))
    assert [score.metrics["accuracy"].value for score in found.scores] == [1, 1]
    assert [score.n for score in found.scores] == [COUNT, COUNT]
    # Only the calls that the kill cut off, at most two at a time, are made again.
    assert 2 * COUNT <= len(loopback.requests) <= 2 * COUNT + 2
