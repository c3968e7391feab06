"""What both drivers share: waits that are announced, and httpx's errors as ours."""

import logging
from collections.abc import Iterator

import httpx
import pytest

from hfwidgets import errors
from hfwidgets.calls.call import NO_DEADLINE, Deadline
from hfwidgets.calls.http_exchange import announce_wait, check_http_client, to_our_error
from hfwidgets.core.flow import Sleep, wait_listener

URL = "https://api.example:8443/v1?key=abc"


@pytest.fixture(params=[True, False], ids=["proxy", "no proxy"])
def through(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Set a proxy, or none; return how an error names it."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    if request.param:
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
        yield " through the proxy http://proxy.example:3128 (HTTPS_PROXY)"
    else:
        yield ""


def test_a_timeout_names_the_host_and_the_proxy(through: str) -> None:
    for kind in (httpx.ReadTimeout, httpx.ConnectTimeout, httpx.WriteTimeout):
        found = to_our_error(kind("slow"), Deadline(2.5), URL)
        assert type(found) is errors.InferenceTimeoutError
        expected = f"timeout of 2.5 s while waiting for api.example:8443{through}."
        assert expected in str(found)
    busy = to_our_error(httpx.PoolTimeout("busy"), Deadline(2.5), URL)
    assert type(busy) is errors.InferenceTimeoutError
    assert "while waiting for a free connection." in str(busy)


def test_a_lost_connection_names_the_host_and_the_proxy(through: str) -> None:
    lost = to_our_error(httpx.ConnectError("refused"), NO_DEADLINE, URL)
    assert type(lost) is errors.ConnectError
    advice = f"Check the address{', the proxy' if through else ''} and the network."
    assert str(lost) == f"No connection to api.example:8443{through}: refused. {advice}"
    broken = to_our_error(httpx.ReadError(""), NO_DEADLINE, URL, broken=True)
    assert type(broken) is errors.StreamBrokenError
    assert str(broken).startswith(
        f"The connection to api.example:8443{through} broke inside the answer: ReadError. "
    )


def test_a_client_of_the_user_s_has_its_own_proxies(through: str) -> None:
    found = to_our_error(httpx.ConnectError("refused"), NO_DEADLINE, URL, proxied=False)
    assert "proxy" not in str(found)


@pytest.mark.parametrize("broken", [True, False])
@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (httpx.DecodingError("bad gzip"), errors.OutputError, "api.example:8443 cannot be decoded"),
        (httpx.InvalidURL("port"), errors.ConfigurationError, "Not a URL that can be called"),
        (httpx.UnsupportedProtocol("x"), errors.ConfigurationError, "Not a URL that can be called"),
        (UnicodeError("label"), errors.ConfigurationError, "Not a URL that can be called"),
    ],
)
def test_other_errors_have_their_kind(
    error: Exception, kind: type[Exception], text: str, broken: bool
) -> None:
    found = to_our_error(error, NO_DEADLINE, URL, broken=broken)
    assert type(found) is kind
    assert text in str(found)
    assert str(error) in str(found)


def test_an_address_that_httpx_cannot_read_is_a_configuration_error() -> None:
    found = to_our_error(httpx.InvalidURL("port"), NO_DEADLINE, "https://host:port/x")
    assert type(found) is errors.ConfigurationError
    assert "'https://host:port/x'" in str(found)


@pytest.mark.parametrize(
    ("seconds", "reason", "is_logged"),
    [(1.0, "loading m", True), (2.26, "loading m", True), (0.9, "loading m", False), (5.0, "", 0)],
)
def test_a_wait_is_logged_if_it_has_a_reason_and_lasts(
    caplog: pytest.LogCaptureFixture, seconds: float, reason: str, is_logged: bool
) -> None:
    with caplog.at_level(logging.DEBUG, logger="hfwidgets"):
        announce_wait(Sleep(seconds, reason))
    expected = [f"Waiting {seconds:.1f} s: {reason}."] if is_logged else []
    assert [record.message for record in caplog.records] == expected
    assert all(record.levelname == "WARNING" for record in caplog.records)


def test_a_listener_hears_every_wait_in_place_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[tuple[str, float]] = []
    token = wait_listener.set(lambda reason, seconds: heard.append((reason, seconds)))
    try:
        announce_wait(Sleep(2.0, "loading m"))
        announce_wait(Sleep(0.5))
    finally:
        wait_listener.reset(token)
    assert heard == [("loading m", 2.0), ("", 0.5)]
    assert caplog.records == []


def test_an_http_client_of_another_kind_is_refused() -> None:
    with httpx.Client() as client:
        assert check_http_client(None, httpx.Client) is None
        assert check_http_client(client, httpx.Client) is client
        assert check_http_client(client, httpx.AsyncClient, httpx.Client) is client
        with pytest.raises(errors.ConfigurationError, match=r"httpx\.AsyncClient; it is Client"):
            check_http_client(client, httpx.AsyncClient)
