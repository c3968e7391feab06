"""Tokens: where they are found, to whom they go, and that they are never shown."""

import asyncio
import copy
import logging
import os
import pickle
import stat
import sys
import traceback
import types
from pathlib import Path
from typing import Any

import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from hfwidgets.core import auth
from hfwidgets.core.flow import Infer, Reply, Send
from hfwidgets.providers import Address
from tests.plugins.internet import Internet
from tests.plugins.loopback import Answer, Loopback, chat_answer, chat_events

HUB_TOKEN = "hf_" + "sentinel" * 4
OWN_KEY = "mykey-" + "sentinel" * 4
HELLO = [{"role": "user", "content": "Hello"}]
LABELS = Answer(json=[{"label": "cat", "score": 0.9}])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set an empty HF_HOME."""
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    return tmp_path


def source() -> str | None:
    token = auth.find_machine_token()
    return token.source if token else None


def test_the_order_in_which_a_token_is_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert source() is None
    (home / "token").write_text("hf_file\n")
    assert source() == "the token file"
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", "hf_old")
    assert source() == "the environment variable HUGGING_FACE_HUB_TOKEN"
    monkeypatch.setenv("HF_TOKEN", "hf_new")
    assert source() == "the environment variable HF_TOKEN"
    assert auth.has_environment_token()
    monkeypatch.setenv("HF_TOKEN", "  ")
    assert source() == "the environment variable HUGGING_FACE_HUB_TOKEN"


def test_blank_variables_hold_no_token(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not auth.has_environment_token()
    monkeypatch.setenv("HF_TOKEN", " \n")
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", "''")
    assert not auth.has_environment_token()
    assert source() is None


def test_line_ends_and_blanks_are_taken_off(home: Path) -> None:
    (home / "token").write_bytes(b" hf_abc\r\n")
    found = auth.find_machine_token()
    assert found is not None
    assert found.value == "hf_abc"
    passed = auth.explicit_token("hf_x\n")
    assert passed is not None
    assert passed.value == "hf_x"
    assert passed.is_explicit
    assert not found.is_explicit
    assert passed.source == "the argument"
    assert auth.explicit_token(" \r\n") is None
    assert auth.explicit_token("") is None
    assert str(passed) == f"{passed}" == "<token from the argument>"
    assert repr(passed) == "Token(source='the argument', is_explicit=True)"


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({"HF_TOKEN_PATH": "$PLACE/mine"}, "mine"),
        ({"HF_HOME": "${PLACE}/h"}, "h/token"),
        ({"XDG_CACHE_HOME": "$PLACE/c"}, "c/huggingface/token"),
    ],
)
def test_where_the_token_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], path: str
) -> None:
    monkeypatch.delenv("HF_HOME", raising=False)
    monkeypatch.setenv("PLACE", str(tmp_path))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert auth.token_path() == tmp_path / path


def test_the_home_folder_is_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert auth.token_path() == Path.home() / ".cache/huggingface/token"


def test_saving_keeps_the_file_for_its_owner(home: Path) -> None:
    path = auth.save_token("hf_abc\n")
    assert path.read_text() == "hf_abc"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert auth.forget_token() is True
    assert auth.forget_token() is False


def test_saving_makes_the_folders_and_narrows_an_older_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home / "new" / "deep" / "token"
    monkeypatch.setenv("HF_TOKEN_PATH", str(path))
    assert auth.save_token(" 'hf_abc' ") == path
    path.write_text("hf_older_and_longer")
    path.chmod(0o644)
    assert auth.save_token("hf_new") == path
    assert path.read_text() == "hf_new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) & 0o700 == 0o700


@pytest.mark.parametrize("value", ["hf_abc", "xyz-own-key"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
        (b"", "utf-16-le"),
    ],
)
def test_a_token_file_in_any_encoding(home: Path, mark: bytes, encoding: str, value: str) -> None:
    for text in (value, f"{value}\r\n", f"\r\n \n{value}\na note\n", f'"{value}"\n'):
        (home / "token").write_bytes(mark + text.encode(encoding))
        found = auth.find_machine_token()
        assert found is not None
        assert (found.value, found.source) == (value, "the token file")
    (home / "token").write_bytes(mark + "\r\n".encode(encoding))
    assert source() is None


def test_a_token_file_that_cannot_be_used(home: Path) -> None:
    (home / "token").write_bytes(b"hf_\xff\xfe")
    with pytest.raises(errors.ConfigurationError, match="is not a text file"):
        source()
    (home / "token").write_text("hf_a b")
    with pytest.raises(errors.ConfigurationError, match="The token from the token file has"):
        source()
    (home / "token").unlink()
    (home / "token").mkdir()
    assert source() is None


def test_a_hub_token_is_known_by_its_beginning() -> None:
    for value, is_hub_token in (("hf_abc", True), ("hfabc", False), ("own-hf_key", False)):
        token = auth.explicit_token(value)
        assert token is not None
        assert token.is_hub_token is is_hub_token
        with pytest.raises(AttributeError):
            token.is_explicit = False  # type: ignore[misc]
        assert auth.Token(value, "a test").is_hub_token is is_hub_token


def test_a_name_and_password_as_a_header() -> None:
    assert auth.basic_auth("ada", "lovelace!") == "Basic YWRhOmxvdmVsYWNlIQ=="
    assert auth.basic_auth("", "") == "Basic Og=="
    assert auth.basic_auth("é", "ü") == "Basic w6k6w7w="


@pytest.mark.parametrize(
    "value", ["é", "a\nb", "a\rb", "a\x00b", "\u200b", "a\tb", b"bytes", 3, None]
)
def test_a_header_s_value_is_printable_ascii_text(value: Any) -> None:
    auth.check_headers({"X-Fine": "", "X-Other": "a b; c=d"})
    with pytest.raises(errors.ConfigurationError, match="header 'X-Odd' cannot be sent"):
        auth.check_headers({"X-Fine": "x", "X-Odd": value})


def test_implicit_tokens_can_be_switched_off(
    home: Path, internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", HUB_TOKEN)
    monkeypatch.setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
    internet.post("router.huggingface.co/hf-inference/models/m", LABELS)
    InferenceClient(provider="hf-inference").text_classification("x", model="m")
    InferenceClient(provider="hf-inference", token=HUB_TOKEN).text_classification("x", model="m")
    posts = [seen.headers.get("authorization") for seen in internet.seen if seen.method == "POST"]
    assert posts == [None, f"Bearer {HUB_TOKEN}"]


def test_a_colab_secret_is_asked_for_in_colab_only(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    userdata = types.ModuleType("google.colab.userdata")

    def get(name: str) -> str:
        asked.append(name)
        return "hf_secret"

    userdata.get = get  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google.colab.userdata", userdata)
    assert source() is None
    assert asked == []
    monkeypatch.setenv("COLAB_RELEASE_TAG", "x")
    assert source() == "the Colab secret HF_TOKEN"
    assert asked == ["HF_TOKEN"]
    userdata.get = lambda name: " hf_secret\n"  # type: ignore[attr-defined]
    found = auth.find_machine_token()
    assert found is not None
    assert found.value == "hf_secret"
    userdata.get = lambda name: None  # type: ignore[attr-defined]
    assert source() is None
    userdata.get = lambda name: (_ for _ in ()).throw(RuntimeError("no access"))  # type: ignore[attr-defined]
    assert source() is None


@pytest.mark.parametrize("wrong", [3, b"hf_x"])
def test_a_token_is_a_text(wrong: Any) -> None:
    with pytest.raises(TypeError, match="must be a string or None"):
        InferenceClient(token=wrong)


@pytest.mark.parametrize("broken", ["hf_se cret", "hf_sécret", "hf_se\x00cret", "hf_\u200bsecret"])
def test_a_token_with_impossible_characters_is_refused_unseen(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(errors.ConfigurationError, match="Copy it again") as caught:
        InferenceClient(token=broken)
    assert "cret" not in str(caught.value)
    if "\x00" not in broken:
        monkeypatch.setenv("HF_TOKEN", broken)
        with pytest.raises(errors.ConfigurationError, match="HF_TOKEN"):
            auth.find_machine_token()


def test_a_header_that_cannot_be_sent_is_refused_unseen() -> None:
    with pytest.raises(errors.ConfigurationError, match="'X-Mine'") as caught:
        InferenceClient(headers={"X-Mine": "se\ncret"})
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("https://huggingface.co/api", True),
        ("https://router.huggingface.co/v1", True),
        ("https://hf.co/x", True),
        ("https://me-app.hf.space/", True),
        ("https://x.us-east-1.aws.endpoints.huggingface.cloud", True),
        ("https://HuggingFace.co./x", True),
        ("http://huggingface.co", False),
        ("https://huggingface.co.evil.example", False),
        ("https://evilhuggingface.co", False),
        ("https://huggingface.co@evil.example/", False),
        ("https://evil.example/huggingface.co", False),
        ("https://evil.example#huggingface.co", False),
        ("https://hf.space", False),
        ("https://huggingface.cloud", False),
        ("http://127.0.0.1:8000", False),
    ],
)
def test_the_hosts_that_a_found_token_may_go_to(url: str, trusted: bool) -> None:
    assert auth.is_trusted_url(url) is trusted


def test_the_environment_may_name_another_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.local:8080/")
    assert auth.is_trusted_url("http://hub.local:8080/api")
    assert not auth.is_trusted_url("http://hub.local:9090/api")


def test_a_found_token_does_not_go_to_just_any_host(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", HUB_TOKEN)
    loopback.answer(LABELS, LABELS, LABELS)
    InferenceClient(loopback.url).text_classification("x")
    hosts = {"hf-inference": loopback.url, "hub": loopback.url}
    InferenceClient(provider="hf-inference", hosts=hosts).text_classification("x", model="m")
    assert loopback.requests
    assert all("authorization" not in seen.headers for seen in loopback.requests)


def test_a_given_token_goes_where_the_caller_says(loopback: Loopback) -> None:
    loopback.answer(LABELS)
    InferenceClient(loopback.url, token=HUB_TOKEN).text_classification("x")
    assert loopback.requests[0].headers["authorization"] == f"Bearer {HUB_TOKEN}"


def test_a_name_and_password_in_a_url(loopback: Loopback) -> None:
    loopback.answer(LABELS, Answer(404, json={"error": "no"}))
    url = loopback.url.replace("http://", "http://ada:lovelace%21@")
    client = InferenceClient(url)
    client.text_classification("x")
    assert loopback.requests[0].headers["authorization"] == auth.basic_auth("ada", "lovelace!")
    assert "lovelace" not in repr(client)
    with pytest.raises(errors.NotFoundError) as caught:
        client.text_classification("x")
    assert "lovelace" not in str(caught.value)
    assert "lovelace" not in repr(client.explain("text_classification", text="x"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_carries_no_token(internet: Internet, status: int) -> None:
    away = Answer(status, headers={"location": "https://elsewhere.example/x"})
    internet.get("first.example/info", away)
    internet.get("elsewhere.example/x", Answer(json={"model_id": "m"}))
    client = InferenceClient(
        "https://first.example", token=OWN_KEY, headers={"x-api-key": "k" * 9}, cookies={"c": "v"}
    )
    client.get_endpoint_info()
    first, second = internet.seen
    assert first.headers["authorization"] == f"Bearer {OWN_KEY}"
    assert first.headers["cookie"] == "c=v"
    assert {"authorization", "x-api-key", "cookie"}.isdisjoint(second.headers)


def test_a_post_is_not_redirected_to_another_host(internet: Internet) -> None:
    away = Answer(307, headers={"location": "https://elsewhere.example/x"})
    internet.post("first.example", away)
    internet.post("first.example/", away)
    with pytest.raises(errors.ConnectError, match=r"elsewhere\.example; it was not sent there"):
        InferenceClient("https://first.example", token=OWN_KEY).text_classification("x")
    assert len(internet.seen) == 1


def test_a_redirect_on_the_same_host_keeps_the_token(internet: Internet) -> None:
    base = "router.huggingface.co/hf-inference/models"
    moved = Answer(307, headers={"location": "/hf-inference/models/google-bert/bert"})
    internet.post(f"{base}/bert", moved)
    internet.post(f"{base}/google-bert/bert", Answer(json=[]))
    InferenceClient(token=HUB_TOKEN).post(json={"inputs": "x"}, model="bert")
    assert [seen.headers["authorization"] for seen in internet.seen] == [f"Bearer {HUB_TOKEN}"] * 2
    assert internet.seen[1].json() == {"inputs": "x"}


def test_a_redirect_from_http_to_https_on_the_same_host_is_followed(internet: Internet) -> None:
    answers = [Answer(308, headers={"location": "https://first.example/x"}), LABELS]
    internet.post("first.example/x", lambda _: answers.pop(0))
    labels = InferenceClient("http://first.example/x", token=OWN_KEY).text_classification("x")
    assert labels[0].label == "cat"
    assert internet.seen[1].headers["authorization"] == f"Bearer {OWN_KEY}"


def test_offline_the_hub_is_not_called_but_others_are(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(errors.OfflineModeIsEnabled, match="provider='local'") as caught:
        InferenceClient(token=HUB_TOKEN).chat_completion(HELLO, model="org/m")
    assert isinstance(caught.value, ConnectionError)
    loopback.answer(LABELS)
    assert InferenceClient(loopback.url).text_classification("x")[0].label == "cat"
    with pytest.raises(errors.OfflineModeIsEnabled):
        InferenceClient(token=HUB_TOKEN, hosts={"router": loopback.url}).post(
            json={}, task="fill-mask"
        )


def everything_public(loopback: Loopback, client: InferenceClient) -> dict[str, Any]:
    """Return what a user may look at, by name."""
    loopback.answer(chat_answer("Hi"), chat_events("Hi"), LABELS, Answer(json={"a": 1}))
    whole = client.chat_completion(HELLO)
    stream = client.chat_completion(HELLO, stream=True)
    chunks = list(stream)
    return {
        "client": client, "settings": client._caller.settings, "driver": client._caller.driver,
        "whole": whole, "meta": whole.meta, "stream": stream, "chunks": chunks,
        "result": stream.result, "labels": client.text_classification("x"),
        "posted": client.post(json={}), "explained": client.explain("chat_completion",
                                                                    messages=HELLO),
        "method": client.chat_completion, "namespace": client.chat,
        "token": client._caller.settings.token, "addresses": client._caller.settings.addresses,
        "send": Send("GET", "/"), "infer": Infer("x"), "reply": Reply(200),
    }  # fmt: skip


@pytest.mark.parametrize("token", [HUB_TOKEN, OWN_KEY])
def test_no_public_object_shows_a_token(loopback: Loopback, token: str) -> None:
    secrets = {"token": token, "header": "header-" + "sentinel" * 3, "cookie": "sentinel-c" * 3}
    client = InferenceClient(
        loopback.url,
        token=token,
        headers={"x-service-secret": secrets["header"]},
        cookies={"session": secrets["cookie"]},
    )
    for name, thing in everything_public(loopback, client).items():
        shown = [
            repr(thing),
            str(thing),
            f"{thing}",
            repr(vars(thing) if hasattr(thing, "__dict__") else ""),
        ]
        if hasattr(thing, "_repr_mimebundle_"):
            shown.append(repr(thing._repr_mimebundle_()))
        for secret in secrets.values():
            assert not any(secret in text for text in shown), f"{name} shows a secret"
    assert loopback.requests[0].headers["x-service-secret"] == secrets["header"]


ANSWERS = [
    Answer(401, json={"error": f"Invalid token {HUB_TOKEN} or {OWN_KEY}"}),
    Answer(403, body=f"Bearer {OWN_KEY} may not {HUB_TOKEN}".encode()),
    Answer(500, json={"error": {"message": OWN_KEY + HUB_TOKEN}}),
    Answer(json={"unexpected": True}),
    Answer(body=b"not json"),
]


@pytest.mark.parametrize("token", [HUB_TOKEN, OWN_KEY])
@pytest.mark.parametrize("answer", ANSWERS)
def test_no_error_and_no_log_shows_the_token_of_the_call(
    loopback: Loopback, token: str, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    loopback.answer(answer)
    client = InferenceClient(loopback.url, token=token, max_retries=0)
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(errors.HfWidgetsError) as caught,
    ):
        client.chat_completion(HELLO)
    error = caught.value
    chain = "".join(traceback.format_exception(error))
    shown = [str(error), repr(error), chain, str(getattr(error, "server_message", "")), caplog.text]
    assert not any(token in text for text in shown)


def test_no_broken_connection_shows_the_token(caplog: pytest.LogCaptureFixture) -> None:
    client = InferenceClient("http://127.0.0.1:9", token=OWN_KEY, max_retries=0)
    with caplog.at_level(logging.DEBUG), pytest.raises(errors.ConnectError) as caught:
        client.chat_completion(HELLO)
    assert OWN_KEY not in "".join(traceback.format_exception(caught.value)) + caplog.text


def test_what_holds_a_token_is_neither_pickled_nor_copied(loopback: Loopback) -> None:
    client = InferenceClient(loopback.url, token=HUB_TOKEN)
    loopback.answer(chat_events("Hi"))
    stream = client.chat_completion(HELLO, stream=True)
    address = Address("http://x", {"authorization": HUB_TOKEN})
    for thing in (client, AsyncInferenceClient(), stream, address, client._caller.settings.token):
        for way in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                way(thing)
    stream.close()


def test_results_and_errors_are_pickled_without_a_token(loopback: Loopback) -> None:
    client = InferenceClient(loopback.url, token=OWN_KEY, max_retries=0)
    loopback.answer(chat_answer("Hi"), LABELS, Answer(404, json={"error": "gone"}))
    results: list[Any] = [client.chat_completion(HELLO), client.text_classification("x")]
    with pytest.raises(errors.NotFoundError) as caught:
        client.chat_completion(HELLO)
    for thing in (*results, caught.value):
        data = pickle.dumps(thing)
        assert OWN_KEY.encode() not in data
        again = pickle.loads(data)
        assert str(again) == str(thing)
        assert again.meta.provider == thing.meta.provider


def test_an_embedding_is_pickled_with_its_origin(loopback: Loopback) -> None:
    loopback.answer(Answer(json=[[0.5, 1.0]]))
    made: Any = InferenceClient(loopback.url).feature_extraction("x")
    again = pickle.loads(pickle.dumps(made))
    assert (again == made).all()
    assert repr(again.meta) == repr(made.meta)


def test_the_async_client_keeps_the_same_rules(
    internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", HUB_TOKEN)
    internet.post("somewhere.example", LABELS)
    internet.post("somewhere.example/", LABELS)
    internet.post("router.huggingface.co/v1/chat/completions", chat_answer("Hi"))

    async def run() -> None:
        async with AsyncInferenceClient("https://somewhere.example") as client:
            await client.text_classification("x")
        async with AsyncInferenceClient() as client:
            await client.chat_completion(HELLO, model="org/m")

    asyncio.run(run())
    assert [seen.headers.get("authorization") for seen in internet.seen] == [
        None, f"Bearer {HUB_TOKEN}",
    ]  # fmt: skip


def test_a_token_in_the_headers_argument_is_named_as_the_source(loopback: Loopback) -> None:
    loopback.answer(Answer(401, json={"error": "no"}))
    client = InferenceClient(loopback.url, headers={"Authorization": f"Bearer {OWN_KEY}"})
    with pytest.raises(errors.AuthenticationError, match="came from the headers argument"):
        client.text_classification("x")


def test_the_tests_see_no_token_of_this_machine() -> None:
    assert not [name for name in os.environ if name.startswith(("HF_TOKEN", "HUGGING"))]
