"""Files on the wire: raw or as base64 in JSON, in pieces, with a length, under both clients."""

import base64
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython import display

from hfwidgets import InferenceClient, errors
from tests.plugins.loopback import Answer, Loopback, Seen, chat_answer
from tests.plugins.sample_media import encode_image, make_image, make_noise_png, make_wav

Call = Callable[..., Any]
LABELS = Answer(json=[{"label": "boat", "score": 0.9}])
LARGE = make_noise_png(500)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "boat.png"
    path.write_bytes(LARGE)
    return path


def test_without_parameters_the_file_is_the_body(
    call: Call, loopback: Loopback, file: Path
) -> None:
    for source, data in ((file, LARGE), (LARGE, LARGE), (encode_image(), encode_image())):
        loopback.answer(LABELS)
        call("image_classification", source)
        seen = loopback.requests[-1]
        assert seen.body == data
        assert seen.headers["content-type"] == "image/png"
        assert seen.headers["content-length"] == str(len(data))


def test_with_a_parameter_the_body_is_json(call: Call, loopback: Loopback, file: Path) -> None:
    for source, data in ((file, LARGE), (encode_image(), encode_image())):
        loopback.answer(LABELS)
        call("image_classification", source, top_k=3)
        seen = loopback.requests[-1]
        body = seen.json()
        assert list(body) == ["inputs", "parameters"]
        assert base64.b64decode(body["inputs"]) == data
        assert body["parameters"] == {"top_k": 3}
        assert seen.headers["content-type"] == "application/json"
        assert seen.headers["content-length"] == str(len(seen.body))


def test_the_type_is_sniffed_for_nameless_bytes(call: Call, loopback: Loopback) -> None:
    for data, mime in ((make_wav(0.1), "audio/wav"), (b"fLaC" + b"\1" * 90, "audio/flac")):
        loopback.answer(LABELS)
        call("audio_classification", data)
        assert loopback.requests[-1].headers["content-type"] == mime


def test_headers_of_the_caller_have_priority(loopback: Loopback) -> None:
    loopback.answer(LABELS, Answer(body=encode_image()))
    headers = {"Content-Type": "image/x-image", "Accept": "image/jpeg"}
    with InferenceClient(base_url=loopback.url, headers=headers) as client:
        client.image_classification(encode_image())
        client.text_to_image("a boat")
    assert loopback.requests[0].headers["content-type"] == "image/x-image"
    assert loopback.requests[1].headers["accept"] == "image/jpeg"


def test_a_streamed_body_is_sent_again_on_a_retry(
    call: Call, loopback: Loopback, file: Path
) -> None:
    loading = Answer(503, json={"error": "loading", "estimated_time": 0.01})
    loopback.answer(loading, LABELS, loading, LABELS)
    call("image_classification", file)
    call("image_classification", file, top_k=1)
    assert [seen.body for seen in loopback.requests[:2]] == [LARGE, LARGE]
    assert loopback.requests[2].body == loopback.requests[3].body


def test_a_redirect_keeps_the_file(call: Call, loopback: Loopback, file: Path) -> None:
    loopback.answer(Answer(307, headers={"location": "/moved"}), LABELS)
    call("image_classification", file)
    assert [seen.path for seen in loopback.requests] == ["/", "/moved"]
    assert loopback.requests[1].body == LARGE


def test_a_url_is_fetched_without_credentials(loopback: Loopback) -> None:
    loopback.route(
        "GET", "/boat", Answer(body=encode_image(), headers={"content-type": "text/html"})
    )
    loopback.answer(LABELS)
    with InferenceClient(base_url=loopback.url, token="hf_secret_of_the_test") as client:
        found = client.image_classification(f"{loopback.url}/boat")
    fetch, post = loopback.requests
    assert "authorization" not in fetch.headers
    assert post.headers["authorization"] == "Bearer hf_secret_of_the_test"
    assert (post.body, post.headers["content-type"]) == (encode_image(), "image/png")
    assert found[0].label == "boat"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(404, body=b"<html>not here</html>"), "answered 404"),
        (Answer(body=b"<html>sign in</html>"), "HTML page"),
        (Answer(body=b""), "empty"),
    ],
)
def test_a_page_is_never_sent_as_an_image(
    call: Call, loopback: Loopback, answer: Answer, words: str
) -> None:
    loopback.route("GET", "/boat", answer)
    with pytest.raises(errors.InputError, match=words):
        call("object_detection", f"{loopback.url}/boat")
    assert {seen.method for seen in loopback.requests} == {"GET"}


