"""Static HTML of Markdown: faithful to the text, and safe for hostile ones."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfwidgets.results.markdown import ATTRIBUTES, TAGS, markdown_to_html
from tests.browser.talker import HOSTILE, RICH


class Reader(HTMLParser):
    """Collects the elements and attributes of a fragment."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str, str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(tag, name, value or "") for name, value in attrs}


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def check_safe(text: str) -> None:
    found = read(markdown_to_html(text))
    assert found.tags <= TAGS
    for tag, name, value in found.attributes:
        assert name in ATTRIBUTES.get(tag, set()) | {"rel"}
        if name == "href":
            assert re.match(r"(https?:|mailto:)", value, re.IGNORECASE), value


def test_common_markdown_of_models() -> None:
    html = markdown_to_html(RICH)
    assert {"h1", "strong", "em", "code", "pre", "table", "ol", "ul", "blockquote", "a"} <= read(
        html
    ).tags
    assert "<b>def</b> tide(hours: float)" in html
    assert html.count("<td") == 4


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (r"\(a_b*c*d\)", "$a_b*c*d$"),
        ("$x^2$", "$x^2$"),
        ("\\[\na\n\n+b\n\\]", "$$a\n\n+b$$"),
        ("$$a<b$$", "$$a&lt;b$$"),
        ("Text:\n$$\na\n$$\nmore", "<p>$$a$$</p>"),
        ("$5 and $10", "<span>$</span>5 and <span>$</span>10"),
        ("`$x$`", "<code>$x$</code>"),
    ],
)
def test_formulas_stay_readable(text: str, html: str) -> None:
    assert html in markdown_to_html(text)


ATTACKS = [
    HOSTILE,
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JAVASCRIPT:alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x](data:text/html,x)",
    "<javascript:alert(1)>",
    "![x](https://evil.invalid/p.png)",
    "![x](javascript:alert(1))",
    '[x](https://a.b "\\" onmouseover=alert(1) ")',
    "$<img src=x onerror=alert(1)>$",
    "```html\n<img src=x onerror=alert(1)>\n```",
    '```"><img src=x onerror=alert(1)>\nx\n```',
    '<p id="main" style="position:fixed" data-commandlinker-command="x">z</p>',
    "[a]: javascript:alert(1)\n\n[a]",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_attacks_come_out_harmless(text: str) -> None:
    check_safe(text)


@given(
    st.lists(
        st.sampled_from([*"<>&\"'`$\\()[]!*_#|~:/ \n", "javascript:", "http://a", "on=", "img"])
    )
)
def test_any_text_comes_out_harmless(parts: Any) -> None:
    check_safe("".join(parts))


def test_unknown_languages_and_long_code_stay_plain() -> None:
    assert "<pre><code>x &lt; 1\n</code></pre>" in markdown_to_html("```klingon\nx < 1\n```")
    assert "<b>" not in markdown_to_html("```python\n" + "def f(): pass\n" * 3000 + "```")
