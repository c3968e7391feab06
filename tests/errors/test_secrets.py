"""Tokens of every known form are masked wherever texts are shown or kept, and found by the scan."""

import base64
import binascii
import copy
import json
from pathlib import Path

import pytest

import hfwidgets as hf
from hfwidgets import InferenceClient, errors, notebook
from hfwidgets.errors.secrets import (
    Secret,
    find_tokens,
    is_secret_name,
    is_secret_variable,
    redact,
    redact_data,
)
from hfwidgets.notebook import code_snippets
from tests.plugins.loopback import Answer, Loopback, chat_answer

HEX = "0123456789abcdef"

# The text, and the part of it that nothing may show.
SECRETS = [
    ("hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz01234567", "AbCdEfGhIj"),
    ("hf_sentinelsentinelsentinel", "sentinel"),
    ("hf_abc", "abc"),
    ("hf_x1", "x1"),
    ("hf_secret_token", "secret"),
    ("api_org_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh", "AbCdEf"),
    ("sk-AbCdEfGhIjKlMnOpQrStUvWx", "AbCdEf"),
    ("sk-proj-a1B2_c3D4-e5F6", "a1B2"),
    ("sk-ant-api03-zZyYxX", "zZyY"),
    ("sk-test", "test"),
    ("sk-1234", "1234"),
    ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "4eC39"),
    (f"r8_{HEX}{HEX}", HEX),
    ("gsk_Ab12Cd34Ef56", "Ab12"),
    ("xai-Ab12Cd34Ef56", "Ab12"),
    (f"key_{HEX}", HEX),
    (f"fal_{HEX}", HEX),
    (f"12345678-90ab-cdef-1234-567890abcdef:{HEX}{HEX}", HEX),
    ("fw_Ab12Cd34Ef56", "Ab12"),
    ("nvapi-Ab12Cd34Ef56", "Ab12"),
    ("csk-ab12cd34ef56gh78", "ab12"),
    ("pplx-ab12cd34ef56", "ab12"),
    ("tgp_v1_Ab12Cd34Ef56", "Ab12"),
    *((f"gh{kind}_a1B2c3D4e5F6g7H8i9J0a1B2c3D4e5F6g7H8", "a1B2") for kind in "pousr"),
    ("github_pat_11ABCDEFG0_aBcD", "11ABC"),
    ("glpat-Ab12Cd34Ef56Gh78", "Ab12"),
    ("npm_Ab12Cd34Ef56Gh78", "Ab12"),
    ("xoxb-123456789012-Ab12Cd34", "Ab12"),
    ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
    ("ASIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
    ("AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q", "SyA1b2"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJzdWIi"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----", "MIIabc"),
    ("Authorization: Bearer opaque", "opaque"),
    ("authorization: Key opaque", "opaque"),
    ('"Authorization": "Token opaque"', "opaque"),
    ("proxy-authorization: Basic b3BhcXVl", "b3BhcXVl"),
    ("bearer opaque", "opaque"),
    ("Key 9944b09199c62bcf", "9944b09199c62bcf"),
    ("Token 9944b09199c62bcf", "9944b09199c62bcf"),
    ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpw"),
    ('{"x-api-key": "opaque"}', "opaque"),
    ("api_key='opaque'", "opaque"),
    ("password=hunter2", "hunter2"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI"),
    ("https://example.com/?api_key=opaque&version=2", "opaque"),
    ("https://example.com/?version=2&code=opaque#part", "opaque"),
    ("https://example.com/x?X-Amz-Signature=opaque", "opaque"),
    ("https://example.com/x?sv=2024&sig=opaque%3D", "opaque"),
    ("https://example.com/x?GoogleAccessId=a&Signature=opaque", "opaque"),
    ("https://example.com/?accessToken=opaque", "opaque"),
    ("https://user:opaque@example.com/", "opaque"),
    ("socks5://user:opa#que@proxy:1080", "opa#que"),
    ("https://example.com/?q=%22hf_AbCdEfGh0123456789", "AbCdEfGh"),
]  # fmt: skip

# Masked, but not reported: the scan of a notebook full of code would report names.
WORDS = ("hf_abc", "hf_secret_token", "sk-test")

HARMLESS = [
    "the hf_ prefix; sk-ill; token; a",
    "hf_hub_download(repo_id) and hf_transfer, from sk-learn; locale sk-SK; a task-1 is risk-free",
    "key_padding_mask, key_points and key_value are arguments; max_tokens=1000000",
    "Pass token=..., set HF_TOKEN, or pass api_key=os.environ['X'] with Bearer {token}.",
    "Bearer token is missing. Token limit exceeded: 20000 tokens. The key is missing.",
    "see https://example.com/page?version=2&q=a#part and write to a@example.com",
    "authorization was refused; password: ...",
    "",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=[text[:24] for text, _ in SECRETS])
def test_every_known_form_is_masked_and_found(text: str, secret: str) -> None:
    for whole in (text, f"The server says: {text} is bad", f"[{text}]\n{text}"):
        masked = redact(whole)
        assert secret not in masked
        assert "…" in masked
        assert redact(masked) == masked
        assert text in WORDS or any(secret in found for found in find_tokens(whole))
    assert secret not in json.dumps(redact_data({"a": [{"b": text}], text: (text, 1)}))
    error = errors.InputError(text, advice=text)
    error.add_advice(text)
    error.add_reason(text)
    for shown in (str(error), repr(error), error.reason, error.advice, str(error.args)):
        assert secret not in shown


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_stay(text: str) -> None:
    assert redact(text) == text
    assert find_tokens(text) == []


def test_prefixes_and_names_stay_so_that_a_reader_sees_what_was_there() -> None:
    assert redact("Invalid token hf_AbCd1234, sorry") == "Invalid token hf_…, sorry"
    assert redact("https://u:p@host/x?sig=a1&v=2") == "https://…@host/x?sig=…&v=2"
    assert redact("authorization: Key abc") == "authorization: Key …"


def test_keys_in_addresses_can_be_left_out_of_a_search() -> None:
    text = "https://example.com/image.png?sig=a1b2c3d4"
    assert find_tokens(text) == ["a1b2c3d4"]
    assert find_tokens(text, in_urls=False) == []
    assert find_tokens(f"{text} hf_abc1", in_urls=False) == ["hf_abc1"]


@pytest.mark.parametrize("secret", ["own-key-0123", 'quote"-and\\-slash', "a?b>c~d>e?f"])
@pytest.mark.parametrize("before", ["", "x", "user:", "ab"])
@pytest.mark.parametrize("after", ["", "y", "yz"])
def test_known_secrets_are_masked_in_base64_and_hex(secret: str, before: str, after: str) -> None:
    data = f"{before}{secret}{after}".encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode, binascii.hexlify):
        text = encode(data).decode()
        masked = redact(f"<{text}>", [secret])
        # At both ends, a character may hold bits of the neighbors too.
        assert len(masked) <= len(f"<{text}>") - (len(secret) * 4 // 3 - 3)
    assert redact("TG9yZW0gaXBzdW0gZG9sb3Igc2l0", [secret]) == "TG9yZW0gaXBzdW0gZG9sb3Igc2l0"


def test_known_secrets_of_no_known_form_are_masked() -> None:
    assert redact("a opaqueopaque b", ["opaqueopaque"]) == "a … b"
    assert redact("xopaqueopaquex", ["opaque", "opaqueopaque"]) == "x…x"
    assert redact("?x=a%2Fb%2Bcdefgh&y", ["a/b+cdefgh"]) == "?x=…&y"
    assert redact("key k9-z, not k9-zz", ["k9-z"]) == "key …, not k9-zz"
    assert redact("a test of the k", ["test", "k", ""]) == "a test of the k"


def test_keys_of_data_that_are_not_texts_stay() -> None:
    key = "hf_" + "a1" * 12
    assert redact_data({1: key, None: [key], (key,): 2}) == {1: "hf_…", None: ["hf_…"], (key,): 2}


def test_a_secret_is_its_own_copy() -> None:
    secret = Secret("own-key-0123")
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_data_keeps_its_shape_and_loses_what_its_keys_call_secret() -> None:
    data = {"api_key": "opaque", "Authorization": "opaque", "n": 1, "token": "Berlin", "x": None}
    masked = redact_data({"rows": [data], "pair": ("a", 2.5)})
    assert masked == {
        "rows": [{**data, "api_key": "…", "Authorization": "…"}],
        "pair": ("a", 2.5),
    }


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "Proxy-Authorization", "Cookie", "X-API-KEY", "xi-api-key", "apikey"),
        *("accessToken", "X-Auth-Token", "api_key", "X-Amz-Signature", "sig", "client_secret"),
        *("Ocp-Apim-Subscription-Key", "X-My-Password", "session", "X-Credential", "jwt"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)
    assert is_secret_name(name.upper())


