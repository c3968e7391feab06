"""What a piece of HTML would load from elsewhere: saved outputs must load nothing.

Colab shows each output in a frame of its own, at an address that has neither the notebook's files
nor the kernel's ports, so relative addresses lead nowhere there.
"""

import re
from html.parser import HTMLParser

LOADERS = {"script", "link", "iframe", "object", "embed", "base"}
LOADED = {"src", "srcset", "poster", "data", "background"}
LINK = re.compile(r"(https?://|mailto:|#)")


class _Finder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in LOADERS:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            text = value or ""
            if name in LOADED and not text.startswith("data:"):
                self.found.append(f"{name}={text[:80]}")
            if name == "href" and not LINK.match(text):
                self.found.append(f"href={text[:80]}")
            if name == "style":
                self.handle_data(text)

    def handle_data(self, data: str) -> None:
        self.found += re.findall(r"@import[^;]*|url\(\s*[\"']?(?!data:|#)[^)]*", data)


def find_outside(html: str) -> list[str]:
    """Return what the HTML would load, and links to relative addresses."""
    finder = _Finder()
    finder.feed(html)
    return finder.found
