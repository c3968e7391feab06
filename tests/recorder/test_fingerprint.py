"""A request's fingerprint: golden hashes, what distinguishes requests, what a file may show.

Recordings are committed next to notebooks. A golden value that changes here makes every recording
that people have unfindable.
"""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import hfwidgets as hf
from hfwidgets import InferenceClient, errors
from hfwidgets.calls.settings import Settings
from hfwidgets.core.auth import Token
from hfwidgets.core.flow import Infer
from hfwidgets.media import InlineDataUrl, Media
from hfwidgets.recorder.fingerprint import (
    RequestFingerprint,
    bare_url,
    build_fingerprint,
    hash_plain,
    to_plain,
)
from tests.plugins.internet import Internet
from tests.plugins.loopback import Answer, Loopback, chat_answer
from tests.recorder import golden
from tests.recorder.golden import PNG

PNG_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
PNG_DIGEST = {
    "sha256": "b1ff9c8ea3a780bad09b346c423d2d0e46815926879b18e841d928376a946640",
    "size": 69,
    "type": "image/png",
}


def fingerprint(inputs: Any, settings: Settings | None = None, **more: Any) -> RequestFingerprint:
    return build_fingerprint(Infer(inputs, **{"task": "fill-mask", **more}), settings or Settings())


GOLDEN: dict[str, tuple[Callable[[], RequestFingerprint], str]] = {
    "text": (
        lambda: fingerprint("Fine!"),
        "eb146d8d982d568f5f67515c4b170901",
    ),
    "model": (
        lambda: fingerprint("Fine!", model="org/m"),
        "156001849b97de7bf165bd99c26492c8",
    ),
    "client's model": (
        lambda: fingerprint("Fine!", Settings(model="org/m")),
        "156001849b97de7bf165bd99c26492c8",
    ),
    "provider": (
        lambda: fingerprint("Fine!", Settings(provider="together")),
        "a7768b85bbf272e9265a072a00a308e5",
    ),
    "parameters": (
        lambda: fingerprint("Fine!", options={"top_k": 2, "x": None}),
        "32d66a5bd4b88437123abc6f7b6c0d07",
    ),
    "stream": (
        lambda: fingerprint("Fine!", stream=True),
        "8f868a000092d9753278c6672f101662",
    ),
    "task": (
        lambda: fingerprint("Fine!", task="summarization"),
        "4f769a567d4e43c759fd2b9fbcd331f9",
    ),
    "URL": (
        lambda: fingerprint("Fine!", model="https://host/path"),
        "7812c17bc4b27fcbf5284f7615f239f4",
    ),
    "client's URL": (
        lambda: fingerprint("Fine!", Settings(model="https://host/path")),
        "7812c17bc4b27fcbf5284f7615f239f4",
    ),
    "image": (
        lambda: fingerprint(PNG),
        "1ca42023d60e725869ff6530cf68ab20",
    ),
    "messages": (
        lambda: fingerprint([{"role": "user", "content": [{"type": "text", "text": "ü"}]}]),
        "6f714ffc5972b5491568ff4b0db7c5c0",
    ),
}


@pytest.mark.parametrize(("build", "key"), GOLDEN.values(), ids=GOLDEN)
def test_golden_hashes(build: Callable[[], RequestFingerprint], key: str) -> None:
    assert build().key == key


@pytest.mark.parametrize("name", golden.CALLS)
def test_committed_recordings_are_replayed(name: str) -> None:
    call = golden.CALLS[name]
    client = InferenceClient(
        golden.URL, recordings=hf.recordings(golden.FOLDER, mode="replay"), max_retries=0
    )
    result = golden.read(call(client))
    expected = {
        "text": [{"label": "Fine! 模型", "score": 0.25}],
        "other text": [{"label": "Bad.", "score": 0.25}],
        "image": b"\xff\0\0",
    }
    if name == "chat":
        assert result.text == "Hi!"
    elif name == "stream":
        assert [chunk.choices[0].delta.content for chunk in result] == ["Hi", "!"]
    else:
        assert result == expected[name]


def test_a_recording_is_written_as_the_committed_one(tmp_path: Path) -> None:
    for call in golden.CALLS.values():
        golden.read(call(golden.make_client(tmp_path, "record")))
    written, committed = read_folder(tmp_path), read_folder(golden.FOLDER)
    assert list(written) == list(committed)
    assert written == committed


