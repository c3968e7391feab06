"""Redirects by hand: which are followed, where they lead, and what goes along."""

from ipaddress import ip_address
from typing import Any

import pytest

from hfwidgets import errors
from hfwidgets.calls.addressing import BASE_HEADERS
from hfwidgets.calls.prepared_request import PreparedRequest
from hfwidgets.calls.redirects import MAX_REDIRECTS, follow_redirect, is_redirect
from hfwidgets.core.flow import Reply
from hfwidgets.core.run_flow import run_flow

URL = "https://first.example/a/b?q=1"
HUB = "https://hub.example"
SECRETS = {"authorization": "Bearer secret", "cookie": "c=v", "x-request-id": "r-1"}
OF_A_BODY = {"content-type": "application/json", "content-length": "2"}


def request(method: str = "POST", url: str = URL, **more: Any) -> PreparedRequest:
    content = b"{}" if method == "POST" else None
    headers = {**SECRETS, **(OF_A_BODY if content else {})}
    return PreparedRequest(method, url, headers, content, **more)


def follow(
    sent: PreparedRequest,
    location: str,
    status: int = 307,
    hops: int = 0,
    address: str = "1.1.1.1",
) -> PreparedRequest:
    """Follow a redirect; names resolve to this address."""
    flow = follow_redirect(sent, Reply(status, {"location": location}), hops, HUB)
    return run_flow(flow, lambda _: [ip_address(address)])


@pytest.mark.parametrize("status", range(300, 310))
def test_which_statuses_lead_elsewhere(status: int) -> None:
    assert is_redirect(Reply(status, {"location": "/x"})) == (status in {301, 302, 303, 307, 308})
    assert not is_redirect(Reply(status, {}))


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/x?y=1", "https://first.example/x?y=1"),
        ("c", "https://first.example/a/c"),
        ("?z", "https://first.example/a/b?z"),
        ("https://first.example/x", "https://first.example/x"),
        ("//first.example/x", "https://first.example/x"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_on_its_host_a_request_moves_as_it_is(status: int, location: str, url: str) -> None:
    for method in ("POST", "GET"):
        sent = request(method, stream=True, limit=5, max_wait=2.0)
        moved = request(method, url, stream=True, limit=5, max_wait=2.0)
        assert follow(sent, location, status) == moved


def test_after_303_the_answer_is_fetched_without_the_body() -> None:
    moved = follow(request(stream=True, limit=5), "/done", 303)
    url = "https://first.example/done"
    assert moved == PreparedRequest("GET", url, SECRETS, None, stream=True, limit=5)
    assert follow(request("GET"), "/done", 303) == request("GET", url)


@pytest.mark.parametrize(
    ("old", "new", "is_same"),
    [
        ("http://first.example/", "https://first.example/x", True),
        ("http://first.example:80/", "https://First.example:443/x", True),
        ("http://first.example/", "http://first.example/x", True),
        ("http://first.example:8080/", "http://first.example:8080/x", True),
        ("http://first.example/", "https://second.example/x", False),
        ("http://first.example:8080/", "https://first.example/x", False),
        ("http://first.example/", "https://first.example:8443/x", False),
        ("https://first.example/", "https://first.example:8443/x", False),
        ("https://first.example/", "https://www.first.example/x", False),
        ("https://first.example/", "https://user@first.example/x", False),
    ],
)
def test_credentials_and_bodies_stay_with_their_host(old: str, new: str, is_same: bool) -> None:
    got = follow(request("GET", old, limit=5), new)
    assert got.url == new
    assert got.limit == 5
    assert got.headers == (SECRETS if is_same else dict(BASE_HEADERS))
    if is_same:
        assert follow(request("POST", old), new) == request("POST", new)
    else:
        with pytest.raises(errors.ConnectError, match=r"another host, .*it was not sent there"):
            follow(request("POST", old), new)


@pytest.mark.parametrize("old", ["https://first.example/", "https://first.example:80/"])
def test_a_step_down_to_http_is_not_followed_on_the_public_internet(old: str) -> None:
    for method in ("GET", "POST"):
        with pytest.raises(errors.ConnectError, match="another host"):
            follow(request(method, old), "http://first.example/x")


@pytest.mark.parametrize(
    ("location", "address", "message"),
    [
        ("https://second.example/", "10.0.0.1", "another host, second.example, which was not"),
        ("ftp://first.example/x", "1.1.1.1", "redirects to ftp:, which is not followed"),
        ("javascript:alert(1)", "1.1.1.1", "redirects to javascript:, which is not followed"),
        ("https://[::1", "1.1.1.1", "first.example redirects to an invalid URL"),
        ("https://second.example:port/", "1.1.1.1", "first.example redirects to an invalid URL"),
    ],
)
def test_where_no_redirect_leads(location: str, address: str, message: str) -> None:
    with pytest.raises(errors.ConnectError, match=message):
        follow(request("GET"), location, address=address)


def test_a_switched_off_host_is_named_and_not_called() -> None:
    with pytest.raises(errors.RetiredHostError):
        follow(request("GET"), "https://api-inference.huggingface.co/models/org/m")


def test_the_hub_is_not_called_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(errors.OfflineModeIsEnabled):
        follow(request("GET"), f"{HUB}/x")
    assert follow(request("GET"), "https://other.example/x").url == "https://other.example/x"


def test_ten_redirects_are_followed_and_no_more() -> None:
    assert MAX_REDIRECTS == 10
    assert follow(request(), "/x", hops=9).url == "https://first.example/x"
    with pytest.raises(errors.ConnectError, match="in circles: 10 times"):
        follow(request(), "/x", hops=10)
