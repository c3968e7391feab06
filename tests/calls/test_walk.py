"""Keep the way from a method to the bytes short, for readers who follow a call."""

import sys
from pathlib import Path
from types import FrameType

import hfwidgets
from hfwidgets import InferenceClient
from tests.plugins.loopback import Answer, Loopback
from tests.plugins.sample_media import encode_image

ROOT = Path(str(hfwidgets.__file__)).parent

MAX_MODULES = 14
MAX_ENTRIES = 80

TRANSPORT = ("calls/sync_transport.py", "calls/http1.py")
"""What stands in place of httpx's transports, whose functions nobody who follows a call reads."""

MAX_TRANSPORT_ENTRIES = 44  # of two requests


def test_the_way_of_a_warm_call_is_short(loopback: Loopback) -> None:
    url = f"{loopback.url}/result.png"
    loopback.route("POST", "/its/name", Answer(json={"images": [{"url": url}]}))
    loopback.route("GET", "/result.png", Answer(body=encode_image()))
    client = InferenceClient(
        "org/model",
        provider="fal-ai",
        token="key",
        hosts={"fal-ai": loopback.url},
        mapping={"org/model": {"fal-ai": "its/name"}},
    )
    client.text_to_image("a boat")
    entered = min((record_call(client) for _ in range(5)), key=len)  # answers come in 1 or 2 reads
    transport = [name for name, _ in entered if name.endswith(TRANSPORT)]
    modules = {name for name, _ in entered}.difference(transport)
    assert 0 < len(modules) <= MAX_MODULES, sorted(modules)
    assert len(entered) - len(transport) <= MAX_ENTRIES, entered
    assert len(transport) <= MAX_TRANSPORT_ENTRIES, entered


def record_call(client: InferenceClient) -> list[tuple[str, str]]:
    """Return the module and the name of each function of ours that a call enters."""
    entered: list[tuple[str, str]] = []

    def profile(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and Path(code.co_filename).is_relative_to(ROOT):
            entered.append((code.co_filename, code.co_qualname))

    sys.setprofile(profile)
    try:
        client.text_to_image("a boat")
    finally:
        sys.setprofile(None)
    return entered