def read_folder(folder: Path) -> dict[str, Any]:
    """Return the files by their names; times, which differ, are left out of the text."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".json":
            text = re.sub(r'"served": \{[^}]*\}', '"served": {}', path.read_text("utf-8"))
            found[str(path.relative_to(folder))] = re.sub(r'"recorded": "20[^"]*"', "", text)
        elif path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "b"),
        (1, 1.5),
        (b"a", b"b"),
        (PNG, PNG + b"\0"),
        (
            Image.new("RGB", (2, 1), "red").tobytes(),
            Image.new("RGB", (1, 2), "red").tobytes() + b"x",
        ),
        (Media(None, url="https://host/a.png"), Media(None, url="https://host/b.png")),
        (Media(None, url="https://host/a?id=1"), Media(None, url="https://host/a?id=2")),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        ([1, 2], [2, 1]),
        ([PNG], [PNG, PNG]),
        (None, "None"),
        (PNG_URL, PNG_URL.replace("image/png;base64", "image/png,base64")),
    ],
)
def test_different_inputs_are_different_requests(one: Any, other: Any) -> None:
    assert fingerprint(one).key != fingerprint(other).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (PNG, bytearray(PNG)),
        (PNG, memoryview(PNG)),
        (PNG, PNG_URL),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([1, 2], (1, 2)),
        (2, np.int64(2)),
        ({1: "a"}, {"1": "a"}),
    ],
)
def test_equal_inputs_are_one_request(one: Any, other: Any) -> None:
    assert fingerprint(one).key == fingerprint(other).key


def test_different_images_are_different_requests(loopback: Loopback, tmp_path: Path) -> None:
    """As paths, bytes and Pillow images; a copy of a file is the same request."""
    loopback.route("POST", "/", Answer(json=[{"label": "A", "score": 1.0}]))
    client = InferenceClient(loopback.url, recordings=tmp_path / "recordings")
    for name, color in (("red", "red"), ("copy", "red"), ("blue", "blue")):
        Image.new("RGB", (3, 3), color).save(tmp_path / f"{name}.png")
    for name in ("red", "copy", "blue", "red", "blue"):
        client.image_classification(tmp_path / f"{name}.png")
        client.image_classification((tmp_path / f"{name}.png").read_bytes())
    assert len(loopback.requests) == 2


def test_plain_forms() -> None:
    inline = InlineDataUrl(Media(None, url="https://host/a?sig=b"), "data:image/png;base64,")
    assert to_plain(PNG) == to_plain(PNG_URL) == PNG_DIGEST
    assert to_plain(b"text") == {
        "sha256": "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1",
        "size": 4,
        "type": "text/plain",
    }
    assert to_plain(b"\x00\x01")["type"] is None
    assert to_plain(inline) == "https://host/a?sig=b"
    assert to_plain(inline, bare_urls=True) == "https://host/a"
    assert to_plain({"a": (inline,)}, bare_urls=True) == {"a": ["https://host/a"]}
    assert to_plain("data:broken") == "data:broken"
    assert to_plain(np.float32(0.5)) == 0.5
    assert type(to_plain(np.float32(0.5))) is float
    array = np.zeros(3)
    assert to_plain(array) is array
    assert to_plain(Number()) == 2.5


class Number:
    """A number of a library without dimensions."""

    def item(self) -> float:
        return 2.5


def test_the_type_is_that_of_the_first_bytes() -> None:
    """What follows them cannot change a hash, so that a file is not read for its type."""
    data = b"a" * 4096 + b"\0"
    url = f"data:text/plain;base64,{base64.b64encode(data).decode()}"
    for value in (data, bytearray(data), memoryview(data), url):
        assert to_plain(value)["type"] == "text/plain"
        assert to_plain(value)["size"] == 4097
    assert to_plain(b"a" * 4095 + b"\0")["type"] is None


@pytest.mark.parametrize("value", [{1, 2}, np.zeros(2), object(), {"a": b"x" and 1j}])
def test_what_json_cannot_hold_is_an_input_error(value: Any) -> None:
    with pytest.raises(errors.InputError, match="cannot be written as JSON"):
        fingerprint(value)


def test_a_value_that_contains_itself_is_an_input_error() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises((errors.InputError, RecursionError)):
        hash_plain(value)


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://user:secret@host:8080/a/b?key=c#d", "https://host:8080/a/b"),
        ("https://user@host", "https://host"),
        ("http://host/a%20b", "http://host/a%20b"),
        ("", ""),
    ],
)
def test_a_bare_url(url: str, bare: str) -> None:
    assert bare_url(url) == bare


def test_the_description_has_what_a_reader_needs() -> None:
    settings = Settings(model="https://user:secret@host/path?key=c", provider=None)
    found = fingerprint({"image": PNG}, settings, options={"top_k": 1, "x": None}, stream=True)
    assert found.task == "fill-mask"
    assert found.description == {
        "task": "fill-mask",
        "model": None,
        "provider": "endpoint",
        "endpoint": "https://host/path",
        "stream": True,
        "inputs": {"image": PNG_DIGEST},
        "parameters": {"top_k": 1},
    }
    assert fingerprint("x", Settings(model="org/m")).description["model"] == "org/m"
    assert fingerprint("x", Settings(model="org/m"), model="org/n").description["model"] == "org/n"


SIGNED = "https://bucket.example/a.png?X-Amz-Signature=abcdef0123&X-Amz-Credential=me&other=1"


def test_no_secret_of_a_signed_url_is_in_a_recording(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/v1/chat/completions", chat_answer("Hi"))
    client = InferenceClient(loopback.url, recordings=tmp_path)
    part = {"type": "image_url", "image_url": {"url": SIGNED}}
    client.chat_completion([{"role": "user", "content": [part]}])
    [text] = [path.read_text() for path in tmp_path.rglob("*.json")]
    assert "bucket.example/a.png" in text
    assert "abcdef0123" not in text
    assert "Credential=me" not in text


@pytest.mark.parametrize(
    "make",
    [
        lambda media: fingerprint(media),
        lambda media: fingerprint({"image": [media]}),
        lambda media: fingerprint("x", options={"mask_image": (media,)}),
    ],
)
def test_media_at_a_signed_url_lose_the_whole_query(
    make: Callable[[Media], RequestFingerprint],
) -> None:
    found = make(Media(None, url=SIGNED))
    other = make(Media(None, url=SIGNED.replace("other=1", "other=2")))
    text = json.dumps(found.description)
    assert "https://bucket.example/a.png" in text
    assert "?" not in text
    assert found.key != other.key


@pytest.mark.parametrize("name", ["X-API-KEY", "x-api-key", "X-Api-Key", "AUTHORIZATION", "Cookie"])
def test_no_secret_header_is_in_a_recording(loopback: Loopback, tmp_path: Path, name: str) -> None:
    value = "Own opaque-header-value" if name == "AUTHORIZATION" else "opaque-header-value"
    loopback.route("POST", "/", Answer(json=[{"label": "opaque-header-value", "score": 1.0}]))
    client = InferenceClient(loopback.url, headers={name: value}, recordings=tmp_path)
    client.text_classification("Is opaque-header-value a secret?")
    [text] = [path.read_text() for path in tmp_path.rglob("*.json")]
    assert "opaque-header-value" not in text
    assert "Is … a secret?" in text


def test_no_secret_of_a_single_call_is_in_a_recording(internet: Internet, tmp_path: Path) -> None:
    host = "abc.endpoints.huggingface.cloud"
    internet.post(f"{host}/v1/chat/completions", chat_answer("opaque-query, I see."))
    InferenceClient(recordings=tmp_path).chat_completion(
        [{"role": "user", "content": "Are opaque-header and opaque-query secrets?"}],
        model=f"https://{host}?api_key=opaque-query",
        extra_headers={"X-Api-Key": "opaque-header"},
    )
    [text] = [path.read_text() for path in tmp_path.rglob("*.json")]
    assert "Are … and … secrets?" in text
    assert "opaque" not in text


def test_the_machine_s_token_of_no_known_form_is_masked(
    loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "a-token-that-no-pattern-knows")
    loopback.route("POST", "/", Answer(json=[{"label": "x", "score": 1.0}]))
    InferenceClient(loopback.url, recordings=tmp_path).text_classification(
        "a-token-that-no-pattern-knows"
    )
    [text] = [path.read_text() for path in tmp_path.rglob("*.json")]
    assert "no-pattern" not in text
    known = Settings(machine_token=Token("another-unknown-token", "a test"))
    assert fingerprint("another-unknown-token", known).description["inputs"] == "…"


def test_secrets_do_not_change_the_hash() -> None:
    """Two people with two tokens share recordings."""
    one = fingerprint("x", Settings(token=Token("hf_one", "a test")))
    other = fingerprint("x", Settings(token=Token("hf_other", "a test"), cookies={"a": "b"}))
    assert one.key == other.key
    assert json.loads(json.dumps(one.description)) == other.description
    with pytest.raises(AttributeError):
        one.key = other.key  # type: ignore[misc]