@pytest.mark.parametrize("source", ["/nowhere.png", b"", b"words", LARGE[:5000], 7])
def test_nothing_is_sent_for_a_bad_input(call: Call, loopback: Loopback, source: Any) -> None:
    with pytest.raises(errors.InputError):
        call("visual_question_answering", source, "What is it?")
    assert loopback.requests == []


def test_the_meta_of_a_result_describe_the_call_not_a_fetch(call: Call, loopback: Loopback) -> None:
    loopback.route("GET", "/boat", Answer(body=encode_image(), headers={"x-request-id": "fetch"}))
    loopback.answer(Answer(json=LABELS.json, headers={"x-request-id": "call"}))
    found = call("image_classification", f"{loopback.url}/boat")
    assert found.meta.request_id == "call"


def test_a_dry_run_describes_files_and_sends_nothing(loopback: Loopback, file: Path) -> None:
    with InferenceClient(base_url=loopback.url) as client:
        raw = client.explain("image-classification", image=file)
        wrapped = client.explain("image-classification", image=file, top_k=2)
    assert (raw.size, raw.body) == (len(LARGE), f"<{len(LARGE):,} bytes of image/png>")
    assert "as base64" in wrapped.body
    assert '"top_k":2' in wrapped.body
    assert loopback.requests == []


MESSAGES: list[tuple[Any, str]] = [
    ({"type": "image_url", "image_url": {"url": encode_image()}}, "image_url"),
    ({"type": "image", "image": make_image()}, "image_url"),
    (make_image(), "image_url"),
    (encode_image(), "image_url"),
    ({"type": "input_audio", "input_audio": {"data": make_wav(0.1)}}, "input_audio"),
    ({"type": "audio", "audio": ([0.0] * 100, 8000)}, "input_audio"),
    (make_wav(0.1), "input_audio"),
    ((np.zeros(100), np.int64(8000)), "input_audio"),
    ({"array": np.zeros(100), "sampling_rate": 8000, "path": None}, "input_audio"),
    ({"bytes": make_wav(0.1), "path": None}, "input_audio"),
    ({"bytes": encode_image(), "path": "a.png"}, "image_url"),
    ({"name": "a", "type": "image/png", "size": 9, "content": encode_image()}, "image_url"),
    (display.Image(data=encode_image()), "image_url"),
]


