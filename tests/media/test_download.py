"""Downloads of what an answer points to: private hosts and credentials stay out of them."""

from ipaddress import ip_address
from typing import Any

import pytest

from hfwidgets import errors, media
from hfwidgets.core.flow import Blocking, Reply, Send
from hfwidgets.core.public_hosts import is_loopback, resolve_host
from hfwidgets.core.run_flow import run_flow
from hfwidgets.media._download import MAX_REDIRECTS

LOCAL = "http://127.0.0.1:8000/models/x"


def run_download(
    url: str, *outcomes: Any, base: str = "https://api.example.com"
) -> tuple[Any, list[Any]]:
    """Return the result of a download whose steps have these outcomes, and the steps."""
    steps, left = [], list(outcomes)

    def perform(step: Any) -> Any:
        steps.append(step)
        return left.pop(0)

    return run_flow(media.download(url, 1000, base), perform), steps


def parse_addresses(*addresses: str) -> list[Any]:
    return [ip_address(address) for address in addresses]


def test_a_public_address_is_fetched_without_following_redirects() -> None:
    found, (look, send) = run_download(
        "https://cdn.example.com/a", parse_addresses("1.1.1.1"), Reply(200, {}, b"video")
    )
    assert found == b"video"
    assert type(look) is Blocking
    assert type(send) is Send
    assert (send.method, send.limit, send.follow, dict(send.headers)) == ("GET", 1000, False, {})


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.3.4", "192.168.1.1", "127.0.0.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "::1", "fe80::1", "fd00::1", "224.0.0.1"),
    ],
)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    with pytest.raises(errors.OutputError, match="not on the public internet"):
        run_download("https://inside.example.com/a", parse_addresses(address))


def test_a_name_with_one_private_address_is_refused() -> None:
    with pytest.raises(errors.OutputError, match="public internet"):
        run_download("https://cdn.example.com/a", parse_addresses("1.1.1.1", "10.0.0.1"))


def test_an_ipv4_address_inside_an_ipv6_one_is_found() -> None:
    assert resolve_host("::ffff:10.0.0.1", 443) == parse_addresses("10.0.0.1")


@pytest.mark.parametrize(
    "url",
    ["http://cdn.example.com/a", "ftp://cdn.example.com/a", "file:///etc/passwd", "", "//x", None],
)
def test_only_https_is_fetched(url: Any) -> None:
    with pytest.raises(errors.OutputError):
        run_download(url, parse_addresses("1.1.1.1"))


def test_each_redirect_is_checked_again() -> None:
    moved = Reply(302, {"location": "https://inside.example.com/b"})
    with pytest.raises(errors.OutputError, match="public internet"):
        run_download(
            "https://cdn.example.com/a",
            parse_addresses("1.1.1.1"),
            moved,
            parse_addresses("10.0.0.1"),
        )
    with pytest.raises(errors.OutputError, match="only https"):
        run_download(
            "https://cdn.example.com/a",
            parse_addresses("1.1.1.1"),
            Reply(302, {"location": "http://cdn.example.com/b"}),
        )


def test_redirects_may_be_relative() -> None:
    moved, here = Reply(301, {"location": "/b"}), parse_addresses("1.1.1.1")
    found, steps = run_download(
        "https://cdn.example.com/a", here, moved, here, Reply(200, {}, b"x")
    )
    assert (found, steps[-1].url) == (b"x", "https://cdn.example.com/b")


def test_the_number_of_redirects_is_limited() -> None:
    turns = [parse_addresses("1.1.1.1"), Reply(302, {"location": "/a"})] * MAX_REDIRECTS
    with pytest.raises(errors.OutputError, match="redirects more than"):
        run_download("https://cdn.example.com/a", *turns)


def test_a_local_server_may_point_to_itself_only() -> None:
    found, _ = run_download(
        "http://127.0.0.1:8000/f", parse_addresses("127.0.0.1"), Reply(200, {}, b"x"), base=LOCAL
    )
    assert found == b"x"
    with pytest.raises(errors.OutputError, match="public internet"):
        run_download("http://192.168.1.1/f", parse_addresses("192.168.1.1"), base=LOCAL)
    with pytest.raises(errors.OutputError, match="only https"):
        run_download("http://cdn.example.com/f", parse_addresses("1.1.1.1"), base=LOCAL)


def test_a_host_that_only_looks_like_loopback_is_refused() -> None:
    assert is_loopback("localhost")
    assert is_loopback("127.8.0.1")
    assert is_loopback("::1")
    assert not is_loopback("127.0.0.1.example.com")
    with pytest.raises(errors.OutputError):
        run_download(
            "https://x.example.com/f",
            parse_addresses("127.0.0.1"),
            base="https://127.0.0.1.example.com",
        )


def test_a_data_url_needs_no_request() -> None:
    assert run_download("data:image/png;base64,aGk=") == (b"hi", [])
