"""Answers are recorded once and replayed without a request."""

import asyncio
import base64
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import hfwidgets as hf
from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from hfwidgets.calls import settings
from tests.plugins.loopback import Answer, Loopback, Seen, chat_answer, chat_events
from tests.plugins.sample_media import encode_image

TOKEN = "hf_" + "k" * 34
HELLO = [{"role": "user", "content": "Hello"}]
LABELS = [{"score": 0.9, "label": "GOOD", "extra": 1}]


@pytest.fixture(autouse=True)
def _off() -> Iterator[None]:
    yield
    hf.recordings.off()
    assert settings.interceptors == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "recordings"


def client(loopback: Loopback, **more: Any) -> InferenceClient:
    return InferenceClient(base_url=loopback.url, token=TOKEN, **more)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_second_call_is_answered_without_the_server(loopback: Loopback, folder: Path) -> None:
    loopback.answer(Answer(json=LABELS, headers={"x-inference-model": "org/m"}))
    with hf.recordings(folder):
        first = client(loopback).text_classification("Fine!", top_k=1)
        second = client(loopback).text_classification("Fine!", top_k=1)
    assert len(loopback.requests) == 1
    assert first == second
    assert first[0].extra == 1
    assert list(first[0]) == list(second[0])
    assert first._repr_mimebundle_() == second._repr_mimebundle_()


def test_the_meta_has_the_time_of_the_recording(loopback: Loopback, folder: Path) -> None:
    loopback.answer(Answer(json=LABELS, headers={"x-inference-model": "org/m"}))
    for mode in ("record", "replay"):
        with hf.recordings(folder, mode=mode):
            meta = client(loopback).text_classification("Fine!").meta
        assert meta is not None
        assert meta.recorded is not None
        assert f"recorded on {meta.recorded:%Y-%m-%d}" in meta.summary()
        assert (meta.model, meta.provider) == ("org/m", "endpoint")


def test_calls_outside_of_recordings_have_no_time_of_recording(loopback: Loopback) -> None:
    loopback.answer(Answer(json=LABELS))
    meta = client(loopback).text_classification("Fine!").meta
    assert meta is not None
    assert meta.recorded is None
    assert "recorded" not in meta.summary()


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.text_classification("Other"),
        lambda c: c.text_classification("Fine!", top_k=2),
        lambda c: c.text_classification("Fine!", model="org/other"),
        lambda c: c.summarization("Fine!"),
    ],
)
def test_another_request_is_another_recording(
    loopback: Loopback, folder: Path, change: Any
) -> None:
    loopback.answer(
        Answer(json=LABELS), Answer(json=[{"label": "A", "score": 1, "summary_text": "x"}])
    )
    with hf.recordings(folder):
        client(loopback).text_classification("Fine!")
        change(client(loopback))
    assert len(loopback.requests) == 2
    assert len(hf.recordings.list(folder)) == 2


