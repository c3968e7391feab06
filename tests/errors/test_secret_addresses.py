"""Keys in addresses: no file, repr or report repeats them, whatever the server sends back."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hfwidgets import InferenceClient, errors, recordings
from hfwidgets.batch import BatchRow
from hfwidgets.engine.install.hub_files import FoundFiles
from hfwidgets.evaluation import Candidate, evaluate
from hfwidgets.notebook.doctor import doctor
from tests.plugins.loopback import Answer, Loopback, Seen

KEY = "opaquekey123"
PASSWORD = "pass%2Fword"
ROWS = [{"text": f"t{at}", "mood": "good"} for at in range(3)]


def repeat_address(seen: Seen) -> Answer:
    """Answer with the key and password as a label, as a server does that shows its request."""
    said = f"good {KEY} pass/word {seen.target}"
    return Answer(json=[{"label": said, "score": 0.9}])


@pytest.fixture
def address(loopback: Loopback) -> str:
    loopback.route("POST", "/", repeat_address)
    loopback.route("POST", "/m", repeat_address)
    return f"{loopback.url}/m?key={KEY}".replace("://", f"://user:{PASSWORD}@")


def map_all_rows(address: str, folder: Path) -> None:
    InferenceClient().map(
        "text-classification",
        [row["text"] for row in ROWS],
        model=address,
        resume=folder / "rows.jsonl",
        progress=False,
    )


def map_one_row(address: str, folder: Path) -> None:
    rows = [{"text": "one", "model": address}]
    InferenceClient().map("text-classification", rows, resume=folder / "rows.jsonl", progress=False)


def record(address: str, folder: Path) -> None:
    with recordings(folder, mode="record"):
        InferenceClient().text_classification("x", model=address)


def evaluate_rows(address: str, folder: Path) -> None:
    with contextlib.suppress(errors.ConfigurationError):  # the labels have no partner
        evaluate(
            "text-classification",
            ROWS,
            [address],
            label="mood",
            column="text",
            resume=folder / "answers",
            progress=False,
        )


@pytest.mark.parametrize("write", [map_all_rows, map_one_row, record, evaluate_rows])
def test_no_file_repeats_the_key(
    address: str, loopback: Loopback, tmp_path: Path, write: Callable[[str, Path], None]
) -> None:
    write(address, tmp_path)
    sent = next(seen for seen in loopback.requests if seen.method == "POST")
    assert sent.query["key"] == [KEY], "the server gets it"
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        for text in (path.read_text(), path.name, json.dumps(str(path))):
            assert not any(secret in text for secret in (KEY, "pass/word", PASSWORD)), text


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_a_candidate_shows_no_key(scheme: str) -> None:
    candidate = Candidate(f"{scheme}://user:{PASSWORD}@host.example/m?key={KEY}")
    for shown in (repr(candidate), candidate.name, str(vars(candidate))):
        assert KEY not in shown
        assert PASSWORD not in shown
    assert "host.example" in candidate.name


def test_a_row_shows_no_key() -> None:
    row = BatchRow(0, {"text": "x", "model": f"https://host.example/m?key={KEY}"})
    assert KEY not in repr(row)


def test_the_error_of_a_function_shows_no_token() -> None:
    def fail(text: str) -> str:
        raise ConnectionError("refused hf_AbCdEfGh12345678")

    found = evaluate(
        "text-classification", ROWS, [fail], label="mood", column="text", progress=False
    )
    assert "ConnectionError: refused hf_…" in str(found.to_pandas().to_dict())
    assert "AbCdEfGh" not in repr(found) + str(found.to_pandas().to_dict())


def test_the_source_of_weights_shows_no_key() -> None:
    found = FoundFiles(None, f"https://u:{PASSWORD}@mirror.example/?key={KEY} cannot be reached")
    assert found.source == "https://…@mirror.example/?key=… cannot be reached"


def test_doctor_shows_no_key(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    loopback.route("GET", "/api/models", Answer(json=[]))
    endpoint = loopback.url.replace("://", f"://user:{PASSWORD}@")
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    shown = str(doctor(network=True))
    assert PASSWORD not in shown
    assert "127.0.0.1" in shown
