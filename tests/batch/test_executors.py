"""Rows by the workers of executors: threads, processes, a Dask cluster."""

import concurrent.futures
import multiprocessing
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import hfwidgets as hf
from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from hfwidgets.batch._worker import CallerSpec, Failure, Outcome, call_rows
from hfwidgets.testing import answers
from tests.batch.rows import asked, echo
from tests.batch.server import Running, labels
from tests.plugins.loopback import Answer, Loopback, Seen

TOKEN = "hf_" + "k" * 34
TASK = "text-classification"


def texts(count: int) -> list[str]:
    return [f"row {index}" for index in range(count)]


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with labels(fails=20, bad=50) as running:
        yield running


@pytest.fixture(scope="module")
def processes() -> Iterator[concurrent.futures.Executor]:
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, context) as executor:
        yield executor


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Start a real cluster of three processes on loopback."""
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=3,
            threads_per_worker=2,
            processes=True,
            dashboard_address=None,
            host="127.0.0.1",
        ) as made,
        distributed.Client(made) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def rays() -> Iterator[Any]:
    """Start a real Ray cluster of two workers on loopback, and its pool."""
    import ray
    from ray.util.multiprocessing import Pool

    options = {"include_dashboard": False, "log_to_driver": False, "configure_logging": False}
    for attempts_left in reversed(range(6)):
        try:
            ray.init(num_cpus=2, object_store_memory=100_000_000, **options)
            break
        except Exception as error:
            # Ray gives its processes 30 seconds to start, too few on a machine under load.
            if not attempts_left or "timed out during startup" not in str(error):
                raise
            ray.shutdown()
    try:
        with Pool(2) as pool:
            yield pool
    finally:
        ray.shutdown()


def check(result: Any, count: int) -> None:
    """Assert that all rows are right and in order, and each fiftieth one has failed."""
    said = [row.result[0].label if row.state == "done" else None for row in result]
    assert said == [None if index % 50 == 7 else f"row {index}" for index in range(count)]
    assert all(isinstance(error, errors.BadRequestError) for error in result.errors.values())


def test_threads(server: Running) -> None:
    client = InferenceClient(base_url=server.url, token="none")
    with concurrent.futures.ThreadPoolExecutor(8) as executor:
        check(client.map(TASK, texts(200), executor=executor, progress=False), 200)


def test_processes(server: Running, processes: concurrent.futures.Executor) -> None:
    client = InferenceClient(base_url=server.url, token="none")
    check(client.map(TASK, texts(100), executor=processes, progress=False), 100)


def test_a_pool_of_processes(server: Running) -> None:
    client = InferenceClient(base_url=server.url, token="none")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        check(client.map(TASK, texts(100), executor=pool, progress=False), 100)


def test_a_ray_cluster(server: Running, rays: Any) -> None:
    client = InferenceClient(base_url=server.url, token="none")
    check(client.map(TASK, texts(100), executor=rays, progress=False), 100)


def test_a_dask_cluster_of_several_processes(server: Running, cluster: Any, tmp_path: Path) -> None:
    client = InferenceClient(base_url=server.url, token="none")
    path = tmp_path / "rows.jsonl"
    executor = cluster.get_executor()
    result = client.map(TASK, texts(300), executor=executor, resume=path, progress=False)
    check(result, 300)
    before = server.stats()["statuses"]["200"]
    check(client.map(TASK, texts(300), resume=path, progress=False), 300)
    assert server.stats()["statuses"]["200"] == before


def check_evaluation(server: Running, executor: Any) -> None:
    """Assert that an evaluation whose calls an executor makes is that of plain calls."""
    client = InferenceClient(base_url=server.url, token="none")
    rows = [{"text": text, "right": text} for text in texts(100)]
    entrant = hf.Candidate(client=client, name="served")
    options: dict[str, Any] = {"label": "right", "metrics": "accuracy", "progress": False}
    found = hf.evaluate(TASK, rows, [entrant], executor=executor, **options)
    [score] = found.scores
    assert (score.n, score.wrong, score.failed) == (100, {"rejected": 2}, 0)
    assert score.metrics["accuracy"].value == 0.98
    assert [row.index for row in found if not row.right["served"]] == [7, 57]


def test_an_evaluation_over_a_dask_cluster(server: Running, cluster: Any) -> None:
    check_evaluation(server, cluster.get_executor())


def test_an_evaluation_over_a_ray_cluster(server: Running, rays: Any) -> None:
    check_evaluation(server, rays)


def test_several_processes_of_a_cluster_ask(cluster: Any, loopback: Loopback) -> None:
    together = threading.Barrier(5)  # two threads a process: five at once are three processes
    first = iter(range(5))

    def answer(_: Seen) -> Answer:
        if next(first, None) is not None:
            together.wait(60)
        return Answer(json=[{"label": "A", "score": 1}])

    loopback.route("POST", "/", answer)
    client = InferenceClient(base_url=loopback.url, token="none")
    executor = cluster.get_executor()
    result = client.map(
        TASK, texts(30), executor=executor, concurrency=8, batch_size=1, progress=False
    )
    assert result.counts["done"] == 30


def test_the_async_client_with_an_executor(server: Running) -> None:
    import asyncio

    async def run() -> Any:
        with concurrent.futures.ThreadPoolExecutor(4) as executor:
            async with AsyncInferenceClient(base_url=server.url, token="none") as client:
                return await client.map(TASK, texts(50), executor=executor, progress=False)

    check(asyncio.run(run()), 50)


def test_media_are_sent_to_workers(
    processes: concurrent.futures.Executor, loopback: Loopback
) -> None:
    loopback.route(
        "POST", "/", lambda s: Answer(body=s.body, headers={"content-type": "image/png"})
    )
    pictures = [Image.new("RGB", (3, 2), (index, 0, 0)) for index in range(4)]
    client = InferenceClient(base_url=loopback.url, token="none")
    result = client.map("image-to-image", pictures, executor=processes, progress=False)
    assert [row.result.getpixel((0, 0))[0] for row in result] == [0, 1, 2, 3]
    assert result[0].result.meta.provider == "endpoint"
    assert result[0].result.meta.recorded is None


def test_workers_record_and_replay_too(
    processes: concurrent.futures.Executor, loopback: Loopback, tmp_path: Path
) -> None:
    loopback.route("POST", "/", echo)
    client = InferenceClient(base_url=loopback.url, recordings=tmp_path)
    client.map(TASK, texts(5), executor=processes, progress=False)
    with hf.recordings(tmp_path, mode="replay"):
        plain = InferenceClient(base_url=loopback.url)
        result = plain.map(TASK, texts(5), executor=processes, progress=False)
    assert result[0].result.meta.recorded is not None
    assert len(asked(loopback)) == 5


def test_canned_answers_are_not_sent_to_workers() -> None:
    with (
        concurrent.futures.ThreadPoolExecutor(1) as executor,
        answers(text_classification=[]),
        pytest.raises(errors.ConfigurationError, match="cannot be sent"),
    ):
        InferenceClient().map(TASK, ["a"], executor=executor, progress=False)


def test_only_an_explicit_token_is_sent_to_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "m" * 34)
    found = InferenceClient(model="m")
    found._run(None, found._caller.settings.find_token())
    assert found._caller.settings.machine_token is not None
    assert b"hf_mmm" not in pickle.dumps(CallerSpec.from_settings(found._caller.settings))
    given = CallerSpec.from_settings(InferenceClient(model="m", token=TOKEN)._caller.settings)
    settings = pickle.loads(pickle.dumps(given)).to_settings()
    assert settings.token.value == TOKEN
    assert TOKEN not in repr(given)


def test_a_worker_looks_for_its_own_token(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "w" * 34)
    monkeypatch.setenv("HF_ENDPOINT", loopback.url)
    loopback.route("POST", "/x", Answer(json=[{"label": "A", "score": 1}]))
    spec = pickle.loads(
        pickle.dumps(
            CallerSpec.from_settings(InferenceClient(f"{loopback.url}/x")._caller.settings)
        )
    )
    [outcome] = call_rows(spec, TASK, [{"text": "a"}], 0)
    assert outcome.raw == [{"label": "A", "score": 1}]
    assert outcome.provenance is not None
    assert outcome.provenance.provider == "endpoint"
    assert loopback.requests[0].headers["authorization"] == "Bearer hf_" + "w" * 34


def test_errors_keep_their_class_on_the_way() -> None:
    error = errors.RateLimitError("slow down")
    error.response = type("R", (), {"status_code": 429, "headers": {"retry-after": "7"}})()
    travelled = pickle.loads(pickle.dumps(Outcome(error=Failure.from_error(error))))
    found = travelled.error.to_exception()
    assert isinstance(found, errors.RateLimitError)
    assert "slow down" in str(found)
    assert found.status_code == 429
    assert Failure.from_error(found).pause == 7
    odd = Failure.from_error(ZeroDivisionError("oops")).to_exception()
    assert str(odd) == "ZeroDivisionError: oops"
