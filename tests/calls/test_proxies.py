"""Proxies and certificates of the environment: what goes through them, and what never does."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from hfwidgets.calls import certificates
from hfwidgets.calls.proxies import find_proxy
from tests.plugins.loopback import Answer, Loopback

LABELS = Answer(json=[{"label": "A", "score": 1.0}])
NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxies or certificates of the machine's own."""
    for name in (*NAMES, *certificates.VARIABLES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(params=["sync", "async"])
def classify(request: pytest.FixtureRequest):
    """Classify a text with a client of either kind: `classify(base_url=...)`."""

    def blocking(**settings: object) -> str:
        with InferenceClient(token="key-sentinel", max_retries=0, **settings) as client:
            return client.text_classification("my secret text")[0].label

    async def awaited(**settings: object) -> str:
        async with AsyncInferenceClient(token="key-sentinel", max_retries=0, **settings) as client:
            return (await client.text_classification("my secret text"))[0].label

    if request.param == "sync":
        return blocking
    return lambda **settings: asyncio.run(awaited(**settings))


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_never_reached_through_a_proxy(
    classify, loopback: Loopback, monkeypatch, name, host
) -> None:
    proxy = Loopback()
    monkeypatch.setenv(name, proxy.url)
    loopback.answer(LABELS)
    assert classify(base_url=loopback.url.replace("127.0.0.1", host)) == "A"
    proxy.close()
    assert proxy.requests == []


def test_a_dead_proxy_does_not_keep_this_machine_away(classify, loopback, monkeypatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    loopback.answer(LABELS)
    assert classify(base_url=loopback.url) == "A"


def test_another_host_is_reached_through_the_proxy(classify, loopback, monkeypatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", loopback.url.replace("http://", "http://me:pass@"))
    loopback.answer(LABELS)
    assert classify(base_url="http://models.example.org/x") == "A"
    assert loopback.requests[0].target == "http://models.example.org/x"
    assert loopback.requests[0].headers["proxy-authorization"].startswith("Basic ")


def test_no_proxy_lists_exceptions(classify, loopback, monkeypatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", loopback.url)
    monkeypatch.setenv("NO_PROXY", "models.invalid")
    with pytest.raises(errors.ConnectError):
        classify(base_url="http://models.invalid/x")
    assert loopback.requests == []


@pytest.mark.parametrize(
    ("entries", "host", "direct"),
    [
        ("*", "a.example", True),
        ("example", "a.example", True),
        (".example", "a.example", True),
        ("*.example", "a.example", True),
        ("ample", "a.example", False),
        ("b.example, a.example", "a.example", True),
        ("b.example;a.example", "a.example", True),
        ("b.example a.example", "a.example", True),
        ("a.example:8080", "a.example", False),
        ("a.example:80", "a.example", True),
        ("http://a.example", "a.example", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("192.0.2.7", "192.0.2.7", True),
        ("[2001:db8::1]", "2001:db8::1", True),
        ("2001:db8::/32", "[2001:db8::1]", True),
        ("fe80::/10,[::1]", "a.example", False),
        ('"a.example"', "a.example", True),
        (",;, ,", "a.example", False),
    ],
)
def test_every_form_of_exception(monkeypatch, entries: str, host: str, direct: bool) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", entries)
    assert (find_proxy("http", host, None) is None) is direct


@pytest.mark.parametrize(
    "host",
    ["localhost", "api.localhost", "127.0.0.1", "127.8.9.1", "[::1]", "::ffff:127.0.0.1", "127.1"],
)
def test_every_form_of_loopback(monkeypatch, host: str) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    assert find_proxy("https", host, 8000) is None


@pytest.mark.parametrize(
    "value",
    [
        "socks4://proxy.example",
        "ftp://proxy.example",
        "http://user:p#w@proxy.example",
        "http://",
        "http://proxy.example:x",
        "http://a b",
        "'http://proxy.example",
        "http://a..b:3128",
        f"http://{'a' * 64}.example:3128",
        "http://user:p#w in@proxy.example",
        "socks5://user:p#w@proxy.example:x",
    ],
)
@pytest.mark.parametrize("name", ["HTTP_PROXY", "all_proxy"])
def test_a_proxy_that_cannot_be_used_is_named(classify, monkeypatch, name, value) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(errors.ConfigurationError) as caught:
        classify(base_url="http://models.example.org/x")
    assert name in str(caught.value)
    assert "p#w" not in str(caught.value)


def test_socks_without_its_package_says_what_to_install(classify, monkeypatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy.example:1080")
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    with pytest.raises(errors.ConfigurationError, match=r"ALL_PROXY.*pip install socksio"):
        classify(base_url="http://models.example.org/x")


def test_a_quoted_proxy_works(classify, loopback, monkeypatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f'"{loopback.url}"\n')
    loopback.answer(LABELS)
    assert classify(base_url="http://models.example.org/x") == "A"


def test_a_dead_proxy_is_named_without_its_password(classify, monkeypatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:sentinel-word@127.0.0.1:9")
    with pytest.raises(errors.ConnectError) as caught:
        classify(base_url="https://models.example.org/x")
    text = str(caught.value)
    assert "models.example.org" in text
    assert "127.0.0.1:9" in text
    assert "HTTPS_PROXY" in text
    assert "sentinel-word" not in text


BROKEN = {
    "missing": lambda folder: folder / "none.pem",
    "empty": lambda folder: _write(folder / "empty.pem", ""),
    "text": lambda folder: _write(folder / "text.pem", "not a certificate"),
    "folder": lambda folder: folder,
}


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_broken_certificates_are_named_where_they_are_needed(
    classify, loopback, monkeypatch, tmp_path, name, kind
) -> None:
    path = BROKEN[kind](tmp_path)
    monkeypatch.setenv(name, str(path))
    loopback.answer(LABELS)
    assert classify(base_url=loopback.url) == "A", "plain http needs no certificates"
    if (name, kind) == ("REQUESTS_CA_BUNDLE", "folder"):
        return  # requests accepts a folder of certificates
    with pytest.raises(errors.ConfigurationError) as caught:
        classify(base_url="https://127.0.0.1:9/x")
    assert name in str(caught.value)
    assert str(path) in str(caught.value)


def test_several_folders_of_certificates_are_read(classify, monkeypatch, tmp_path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join(map(str, folders)))
    # A folder's certificates are read when one is looked for.
    assert certificates.ssl_context().cert_store_stats()["x509"] == 0
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join([*map(str, folders), "/none"]))
    with pytest.raises(errors.ConfigurationError, match="SSL_CERT_DIR"):
        classify(base_url="https://127.0.0.1:9/x")


def test_a_key_log_that_cannot_be_written_is_named(classify, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "none" / "keys"))
    with pytest.raises(errors.ConfigurationError, match="SSLKEYLOGFILE"):
        classify(base_url="https://127.0.0.1:9/x")


def test_the_engine_needs_neither_proxy_nor_certificates(tmp_path) -> None:
    """Run a whole program with a broken environment, at an address of this machine."""
    server = Loopback()
    server.route("POST", "/x", LABELS)
    code = (
        "import hfwidgets as hf, sys\n"
        "client = hf.InferenceClient(base_url=sys.argv[1], token='k')\n"
        "print(client.text_classification('x')[0].label)"
    )
    broken = {"ALL_PROXY": "socks4://x", "NO_PROXY": "[::1]", "SSL_CERT_FILE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code, f"{server.url}/x"],
        env={**os.environ, **broken},
        capture_output=True,
        text=True,
        check=False,
    )
    server.close()
    assert (done.stdout.strip(), done.stderr) == ("A", "")
