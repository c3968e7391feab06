"""The gate for addresses that servers name: private ones in every disguise stay out."""

from ipaddress import ip_address

import pytest

from hfwidgets import InferenceClient, errors
from hfwidgets.core import public_hosts
from hfwidgets.core.flow import Blocking
from hfwidgets.core.public_hosts import is_loopback, is_public, resolve_host, unwrap, why_blocked
from hfwidgets.core.run_flow import run_flow
from tests.plugins.internet import Internet
from tests.plugins.loopback import Answer, Loopback

PRIVATE = [
    *("10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "0.0.0.0", "240.0.0.1"),
    *("255.255.255.255", "192.0.2.1", "198.18.0.1", "100.64.0.1", "224.0.0.1"),
    *("::1", "::", "::127.0.0.1", "::10.0.0.1", "::ffff:10.0.0.1", "::ffff:0:10.0.0.1"),
    *("64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b:1::10.0.0.1", "2002:a00:1::"),
    *("2002:7f00:1::1", "2001::1", "fec0::1", "fe80::1%eth0", "fd00::1", "ff02::1", "2001:db8::1"),
    *("4000::1", "100::1", "192.0.0.8", "192.88.99.1", "3fff::1", "5f00::1"),
    *("2001:470:1f0b::5efe:127.0.0.1", "2001:470:1f0b::200:5efe:10.0.0.1"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public(address: str) -> None:
    assert not is_public(unwrap(address))


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::"],
)
def test_a_public_address(address: str) -> None:
    assert is_public(unwrap(address))


def blocked(url: object, *addresses: str, base: str = "") -> str:
    def perform(step: object) -> object:
        assert isinstance(step, Blocking)
        return [ip_address(address) for address in addresses]

    return run_flow(why_blocked(url, base), perform)


@pytest.mark.parametrize(
    ("url", "addresses", "why"),
    [
        ("https://a.example/x", ["1.1.1.1"], ""),
        ("https://a.example/x", [], "cannot be resolved"),
        ("https://a.example/x", ["1.1.1.1", "10.0.0.1"], "public internet"),
        ("http://a.example/x", ["1.1.1.1"], "only https"),
        ("https:///x", ["1.1.1.1"], "not a URL"),
        ("https://127.0.0.1\\@a.example/x", ["1.1.1.1"], "not a URL"),
        ("https://a:b/x", ["1.1.1.1"], "not a URL"),
        ("https://[::1/x", ["1.1.1.1"], "not a URL"),
        ("javascript:x", [], "not a URL"),
        (None, [], "not a URL"),
    ],
)
def test_why_a_url_is_blocked(url, addresses, why) -> None:
    found = blocked(url, *addresses)
    assert why in found if why else not found


def test_a_name_that_does_not_resolve_has_no_address() -> None:
    assert resolve_host("no-such-host.invalid", 443) == []
    assert resolve_host("a" * 70 + ".example", 443) == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "[::1]", "LOCALHOST."])
def test_this_machine_in_disguise(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "localhost.example", "128.0.0.1", "1.1.1.1", "[::2]"])
def test_another_machine(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "target", ["https://10.0.0.1/", "https://[64:ff9b::a00:1]/", "https://inside.example/"]
)
def test_a_redirect_to_another_host_passes_the_gate(
    call_hub, internet: Internet, monkeypatch, target: str
) -> None:
    resolve = public_hosts.resolve_host
    inside = [ip_address("10.0.0.1")]
    monkeypatch.setattr(
        public_hosts,
        "resolve_host",
        lambda host, port: inside if host == "inside.example" else resolve(host, port),
    )
    internet.get("hub.example/api/tasks", Answer(302, headers={"location": target}))
    internet.get("inside.example/", Answer(json={"secret": "of the inside"}))
    internet.get("10.0.0.1/", Answer(json={"secret": "of the inside"}))
    with pytest.raises(errors.ConnectError, match="public internet") as caught:
        call_hub()
    assert "of the inside" not in str(caught.value)
    assert len(internet.asked) == 1


def test_a_redirect_to_a_public_host_is_followed(call_hub, internet: Internet) -> None:
    internet.get(
        "hub.example/api/tasks", Answer(302, headers={"location": "https://mirror.example/t"})
    )
    internet.get("mirror.example/t", Answer(json={"summarization": {"widgetModels": ["org/m"]}}))
    internet.post("router.example/models/org/m", Answer(json={"summary_text": "short"}))
    assert call_hub().summary_text == "short"


@pytest.fixture
def call_hub():
    hosts = {"hub": "https://hub.example", "hf-inference": "https://router.example"}
    client = InferenceClient(provider="hf-inference", token="hf_x", hosts=hosts, max_retries=0)
    return lambda: client.summarization("long")


def test_a_poll_follows_no_redirect(loopback: Loopback) -> None:
    inside = Loopback()
    inside.route("GET", "/secret", Answer(json={"status": "COMPLETED", "secret": "of the inside"}))
    job = {"response_url": "https://queue.fal.run/jobs/1"}
    loopback.route("POST", "/its/name", Answer(json=job))
    moved = Answer(302, headers={"location": f"{inside.url}/secret"})
    loopback.route("GET", "/jobs/1/status", moved)
    loopback.route("PUT", "/jobs/1/cancel", Answer(json={}))
    client = InferenceClient(
        "org/model",
        provider="fal-ai",
        token="key",
        hosts={"fal-ai": loopback.url},
        mapping={"org/model": {"fal-ai": "its/name"}},
        max_retries=0,
    )
    with pytest.raises(errors.HfWidgetsError) as caught:
        client.text_to_video("a boat")
    inside.close()
    assert inside.requests == []
    assert "of the inside" not in str(caught.value)