@pytest.mark.parametrize(
    "name", ["content-type", "max_tokens", "author", "keyboard", "tokenizer", "code", "version", ""]
)
def test_names_of_other_things(name: str) -> None:
    assert not is_secret_name(name)


def test_a_code_in_a_query_is_a_key_and_a_variable_named_key_is_not() -> None:
    assert is_secret_name("code", in_query=True)
    assert [
        name for name in ("HF_TOKEN", "key", "api_keys", "policy") if is_secret_variable(name)
    ] == [
        "HF_TOKEN",
        "api_keys",
    ]


@pytest.mark.parametrize(
    "piece", ["hf_", "://", "?a=", "sk-a-", "eyJ", "://a@", "api_key=", "authorization ", "key  "]
)
def test_a_megabyte_of_beginnings_is_searched_in_one_pass(piece: str) -> None:
    """A pattern that went back at each beginning would take hours for this."""
    text = piece * (1_000_000 // len(piece))
    assert redact(f"{text} hf_Abc123").endswith("hf_…")


def test_no_form_is_left_in_recordings_resume_files_and_snippets(
    loopback: Loopback, tmp_path: Path
) -> None:
    """Sent, answered and echoed: what is written to the disk has none of them."""
    text = "\n".join(secret for secret, _ in SECRETS)
    loopback.route("POST", "/", lambda seen: Answer(json=[[{"label": text, "score": 1.0}]]))
    client = InferenceClient(loopback.url, token="hf_" + "k" * 30)
    with hf.recordings(tmp_path / "recordings"):
        client.text_classification(text)
    client.map("text-classification", [text], resume=tmp_path / "rows.jsonl", progress=False)
    loopback.route("POST", "/", Answer(400, json={"error": text}))
    client.map("text-classification", [text], resume=tmp_path / "bad.jsonl", progress=False)
    written = {path.name: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    call = code_snippets.CallDraft("text-classification", {"text": text}, {"token": "hf_abc"})
    for write in (
        code_snippets.to_python,
        code_snippets.to_magic,
        code_snippets.to_huggingface_hub,
    ):
        written[write.__name__] = write(call)
    written["curl"] = code_snippets.to_curl(client.explain("text-classification", text=text))
    assert len(written) == 7
    for name, content in written.items():
        assert "…" in content, name
        for secret in {secret for _, secret in SECRETS} - {"test", "secret"}:
            assert secret not in content, name


def test_the_scan_finds_every_form(tmp_path: Path) -> None:
    for number, (text, _) in enumerate(SECRETS):
        cell = {"cell_type": "code", "source": [f"# {text}"], "outputs": [], "metadata": {}}
        book = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (tmp_path / f"{number:03}.ipynb").write_text(json.dumps(book))
    found = notebook.scan(tmp_path)
    assert len({row["notebook"] for row in found}) == len(SECRETS) - len(WORDS)
    for _, secret in SECRETS:
        assert len(secret) <= 4 or secret not in str(found)


def test_a_prompt_with_a_token_of_any_form_is_masked_in_an_error(loopback: Loopback) -> None:
    text = "\n".join(secret for secret, _ in SECRETS)
    loopback.answer(Answer(401, json={"error": text}, headers={"x-request-id": "hf_abc"}))
    with pytest.raises(errors.AuthenticationError) as caught:
        InferenceClient(base_url=loopback.url, max_retries=0).chat_completion(
            [{"role": "user", "content": "x"}]
        )
    assert caught.value.request_id == "hf_…"
    for secret in {secret for _, secret in SECRETS} - {"test", "secret"}:
        assert secret not in f"{caught.value!s} {caught.value!r} {caught.value.server_message}"


def test_a_working_call_is_not_touched(loopback: Loopback, tmp_path: Path) -> None:
    loopback.answer(chat_answer("Use hf_hub_download with key_padding_mask"))
    with hf.recordings(tmp_path):
        answer = InferenceClient(base_url=loopback.url).chat_completion(
            [{"role": "user", "content": "x"}]
        )
    assert answer.text == "Use hf_hub_download with key_padding_mask"