@pytest.mark.parametrize(("part", "kind"), MESSAGES)
def test_images_and_audio_in_messages(call: Call, loopback: Loopback, part: Any, kind: str) -> None:
    loopback.answer(chat_answer("a boat"))
    call("chat_completion", [{"role": "user", "content": ["What is it?", part]}])
    text, sent = loopback.requests[0].json()["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is it?"}
    assert sent["type"] == kind
    if kind == "image_url":
        assert sent["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    else:
        assert sent["input_audio"]["format"] == "wav"
        assert base64.b64decode(sent["input_audio"]["data"]).startswith(b"RIFF")


@pytest.mark.parametrize("rate", [8000, np.int64(8000)])
def test_samples_and_rate_may_be_a_whole_content(call: Call, loopback: Loopback, rate: Any) -> None:
    loopback.answer(chat_answer("a tone"))
    call("chat_completion", [{"role": "user", "content": (np.zeros(100), rate)}])
    (part,) = loopback.requests[0].json()["messages"][0]["content"]
    assert part["type"] == "input_audio"


def test_an_upload_may_be_a_whole_content(call: Call, loopback: Loopback) -> None:
    upload = {"name": "a", "type": "image/png", "size": 9, "content": encode_image()}
    loopback.answer(chat_answer("a boat"))
    call("chat_completion", [{"role": "user", "content": (upload,)}])
    (part,) = loopback.requests[0].json()["messages"][0]["content"]
    assert part["type"] == "image_url"


@pytest.mark.parametrize("part", [7, 0.5, object(), {1, 2}])
def test_what_cannot_be_a_part_is_refused_by_its_name(
    call: Call, loopback: Loopback, part: Any
) -> None:
    with pytest.raises(errors.InputError, match=f"from {type(part).__name__}"):
        call("chat_completion", [{"role": "user", "content": ["What?", part]}])
    assert loopback.requests == []


def test_a_path_in_a_message_keeps_its_detail(call: Call, loopback: Loopback, file: Path) -> None:
    loopback.answer(chat_answer("a boat"))
    part = {"type": "image_url", "image_url": {"url": str(file), "detail": "low"}}
    call("chat_completion", [{"role": "user", "content": [part]}])
    sent = loopback.requests[0].json()["messages"][0]["content"][0]["image_url"]
    assert sent["detail"] == "low"
    assert base64.b64decode(sent["url"].partition(",")[2]) == LARGE


def test_parts_in_wire_form_pass_unchanged(call: Call, loopback: Loopback) -> None:
    content = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "https://example.org/boat.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        {"type": "custom", "custom": {"a": 1}},
    ]
    loopback.answer(chat_answer("a boat"))
    call("chat_completion", [{"role": "user", "content": content}])
    assert loopback.requests[0].json()["messages"][0]["content"] == content
    assert len(loopback.requests) == 1


def test_a_missing_image_in_a_message_is_found_before_sending(
    call: Call, loopback: Loopback
) -> None:
    part = {"type": "image_url", "image_url": {"url": "/nowhere/boat.png"}}
    with pytest.raises(FileNotFoundError):
        call("chat_completion", [{"role": "user", "content": [part]}])
    with pytest.raises(errors.InputError, match="holds no image"):
        call("chat_completion", [{"role": "user", "content": [{"type": "image_url"}]}])
    assert loopback.requests == []


MEMORY = """
import asyncio, sys
from pathlib import Path
from hfwidgets import AsyncInferenceClient, InferenceClient

kind, url, small, large, form = sys.argv[1:]

def peak():
    # not ru_maxrss: that begins with the peak of the process this one was started from
    lines = Path("/proc/self/status").read_text().splitlines()
    found = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    return found

def source(path):
    return open(path, "rb").read() if form == "bytes" else path

async def awaited(*images):
    async with AsyncInferenceClient(base_url=url) as client:
        for at, image in enumerate(images):
            await client.image_classification(image, top_k=5)
            marks.append(peak())

def blocking(*images):
    with InferenceClient(base_url=url) as client:
        for image in images:
            client.image_classification(image, top_k=5)
            marks.append(peak())

marks = []
inputs = [source(small), source(small), source(large)]
asyncio.run(awaited(*inputs)) if kind == "async" else blocking(*inputs)
print((marks[2] - marks[1]) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("form", ["path", "bytes"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_ten_megabytes_as_json_take_less_than_five_more(
    loopback: Loopback, tmp_path: Path, kind: str, form: str
) -> None:
    (tmp_path / "small").write_bytes(LARGE)
    (tmp_path / "large").write_bytes(make_noise_png(1850))
    sizes: list[int] = []

    def count_bytes(seen: Seen) -> Answer:
        sizes.append(len(seen.body))
        return LABELS

    loopback.route("POST", "/", count_bytes)
    paths = [str(tmp_path / "small"), str(tmp_path / "large")]
    command = [sys.executable, "-c", MEMORY, kind, loopback.url, *paths, form]
    root = Path(__file__).parents[2]
    process = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert process.returncode == 0, process.stderr
    assert sizes[2] > 13_000_000
    assert float(process.stdout) <= 5.0
