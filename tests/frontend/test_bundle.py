"""What the built front end may need of the page it lives in: nothing but the widget's own line.

VS Code and Colab show widgets in frames of their own, which reach neither a port of the kernel's
machine nor, offline, a CDN. So nothing that the bundle holds asks for more; the browser tests
check that no panel's page sends a request to anywhere but its own server.
"""

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "hfwidgets" / "static"
BUILT = sorted(path.name for path in STATIC.glob("*.*s") if path.suffix in (".js", ".css"))

NAMESPACES = re.compile(r"http://www\.w3\.org/(1998/Math/MathML|1999/xhtml|2000/svg)$")
HINTS = re.compile(r"https://github\.com/(highlightjs/highlight\.js|markedjs/marked)\b")
"""Where libraries send a developer who reads their warnings; no address to load from."""

REACHING = {
    "a request of its own": r"XMLHttpRequest|EventSource\b|sendBeacon|importScripts|WebTransport",
    "a socket": r"\bWebSocket\b|RTCPeerConnection",
    "a frame": r"createElement\(\s*[\"'`]iframe|srcdoc|contentWindow",
    "code from text": r"(?<![.\w\\])eval\(|new Function\b|setTimeout\(\s*[\"'`]",
    "a worker": r"new (Shared)?Worker\b|serviceWorker",
    "a style from elsewhere": r"@import\s*[\"']?(https?:)?//|url\(\s*[\"']?(https?:)?//",
}


@pytest.mark.parametrize("name", BUILT)
def test_the_bundle_names_no_address(name: str) -> None:
    text = (STATIC / name).read_text()
    found = re.findall(r"(?:https?|wss?)://[\w./-]+", text)
    assert [url for url in found if not NAMESPACES.match(url) and not HINTS.match(url)] == []


@pytest.mark.parametrize("name", BUILT)
@pytest.mark.parametrize("what", REACHING)
def test_the_bundle_reaches_for_nothing(name: str, what: str) -> None:
    assert re.findall(REACHING[what], (STATIC / name).read_text()) == []


def test_all_of_the_bundle_was_looked_at() -> None:
    assert {"panel.js", "task.js", "markdown.js", "panel-style.css"} <= set(BUILT)


def test_code_comes_from_the_kernel_alone() -> None:
    """One dynamic import, of an object URL made from the bytes that the kernel sent."""
    for name in BUILT:
        text = (STATIC / name).read_text()
        imports = re.findall(r"(?<![\w$.])import\(\s*([^)]+)\)", text)
        assert len(imports) == (name == "panel.js")
        for argument in imports:
            made = re.escape(argument) + r"\s*=\s*URL\.createObjectURL\("
            assert re.search(made, text), "what is imported is an object URL"
