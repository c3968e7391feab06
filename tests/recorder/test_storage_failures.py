"""What cannot be stored is returned all the same, and one warning names the cause."""

import asyncio
import errno
import os
import resource
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import hfwidgets as hf
from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from hfwidgets.recorder.media_files import write_atomic
from tests.plugins.loopback import Answer, Loopback, chat_answer, chat_events
from tests.plugins.waiting import until

HELLO = [{"role": "user", "content": "Hello"}]
LABELS = Answer(json=[{"label": "A", "score": 1.0}])


def block_folder(folder: Path) -> None:
    """Put a file where the folder should be: no user, not even root, can write into it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("")


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Let every file end after 100 bytes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


CALLS: dict[str, tuple[Answer, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "plain": (LABELS, lambda client: client.text_classification("x"), lambda found: found[0].label),
    "chat": (chat_answer("Hi"), lambda client: client.chat_completion(HELLO), lambda a: a.text),
    "stream": (
        chat_events("Hel", "lo"),
        lambda client: client.chat_completion(HELLO, stream=True),
        lambda stream: "".join(chunk.choices[0].delta.content or "" for chunk in stream),
    ),
}
EXPECTED = {"plain": "A", "chat": "Hi", "stream": "Hello"}


@pytest.mark.parametrize("name", CALLS)
def test_an_answer_without_a_folder_is_returned_with_one_warning(
    loopback: Loopback, tmp_path: Path, name: str
) -> None:
    answer, call, read = CALLS[name]
    block_folder(tmp_path / "recordings")
    loopback.answer(answer, answer, answer)
    client = InferenceClient(base_url=loopback.url, recordings=tmp_path / "recordings")
    with pytest.warns(UserWarning, match="was not recorded in .*recordings: Not a dir") as caught:
        found = [read(call(client)) for _ in range(3)]
    assert found == [EXPECTED[name]] * 3
    assert len(caught) == 1
    assert len(loopback.requests) == 3


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("full_disk")
def test_an_answer_on_a_full_disk_is_returned(
    loopback: Loopback, tmp_path: Path, name: str
) -> None:
    answer, call, read = CALLS[name]
    loopback.answer(answer)
    client = InferenceClient(base_url=loopback.url, recordings=tmp_path)
    with pytest.warns(UserWarning, match="was not recorded"):
        assert read(call(client)) == EXPECTED[name]
    assert not [path for path in tmp_path.rglob("*") if path.is_file()], "no torn file is left"


def test_an_image_that_cannot_be_stored_is_returned(loopback: Loopback, tmp_path: Path) -> None:
    Image.new("RGB", (9, 7), "red").save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "files").write_text("")  # where the media would go
    loopback.answer(Answer(body=data, headers={"content-type": "image/png"}))
    client = InferenceClient(loopback.url, recordings=tmp_path / "recordings")
    with pytest.warns(UserWarning, match="was not recorded"):
        assert client.text_to_image("x").size == (9, 7)


def test_the_async_client_returns_it_too(loopback: Loopback, tmp_path: Path) -> None:
    block_folder(tmp_path / "recordings")
    loopback.answer(chat_events("Hel", "lo"), chat_answer("Hi"))

    async def run() -> tuple[str, str]:
        async with AsyncInferenceClient(
            base_url=loopback.url, recordings=tmp_path / "recordings"
        ) as client:
            stream = await client.chat_completion(HELLO, stream=True)
            texts = [chunk.choices[0].delta.content or "" async for chunk in stream]
            return "".join(texts), (await client.chat_completion(HELLO)).text

    with pytest.warns(UserWarning, match="was not recorded") as caught:
        assert asyncio.run(run()) == ("Hello", "Hi")
    assert len(caught) == 1
    assert Path(caught[0].filename).name == Path(__file__).name


def test_recording_goes_on_once_there_is_room_again(loopback: Loopback, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    block_folder(folder)
    loopback.route("POST", "/", LABELS)
    client = InferenceClient(loopback.url, recordings=folder)
    with pytest.warns(UserWarning, match="was not recorded"):
        client.text_classification("a")
    folder.unlink()
    client.text_classification("a")
    client.text_classification("a")
    assert len(loopback.requests) == 2
    assert len(hf.recordings.list(folder)) == 1


def damage(folder: Path, text: Callable[[str], str]) -> Path:
    [path] = folder.glob("*/*.json")
    path.write_text(text(path.read_text()))
    return path


@pytest.mark.parametrize(
    "text", [lambda text: "", lambda text: text[: len(text) // 2], lambda text: "\0" * len(text)]
)
def test_a_torn_recording_is_asked_for_again(
    loopback: Loopback, tmp_path: Path, text: Callable[[str], str]
) -> None:
    loopback.route("POST", "/", LABELS)
    client = InferenceClient(loopback.url, recordings=tmp_path)
    client.text_classification("a")
    path = damage(tmp_path, text)
    assert client.text_classification("a")[0].label == "A"
    assert len(loopback.requests) == 2
    assert path.read_text().rstrip().endswith("}")
    damage(tmp_path, text)
    replay = InferenceClient(loopback.url, recordings=hf.recordings(tmp_path, mode="replay"))
    with pytest.raises(errors.OutputError, match="cannot be read"):
        replay.text_classification("a")


def test_marks_of_a_merge_are_not_overwritten(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", LABELS)
    client = InferenceClient(loopback.url, recordings=tmp_path)
    client.text_classification("a")
    damage(tmp_path, lambda text: f"<<<<<<< HEAD\n{text}=======\n{text[:50]}")
    with pytest.raises(errors.OutputError, match="merge"):
        client.text_classification("a")


def test_a_newer_format_is_refused_not_overwritten(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", LABELS)
    client = InferenceClient(loopback.url, recordings=tmp_path)
    client.text_classification("a")
    damage(tmp_path, lambda text: text.replace('"version": 1', '"version": 2'))
    with pytest.raises(errors.ConfigurationError, match="newer version"):
        client.text_classification("a")


@pytest.mark.usefixtures("full_disk")
def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    write_atomic(path, b"old")
    with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        write_atomic(path, b"x" * 1000)
    assert path.read_bytes() == b"old"
    assert [child.name for child in path.parent.iterdir()] == ["file"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_no_warning_where_all_is_stored(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", LABELS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        InferenceClient(loopback.url, recordings=tmp_path).text_classification("a")


KILLED = """
import sys
from hfwidgets import InferenceClient

client = InferenceClient(sys.argv[1], recordings=sys.argv[2])
for number in range(10_000):
    client.text_classification(str(number))
"""


@pytest.mark.parametrize("count", range(3, 8))
def test_a_kill_loses_no_recording_and_tears_none(
    loopback: Loopback, tmp_path: Path, count: int
) -> None:
    """An answer is stored, whole, before the next request is sent."""
    loopback.route("POST", "/", LABELS)
    process = subprocess.Popen([sys.executable, "-c", KILLED, loopback.url, str(tmp_path)])
    try:
        until(lambda: len(loopback.requests) >= count, "requests arrive")
    finally:
        process.kill()
        process.wait()
    # The last request may have been cut.
    seen = [request.json()["inputs"] for request in loopback.requests if request.body]
    replay = InferenceClient(loopback.url, recordings=hf.recordings(tmp_path, mode="replay"))
    for text in seen[:-1]:
        assert replay.text_classification(text)[0].label == "A"
    assert len(hf.recordings.list(tmp_path)) in (len(seen), len(seen) - 1)
