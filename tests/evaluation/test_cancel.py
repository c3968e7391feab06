"""An evaluation that is canceled or interrupted frees its requests and keeps what was answered."""

import asyncio
import json
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hfwidgets import InferenceClient
from hfwidgets.evaluation import Candidate, Evaluation, aevaluate, evaluate
from tests.plugins.loopback import Answer, Loopback, Seen
from tests.plugins.waiting import LIMIT, until

ROWS = [{"text": f"{mood} {at}", "mood": mood} for at in range(20) for mood in ("good", "bad")]
READY = 12
"""How many requests are answered before the server holds all others."""

AT_ONCE = 4
"""How many requests an evaluation sends at once."""


class Service:
    """A service that answers some requests, and holds the others until their client leaves."""

    def __init__(self, loopback: Loopback) -> None:
        self.loopback = loopback
        self.is_open = False
        self.held = 0
        self.on_hold = threading.Event()
        """Set once every request under way is held: the answers of all others have arrived."""
        self.answered: list[str] = []
        self._lock = threading.Lock()
        loopback.route("POST", "/", self._answer)

    def _answer(self, seen: Seen) -> Answer:
        text = json.loads(seen.body)["inputs"]
        with self._lock:
            if self.is_open or len(self.answered) < READY:
                self.answered.append(text)
                return Answer(json=[{"label": text.split()[0], "score": 0.9}])
            self.held += 1
            if self.held == AT_ONCE:
                self.on_hold.set()
        return Answer(headers={"content-type": "application/json"}, chunks=self._blanks())

    def _blanks(self) -> Iterator[bytes]:
        # A write after the client has left is what tells the server.
        while not self.loopback.gone.wait(0.01):
            yield b" "

    def arguments(self, **options: Any) -> dict[str, Any]:
        client = InferenceClient(base_url=self.loopback.url)
        return {
            "task": "text-classification",
            "data": ROWS,
            "models": [Candidate(client=client, name="served")],
            "label": "mood",
            "column": "text",
            "concurrency": AT_ONCE,
            "batch_size": 1,
            "progress": False,
            **options,
        }


@pytest.fixture(autouse=True)
def _wait_for_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a canceled run end in its time, which a busy machine may need."""
    for module in ("hfwidgets.batch._handles", "hfwidgets.evaluation.run"):
        monkeypatch.setattr(f"{module}.END_TIMEOUT", LIMIT)


@pytest.fixture
def service(loopback: Loopback) -> Service:
    return Service(loopback)


async def cancel(service: Service, **options: Any) -> Evaluation:
    """Cancel an evaluation while the server holds its requests; return what it kept."""
    task = asyncio.create_task(aevaluate(**service.arguments(**options)))
    await asyncio.to_thread(until, service.on_hold.is_set, "all requests that wait")
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    kept: Evaluation = caught.value.evaluation  # type: ignore[attr-defined]
    return kept


def test_a_canceled_evaluation_frees_its_requests_and_pays_once(
    service: Service, loopback: Loopback, tmp_path: Path
) -> None:
    kept = asyncio.run(cancel(service, resume=tmp_path))
    assert loopback.gone.wait(LIMIT)
    assert kept.is_interrupted
    assert len(kept) == len(service.answered) == READY
    service.is_open = True
    again = evaluate(**service.arguments(resume=tmp_path))
    assert (len(again), again.stopped) == (len(ROWS), None)
    assert set(Counter(service.answered).values()) == {1}


def test_what_a_canceled_evaluation_kept_is_completed_without_a_folder(service: Service) -> None:
    kept = asyncio.run(cancel(service))
    assert len(kept) == READY
    service.is_open = True
    again = kept.retry()
    assert (len(again), again.scores[0].metrics["accuracy"].value) == (len(ROWS), 1)
    assert set(Counter(service.answered).values()) == {1}


def test_an_interrupt_frees_the_requests_and_asks_no_judge(
    service: Service, loopback: Loopback
) -> None:
    def interrupt() -> None:
        service.on_hold.wait(60)
        signal.raise_signal(signal.SIGINT)  # for the main thread, which waits for the rows

    thread = threading.Thread(target=interrupt)
    thread.start()
    judged: list[str] = []
    models = [*service.arguments()["models"], Candidate(lambda text: "good", name="constant")]
    found = evaluate(
        **service.arguments(models=models[::-1], judge=lambda prompt: judged.append(prompt))
    )
    thread.join()
    assert loopback.gone.wait(LIMIT)
    assert found.is_interrupted
    assert len(found) == READY
    assert judged == []


def test_a_function_that_waits_is_not_called_again_after_a_cancel() -> None:
    begun, released = threading.Event(), threading.Event()
    asked: list[str] = []

    def slow(text: str) -> str:
        asked.append(text)
        begun.set()
        released.wait(60)
        return text.split()[0]

    async def run() -> Evaluation:
        task = asyncio.create_task(
            aevaluate(
                *("text-classification", ROWS, [slow]),
                label="mood",
                column="text",
                progress=False,
            )
        )
        await asyncio.to_thread(begun.wait, 60)
        task.cancel()
        released.set()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        kept: Evaluation = caught.value.evaluation  # type: ignore[attr-defined]
        return kept

    kept = asyncio.run(run())
    assert len(kept.retry()) == len(ROWS)
    assert set(Counter(asked).values()) == {1}
