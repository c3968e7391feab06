"""Environment variables as people set them, and the error where a value cannot be used."""

import base64
from pathlib import Path

import pytest

from hfwidgets import InferenceClient, errors
from hfwidgets.core import auth, environment


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("", ""),
        ("  \t", ""),
        ("together", "together"),
        (" together\r\n", "together"),
        ('"together"', "together"),
        ("'together'\n", "together"),
        ("''", ""),
        ("it's", "it's"),
    ],
)
def test_blanks_line_ends_and_quotes_are_dropped(monkeypatch, value, read):
    monkeypatch.setenv("HFWIDGETS_PROVIDER", value)
    assert environment.read_variable("HFWIDGETS_PROVIDER") == read
    assert environment.default_provider() == (read or None)


@pytest.mark.parametrize(
    ("name", "provider"), [("HF_ENDPOINT", None), ("HF_INFERENCE_ENDPOINT", "hf-inference")]
)
@pytest.mark.parametrize(
    "value",
    [
        *("hf-mirror.test", "https://", "https:/hub", "ftp://hub", "http://hub:x", "http://a b"),
        *("[::1", "http://hub?a=1", "http://hub/#top", "http://a..b", "http://h\\x"),
        f"http://{'a' * 64}.b",
    ],
)
def test_a_broken_address_is_an_error_that_names_the_variable(monkeypatch, name, provider, value):
    monkeypatch.setenv(name, value)
    client = InferenceClient(model="org/model", provider=provider, token="hf_x")
    with pytest.raises(errors.ConfigurationError) as caught:
        client.text_classification("x")
    assert name in str(caught.value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("form", ["{}", '"{}"', "'{}' ", "{}/\r\n"])
@pytest.mark.parametrize(
    ("name", "mapping"),
    [
        ("HF_ENDPOINT", None),  # the look-up is the first request
        ("HF_INFERENCE_ENDPOINT", {"org/model": {"hf-inference": "org/model"}}),
    ],
)
def test_an_address_is_used_as_people_write_it(monkeypatch, name, mapping, form):
    monkeypatch.setenv(name, form.format("http://127.0.0.1:8080"))
    client = InferenceClient("org/model", provider="hf-inference", token="hf_x", mapping=mapping)
    request = client.explain("text-classification", text="x")
    assert request.url.startswith("http://127.0.0.1:8080/")


@pytest.mark.parametrize("value", ["", "   ", "\n", '""'])
def test_a_blank_address_is_as_good_as_none(monkeypatch, value):
    monkeypatch.setenv("HF_ENDPOINT", value)
    assert InferenceClient()._settings.hosts.hub == "https://huggingface.co"


@pytest.mark.parametrize(
    "data",
    [
        "hf_abc".encode("utf-16"),
        "hf_abc\r\n".encode("utf-16-le"),
        b"\xfe\xff" + "hf_abc\r\n".encode("utf-16-be"),
        b"\xef\xbb\xbfhf_abc",
        b"hf_abc\nhf_second\n",
        b"\n\n  hf_abc  \r\n# mine\n",
        b'"hf_abc"\n',
    ],
)
def test_a_token_file_is_read_in_every_form(data):
    path = auth.token_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    try:
        found = auth.find_machine_token()
    finally:
        path.unlink()
    assert found is not None
    assert found.value == "hf_abc"


@pytest.mark.parametrize(
    "data", ["hf_äbc".encode("latin-1"), bytes(range(128, 256)), b"\xff\xfe\x00"]
)
def test_a_token_file_that_is_not_text_is_an_error_that_names_it(tmp_path: Path, monkeypatch, data):
    path = tmp_path / "token"
    path.write_bytes(data)
    monkeypatch.setenv("HF_TOKEN_PATH", f"'{path}'")
    with pytest.raises(errors.ConfigurationError) as caught:
        InferenceClient(model="org/model", provider="together").text_generation("x")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("value", ['"hf_abc"', "'hf_abc'", "hf_abc\r\n", ' "hf_abc" '])
def test_a_token_in_the_environment_loses_its_quotes(monkeypatch, value):
    monkeypatch.setenv("HF_TOKEN", value)
    found = auth.find_machine_token()
    assert found is not None
    assert found.value == "hf_abc"


def test_a_password_in_a_broken_address_is_not_shown(monkeypatch):
    secret = base64.b64encode(b"sentinel" * 3).decode()
    monkeypatch.setenv("HF_ENDPOINT", f"ftp://me:{secret}@hub")
    with pytest.raises(errors.ConfigurationError, match="HF_ENDPOINT") as caught:
        InferenceClient(model="org/model", token="hf_x").text_classification("x")
    assert secret not in str(caught.value)


def test_a_user_without_a_home_folder_has_no_token(monkeypatch):
    for name in ("HF_HOME", "HF_TOKEN_PATH", "XDG_CACHE_HOME", "HF_TOKEN", "HOME"):
        monkeypatch.delenv(name, raising=False)

    def find_no_user(number):
        raise KeyError(number)

    monkeypatch.setattr("pwd.getpwuid", find_no_user)
    assert auth.find_machine_token() is None
    monkeypatch.setenv("HF_HOME", "~nobody-of-this-name/hub")
    assert auth.find_machine_token() is None
    monkeypatch.setenv("SSL_CERT_FILE", "~nobody-of-this-name/ca.pem")
    with pytest.raises(errors.ConfigurationError, match=r"SSL_CERT_FILE.*~nobody"):
        InferenceClient("https://127.0.0.1:9/x").text_classification("x")