def test_the_file_is_readable_and_holds_no_secret(
    loopback: Loopback, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = "hf_" + "m" * 34
    monkeypatch.setenv("HF_TOKEN", machine)
    other = "hf_" + "o" * 30
    loopback.answer(Answer(json=[{"label": f"{TOKEN} {machine}", "score": 1}]))
    with hf.recordings(folder):
        asking = client(loopback, headers={"X-Api-Key": "topsecretkey"}, cookies={"c": "crumbles"})
        asking.text_classification(f"my token is {TOKEN}, {other}, topsecretkey, crumbles")
    [path] = files(folder)
    text = path.read_text()
    for secret in (TOKEN, machine, other, "topsecretkey", "crumbles", "Bearer", str(folder)):
        assert secret not in text
    asked = json.loads(text)["asked"]
    assert asked["inputs"] == "my token is …, hf_…, …, …"
    assert asked["task"] == "text-classification"
    assert path.parent.name == "text-classification"
    assert text == hf.recorder.media_files.to_pretty_json(json.loads(text))
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_endpoint_s_query_and_user_are_not_stored(loopback: Loopback, folder: Path) -> None:
    loopback.answer(Answer(json=LABELS))
    url = f"{loopback.url}/path?key=opensesame"
    with hf.recordings(folder):
        InferenceClient(base_url=url).text_classification("Fine!")
    text = files(folder)[0].read_text()
    assert "opensesame" not in text
    assert json.loads(text)["asked"]["endpoint"] == f"{loopback.url}/path"


def test_images_are_files_identified_by_their_content(
    loopback: Loopback, folder: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (9, 7), "red").save(tmp_path / "a.png")
    Image.new("RGB", (9, 7), "red").save(tmp_path / "b.png")
    data = (tmp_path / "a.png").read_bytes()
    loopback.answer(Answer(body=data, headers={"content-type": "image/png"}))
    with hf.recordings(folder):
        first = client(loopback).image_to_image(tmp_path / "a.png", "bluer")
        second = client(loopback).image_to_image((tmp_path / "b.png").read_bytes(), "bluer")
    assert len(loopback.requests) == 1
    assert first.tobytes() == second.tobytes()
    [image] = (folder / "files").iterdir()
    assert image.suffix == ".png"
    assert image.read_bytes() == data
    [asked] = [path.read_text() for path in files(folder) if path.suffix == ".json"]
    assert "a.png" not in asked
    assert str(tmp_path) not in asked


def test_media_inside_json_are_files_too(loopback: Loopback, folder: Path) -> None:
    noise = os.urandom(400)
    image = Image.frombytes("RGB", (10, 10), noise[:300])
    png = encode_image(image)
    mask = base64.b64encode(png).decode()
    loopback.answer(Answer(json=[{"label": "cat", "score": 1, "mask": mask, "$note": "stays"}]))
    with hf.recordings(folder):
        live = client(loopback).image_segmentation(image)
        again = client(loopback).image_segmentation(image)
    assert live[0].mask.tobytes() == again[0].mask.tobytes()
    assert again[0]["$note"] == "stays"
    [file] = (folder / "files").iterdir()
    assert file.read_bytes() == png


def test_a_stream_is_replayed_as_a_stream(loopback: Loopback, folder: Path) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    loopback.answer(chat_events("Hel", "lo", usage=usage))
    seen = []
    for mode in ("record", "replay"):
        with hf.recordings(folder, mode=mode):
            stream = client(loopback).chat_completion(HELLO, stream=True)
            items = list(stream)
        seen.append((items, stream.result, stream.meta.seconds, stream.meta.summary()))
        assert stream.text == "Hello"
        assert stream.meta.recorded is not None
        assert stream.closed
    assert seen[0] == seen[1]
    assert len(loopback.requests) == 1


def test_both_clients_share_recordings(loopback: Loopback, folder: Path) -> None:
    loopback.answer(chat_events("Hel", "lo"), chat_answer("Hi"))

    async def ask() -> tuple[str, str]:
        async with AsyncInferenceClient(base_url=loopback.url, recordings=folder) as asking:
            stream = await asking.chat_completion(HELLO, stream=True)
            streamed = [c.choices[0].delta.content or "" async for c in stream]
            return "".join(streamed), (await asking.chat_completion(HELLO)).text

    assert asyncio.run(ask()) == ("Hello", "Hi")
    loopback.close()
    assert asyncio.run(ask()) == ("Hello", "Hi")
    replay = InferenceClient(base_url=loopback.url, recordings=hf.recordings(folder, mode="replay"))
    assert replay.chat_completion(HELLO).text == "Hi"
    with replay.chat_completion(HELLO, stream=True) as stream:
        assert next(stream).choices[0].delta.content == "Hel"
    assert stream.text == "Hel"


def test_a_stream_that_was_left_early_is_not_stored(loopback: Loopback, folder: Path) -> None:
    loopback.answer(chat_events("Hel", "lo"))
    with hf.recordings(folder):
        stream = client(loopback).chat_completion(HELLO, stream=True)
        next(stream)
        stream.close()
    assert files(folder) == []


def test_an_error_is_not_stored(loopback: Loopback, folder: Path) -> None:
    answers = [Answer(400, json={"error": "no"}), Answer(json=LABELS)]
    loopback.route("POST", "/", lambda _: answers.pop(0))
    with hf.recordings(folder):
        with pytest.raises(errors.BadRequestError):
            client(loopback).text_classification("Fine!")
        assert files(folder) == []
        assert client(loopback).text_classification("Fine!")[0].label == "GOOD"


def test_a_missing_recording_names_the_request_and_what_to_do(
    loopback: Loopback, folder: Path
) -> None:
    loopback.answer(Answer(json=LABELS))
    with hf.recordings(folder):
        client(loopback).text_classification("Fine!", top_k=1)
    with hf.recordings(folder, mode="replay"), pytest.raises(errors.NotRecordedError) as caught:
        client(loopback).text_classification("Fine!", top_k=5)
    text = str(caught.value)
    assert "text-classification" in text
    assert "Fine!" in text
    assert "top_k (1 there, 5 here)" in text
    assert "mode='auto'" in text
    assert "--hf-record" in text
    with hf.recordings(folder, mode="replay"), pytest.raises(errors.NotRecordedError) as caught:
        InferenceClient(provider="local").text_classification("Fine!", top_k=1)
    assert "provider ('endpoint' there, 'local' here)" in str(caught.value)
    assert len(loopback.requests) == 1


def test_replay_sends_nothing_not_even_look_ups(loopback: Loopback, folder: Path) -> None:
    asking = InferenceClient(
        provider="together", token=TOKEN, hosts={"hub": loopback.url, "router": loopback.url}
    )
    here = InferenceClient(provider="local")
    with hf.recordings(folder, mode="replay"):
        for call in (
            lambda: asking.chat_completion(HELLO, model="org/m"),
            lambda: asking.text_to_image("x", model="org/m"),
            asking.models,
            lambda: client(loopback).post(data=b"x"),
            here.health_check,
            lambda: here.chat_completion(HELLO),
        ):
            with pytest.raises(errors.NotRecordedError):
                call()
    assert loopback.requests == []


def test_record_sends_the_request_again(loopback: Loopback, folder: Path) -> None:
    loopback.answer(chat_answer("one"), chat_answer("two"))
    for expected in ("one", "two"):
        with hf.recordings(folder, mode="record"):
            assert client(loopback).chat_completion(HELLO).text == expected
    with hf.recordings(folder, mode="replay"):
        assert client(loopback).chat_completion(HELLO).text == "two"


def test_a_dry_run_is_not_recorded(loopback: Loopback, folder: Path) -> None:
    with hf.recordings(folder, mode="replay"):
        shown = client(loopback).explain("text_classification", text="Fine!")
    assert "Fine!" in shown.body
    assert loopback.requests == []


def test_on_applies_until_off_and_blocks_take_precedence(loopback: Loopback, folder: Path) -> None:
    loopback.route("POST", "/", Answer(json=LABELS))
    hf.recordings.on(folder / "on")
    assert hf.recordings.mode == "auto"
    assert hf.recordings.path == folder / "on"
    client(loopback).text_classification("a")
    with hf.recordings(folder / "block"):
        client(loopback).text_classification("b")
    client(loopback).text_classification("c")
    hf.recordings.off()
    client(loopback).text_classification("d")
    assert hf.recordings.mode is None
    assert [row.inputs for row in hf.recordings.list(folder / "block")] == ['"b"']
    assert {row.inputs for row in hf.recordings.list(folder / "on")} == {'"a"', '"c"'}


def test_a_block_applies_to_other_threads(loopback: Loopback, folder: Path) -> None:
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            client(loopback).text_classification("Fine!")
        except errors.NotRecordedError as error:
            caught.append(error)

    with hf.recordings(folder, mode="replay"):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert len(caught) == 1
    assert loopback.requests == []


def test_clear_deletes_recordings_and_nothing_else(loopback: Loopback, folder: Path) -> None:
    loopback.route("POST", "/", Answer(json=LABELS))
    with hf.recordings(folder):
        client(loopback).text_classification("a")
        client(loopback).text_classification("b")
    (folder / "text-classification" / "notes.json").write_text("{}")
    (folder / "README.md").write_text("mine")
    assert hf.recordings.clear(folder) == 2
    assert [p.name for p in files(folder)] == ["README.md", "notes.json"]


def test_the_default_folder_is_next_to_the_notebook(
    loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    loopback.answer(Answer(json=LABELS))
    hf.recordings.on()
    client(loopback).text_classification("a")
    assert len(files(tmp_path / ".hfwidgets" / "recordings")) == 1
    assert repr(hf.recordings) == "<recordings: auto, .hfwidgets/recordings>"


def test_the_environment_sets_the_mode(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HFWIDGETS_RECORDINGS", "replay")
    assert hf.recordings(folder).mode == "replay"
    assert hf.recordings(folder, mode="auto").mode == "auto"
    monkeypatch.setenv("HFWIDGETS_RECORDINGS", "reply")
    with pytest.raises(errors.ConfigurationError, match="Did you mean 'replay'"):
        hf.recordings(folder)


def test_a_recording_with_marks_of_a_merge_is_reported(loopback: Loopback, folder: Path) -> None:
    loopback.answer(Answer(json=LABELS))
    with hf.recordings(folder):
        client(loopback).text_classification("a")
        path = files(folder)[0]
        path.write_text("<<<<<<< HEAD\n" + path.read_text())
        with pytest.raises(errors.OutputError, match="merge"):
            client(loopback).text_classification("a")


def test_a_recording_that_cannot_be_read_is_listed_as_such(
    loopback: Loopback, folder: Path
) -> None:
    loopback.answer(Answer(json=LABELS))
    with hf.recordings(folder):
        client(loopback).text_classification("a")
    [path] = folder.glob("*/*.json")
    broken = path.with_name(f"{'a' * 32}.json")
    broken.write_text(f"<<<<<<< ours\n{path.read_text()}")
    unread, whole = hf.recordings.list(folder)
    assert "merge" in unread.inputs
    assert unread.file == f"text-classification/{broken.name}"
    assert whole.inputs == '"a"'
    assert hf.recordings.clear(folder) == 2


@pytest.mark.parametrize("style", ["merge", "diff3"])
def test_what_two_branches_recorded_is_replayed_after_their_merge(
    loopback: Loopback, tmp_path: Path, style: str
) -> None:
    def git(*words: str, check: bool = True) -> None:
        own = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", f"merge.conflictStyle={style}")
        subprocess.run(["git", *own, *words], cwd=tmp_path, check=check, capture_output=True)

    def record(score: float, *texts: str) -> None:
        answer = Answer(json=[{"label": "GOOD", "score": score}])
        loopback.route("POST", "/", lambda _: answer)
        with hf.recordings(tmp_path / "recordings"):
            for text in texts:
                client(loopback).text_classification(text)
        git("add", ".")
        git("commit", "-m", str(score))

    git("init", "-b", "main")
    record(0.1, "base")
    git("switch", "-c", "other")
    record(0.2, "theirs", "both")
    git("switch", "main")
    record(0.3, "ours", "both")
    git("merge", "other", check=False)
    [merged] = [path for path in files(tmp_path / "recordings") if "<<<<<<<" in path.read_text()]
    assert ">>>>>>> other" in merged.read_text()
    with hf.recordings(tmp_path / "recordings", mode="replay"):
        answered = [
            client(loopback).text_classification(text)[0].score
            for text in ("base", "theirs", "ours", "both")
        ]
    assert answered == [0.1, 0.2, 0.3, 0.3]
    assert len(hf.recordings.list(tmp_path / "recordings")) == 4


def test_a_foreign_recording_cannot_reach_other_files(loopback: Loopback, folder: Path) -> None:
    loopback.answer(Answer(json=LABELS))
    with hf.recordings(folder):
        client(loopback).text_classification("a")
        path = files(folder)[0]
        found = json.loads(path.read_text())
        found["answer"] = [{"label": {"$file": "../../secret.png"}, "score": 1}]
        path.write_text(json.dumps(found))
        with pytest.raises(errors.OutputError, match="not the name of a file"):
            client(loopback).text_classification("a")


def test_many_threads_write_equal_and_different_answers(loopback: Loopback, folder: Path) -> None:
    def answer(seen: Seen) -> Answer:
        return Answer(json=[{"label": seen.json()["inputs"], "score": 1}])

    loopback.route("POST", "/", answer)

    def work() -> None:
        asking = client(loopback, recordings=hf.recordings(folder, mode="record"))
        for number in range(10):
            asking.text_classification(str(number))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(files(folder)) == 10
    with hf.recordings(folder, mode="replay"):
        for number in range(10):
            [found] = client(loopback).text_classification(str(number))
            assert found.label == str(number)
