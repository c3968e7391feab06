"""Test that the built front end needs nothing from its page but the widget's connection.

VS Code and Colab show widgets in separate frames, which reach neither a port of the kernel's
machine nor, offline, a CDN. So no code in the bundle may load anything; the browser tests check
that a panel's page sends requests only to its own server.
"""

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "hfwidgets" / "static"
BUILT = sorted(path.name for path in STATIC.glob("*.*s") if path.suffix in (".js", ".css"))

NAMESPACES = re.compile(r"http://www\.w3\.org/(1998/Math/MathML|1999/xhtml|2000/svg)$")
HINTS = re.compile(r"https://github\.com/(highlightjs/highlight\.js|markedjs/marked)\b")
"""URLs in the warnings of libraries, from which nothing is loaded."""

LOADERS = {
    "a request": r"XMLHttpRequest|EventSource\b|sendBeacon|importScripts|WebTransport",
    "a socket": r"\bWebSocket\b|RTCPeerConnection",
    "a frame": r"createElement\(\s*[\"'`]iframe|srcdoc|contentWindow",
    "code from text": r"(?<![.\w\\])eval\(|new Function\b|setTimeout\(\s*[\"'`]",
    "a worker": r"new (Shared)?Worker\b|serviceWorker",
    "a relative address": r"import\.meta|(src|href)=\\?[\"'](?!\$\{|data:|#|blob:)[\w./]"
    r"|url\(\s*[\"'](?!data:|#)",
    "a style from another server": r"@import\s*[\"']?(https?:)?//|url\(\s*[\"']?(https?:)?//",
}


@pytest.mark.parametrize("name", BUILT)
def test_the_bundle_contains_no_urls(name: str) -> None:
    text = (STATIC / name).read_text()
    found = re.findall(r"(?:https?|wss?)://[\w./-]+", text)
    assert [url for url in found if not NAMESPACES.match(url) and not HINTS.match(url)] == []


@pytest.mark.parametrize("name", BUILT)
@pytest.mark.parametrize("loader", LOADERS)
def test_the_bundle_loads_nothing(name: str, loader: str) -> None:
    assert re.findall(LOADERS[loader], (STATIC / name).read_text()) == []


def test_only_the_waveform_fetches() -> None:
    """It fetches the object URL of audio that the kernel sent."""
    calls = {name for name in BUILT if re.search(r"[^.\w$}]fetch\(", (STATIC / name).read_text())}
    assert calls == {"wave.js"}


def test_the_whole_bundle_is_checked() -> None:
    assert {"panel.js", "ui.js", "markdown.js", "wave.js"} <= set(BUILT)


def test_code_comes_from_the_kernel_only() -> None:
    """The one dynamic import is an object URL, made from the bytes that the kernel sent."""
    for name in BUILT:
        text = (STATIC / name).read_text()
        imports = re.findall(r"(?<![\w$.])import\(\s*([^)]+)\)", text)
        assert len(imports) == (name == "panel.js")
        for argument in imports:
            creation = re.escape(argument) + r"\s*=\s*URL\.createObjectURL\("
            assert re.search(creation, text), "the import is not an object URL"
