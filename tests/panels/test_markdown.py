"""Static HTML of Markdown: faithful to the text, safe for hostile ones, and whole."""

import random
import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfwidgets.results.code_html import LANGUAGES, highlight_code
from hfwidgets.results.markdown import markdown_to_html
from tests.browser.talker import HOSTILE, RICH
from tests.panels import golden_markdown
from tests.plugins.hostile_markdown import make_hostile

MARKUP = {
    *("a", "b", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("hr", "i", "li", "ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th"),
    *("thead", "tr", "ul", "math", "semantics", "annotation", "mrow", "mi", "mn", "mo", "ms"),
    *("mtext", "mspace", "msup", "msub", "msubsup", "mfrac", "msqrt", "mroot", "mover", "munder"),
    *("munderover", "mtable", "mtr", "mtd", "mstyle", "mphantom", "menclose", "mmultiscripts"),
    *("mprescripts", "none"),
}
LINK = re.compile(r"https?://[^\s\"'<>\\]+|mailto:[^\s\"'<>\\]+", re.IGNORECASE)


class Reader(HTMLParser):
    """Collects what a fragment shows, and everything in it that could act."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.exposed: list[str] = []
        """Pieces of text between two tags, outside of code, as MathJax and KaTeX read them."""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("br", "hr"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            self._open.reverse()
            self._open.remove(tag)
            self._open.reverse()

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if not {"code", "pre", "annotation"} & set(self._open):
            self.exposed.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def check_safe(text: str) -> Reader:
    """Render a text and assert that nothing in the HTML acts, loads or is read again."""
    found = Reader(markdown_to_html(text))
    assert found.tags <= MARKUP, found.tags - MARKUP
    for tag, name, value in found.attributes:
        assert name not in ("id", "class", "style", "src", "name")
        assert not name.startswith("on")
        assert name != "href" or (tag == "a" and LINK.fullmatch(value)), (text, tag, value)
    for piece in found.exposed:
        assert not re.search(r"\$.*\$|\\[(\[a-zA-Z]", piece, re.DOTALL), (text, piece)
    return found


def test_common_markdown_of_models() -> None:
    html = markdown_to_html(RICH)
    expected = {"h1", "strong", "em", "code", "pre", "table", "ol", "ul", "blockquote", "a", "math"}
    assert expected <= Reader(html).tags
    assert "<b>def</b> tide(hours: float)" in html
    assert "<i># metres above the mean</i>" in html
    assert html.count("<td") == 4


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a\nb", "<p>a\nb</p>"),
        ("a  \nb\\\nc", "<p>a<br>\nb<br>\nc</p>"),
        ("a\n===\nb\n---\nc", "<h1>a</h1>\n<h2>b</h2>\n<p>c</p>"),
        ("# a #\n## b", "<h1>a</h1>\n<h2>b</h2>"),
        ("a\n# b", "<p>a</p>\n<h1>b</h1>"),
        ("a\n*b*\n1x\n|c\n-d\n\\(e", "<p>a\n<em>b</em>\n1x\n|c\n-d\n"),
        ("a\n- b", "<p>a</p>\n<ul>\n<li>b</li>\n</ul>"),
        ("a\n> b\nc", "<p>a</p>\n<blockquote>\n<p>b\nc</p>\n</blockquote>"),
        ("- a\n  b\n\n      c", "<p>a\nb</p>\n<pre><code>c\n</code></pre>"),
        ("a\n    b", "<p>a\nb</p>"),
        ("a\n```\nb\n```", "<p>a</p>\n<pre><code>b\n</code></pre>"),
        ("a\n***\nb", "<p>a</p>\n<hr>\n<p>b</p>"),
        ("3. a\n4. b", '<ol start="3">'),
        ("**a** *b* ~~c~~ `d`", "<strong>a</strong> <em>b</em> <s>c</s> <code>d</code>"),
        ("&lt;b&gt; &copy;", "<p>&lt;b&gt; ©</p>"),
        ("|a|b|\n|:-|-:|\n|1|2|", '<td align="left">1</td>\n<td align="right">2</td>'),
        ("|a|\n|-|\n|1|2|3|", "<td>1|2|3</td>"),
        ("![a *b*](https://c.d/e.png 'f')", '<a href="https://c.d/e.png" title="f"'),
        ("![a *b*](https://c.d/e.png)", ">a b (image)</a>"),
        ("![](https://c.d/e.png)", ">image (image)</a>"),
        ("```klingon\nx < 1\n```", "<pre><code>x &lt; 1\n</code></pre>"),
        ("```klingon x\ny\n```", "<i>klingon x</i>"),
        ("\ud83d \ude00 \0", "<p>\ufffd \ufffd \ufffd</p>"),
        ("", ""),
    ],
)
def test_blocks_and_marks(text: str, html: str) -> None:
    assert html in markdown_to_html(text)


@pytest.mark.parametrize(("text", "html"), golden_markdown.load())
def test_saved_html_stays_as_it_is(text: str, html: str) -> None:
    """Each rule at its edges; `python -m tests.panels.golden_markdown` writes the file again."""
    assert markdown_to_html(text) == html
    check_safe(text)


@pytest.mark.parametrize(
    ("text", "is_whole"),
    [
        ("a" * 7994 + " *m n*", True),  # 8,000 characters
        ("a" * 7995 + " *m n*", False),  # cut at the last blank
        ("a" * 4000 + " *m\nn*" + " b" * 3000, False),  # at a line break rather than a blank
        ("a" * 4000 + " *m n*\nb" + " b" * 3000, True),
        ("a" * 4000 + " *m n*" + "b" * 5000, False),
        ("a" * 7996 + "*m_n*", False),  # anywhere, if there is neither
        ("\n" + "a" * 7000 + "*mn*" + "b" * 900, True),
        ("b" * 9000 + " *m n*", True),
    ],
)
def test_a_long_paragraph_is_cut_where_markup_rarely_is(text: str, is_whole: bool) -> None:
    html = markdown_to_html(text)
    assert ("<em>" in html) is is_whole
    assert Reader(html).text.strip() == (text.replace("*", "") if is_whole else text).strip()


def test_the_budgets_of_code_and_formulas_are_spent_to_the_end() -> None:
    def bold(*lengths: int) -> list[bool]:
        """Tell of each code block whether its keyword is marked."""
        blocks = ["```python\n" + "if x".ljust(n - 1) + "\n```\n" for n in lengths]
        parts = markdown_to_html("\n".join(blocks)).split("<pre>")[1:]
        return ["<b>if</b>" in part for part in parts]

    assert bold(40_000) == [True]
    assert bold(40_001, 10) == [False, True]
    assert bold(20_000, 20_000, 10) == [True, True, False]
    assert bold(30_000, 20_000, 10_000) == [True, False, True]

    def drawn(*lengths: int) -> list[bool]:
        """Tell of each formula whether it became MathML."""
        text = "\n\n".join("$" + "x".rjust(n, "+") + "$" for n in lengths)
        return ["<math" in part for part in markdown_to_html(text).split("<p>")[1:]]

    assert drawn(1000, 1001, 1000) == [True, False, True]
    assert drawn(*[1000] * 8, 1) == [True] * 8 + [False]
    assert drawn(9000, 1) == [False, True]


def test_a_formula_nested_too_deeply_stays_its_source() -> None:
    def nest(depth: int) -> str:
        return f"${'{' * depth}x{'}' * depth}$"

    assert "<math" in markdown_to_html(nest(50))
    assert "<math" not in markdown_to_html(nest(70))


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        (r"\(a_b*c*d\)", "a_b*c*d"),
        ("$x^2$", "x^2"),
        ("cost $x$ and $y$.", "y"),
        ("\\[\na\n\n+b\n\\]", "a\n\n+b"),
        (r"so \[c\] it is", "c"),
        ("so $$c$$ it is", "c"),
        ("$$a<b$$", "a&lt;b"),
        ("Text:\n$$\na\n$$\nmore", "a"),
        ("- x\n  $$\n  a\n  $$\n\ny", "a"),
        ("> $$\n> a\n> $$", "a"),
        (r"$a\$b$", r"a\$b"),
    ],
)
def test_formulas_are_mathml_with_their_source(text: str, tex: str) -> None:
    html = markdown_to_html(text)
    assert "<math" in html
    assert f'<annotation encoding="application/x-tex">{tex}</annotation>' in html


@pytest.mark.parametrize(
    "text",
    [
        "$5 and $10",
        "Revenue rose from $5 million to $10 million",
        "between $1,000 - $2,000",
        "`$x$` and $ x $",
        "a $x\ny$ b",
        r"\$x\$",
        "$x$5",
        "$$ $$",
        r"\( \) and \[ \]",
        "```\n$x$\n```",
        "$$$$\n\na\n\n$$",
        r"a \( b \( c \[ d \[ e",
    ],
)
def test_dollars_and_brackets_of_text_are_not_formulas(text: str) -> None:
    assert "<math" not in markdown_to_html(text)
    check_safe(text)


@pytest.mark.parametrize("block", ["$$\na\n$$", "$$a$$", "\\[\na\n\\]", "\\[a\\]", "  $$a$$  "])
def test_the_lines_around_a_block_formula_are_kept(block: str) -> None:
    html = markdown_to_html(f"before\n{block}\nafter\n\nlast")
    assert html.startswith('<p>before</p>\n<p><math display="block">')
    assert html.endswith("</math></p>\n<p>after</p>\n<p>last</p>\n")


def test_a_formula_has_only_harmless_elements() -> None:
    html = markdown_to_html(
        r"$\frac{1}{\sqrt{x}} \text{if } \mathbb{R} \, \begin{matrix}a\end{matrix}$"
    )
    assert {"mfrac", "msqrt", "mtext", "mtable", "mspace"} <= Reader(html).tags


@pytest.mark.parametrize(
    "tex",
    [
        r"\href{javascript:alert(1)}{x}",
        r"\class{evil}{x}",
        r"\style{position:fixed}{x}",
        r"\cssId{main}{x}",
        r"\color{white}{x}",
        r"\smash{\rlap{\rule{10em}{3em}}}x",
        r"\hspace{-100em}x",
        r"\hspace{500em}x",
        r"\text{<img src=x onerror=alert(1)>}",
        r"\text{</annotation><script>alert(1)</script>}",
        r"\Huge x",
        r"\llap{x}\raisebox{9em}{y}",
    ],
)
def test_a_formula_cannot_act_or_paint_over_its_neighbors(tex: str) -> None:
    found = check_safe(f"${tex}$")
    assert not {name for _, name, _ in found.attributes} - {"encoding", "width", "stretchy"}
    assert all(
        abs(float(value.removesuffix("em"))) < 3 for _, n, value in found.attributes if n == "width"
    )
    assert tex in found.text


@pytest.mark.parametrize(
    "tex", [r"\frac{1}{", r"\unknown{x}", "{" * 300 + "x" + "}" * 300, "x^" * 90]
)
def test_a_formula_that_cannot_be_drawn_stays_its_source(tex: str) -> None:
    html = markdown_to_html(f"a $${tex}$$ b")
    assert f"<code>$${tex}$$</code>" in html
    assert "<math" not in html


def test_formulas_beyond_the_budget_stay_their_source() -> None:
    found = Reader(markdown_to_html("$x_1+y_2$ " * 3000))
    assert {"math", "code"} <= found.tags
    assert found.text.count("x_1+y_2") == 3000


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("[a](https://b.c/d?e=1&f=2)", "https://b.c/d?e=1&amp;f=2"),
        ("[a](HTTP://b.c)", "HTTP://b.c"),
        ("[a](mailto:b@c.d)", "mailto:b@c.d"),
        ("<https://b.c>", "https://b.c"),
        ("<b@c.d>", "mailto:b@c.d"),
        ("[a][b]\n\n[b]: https://c.d", "https://c.d"),
        ("[b]\n\n[b]: <https://c.d> 'title'", "https://c.d"),
        ("[a]: https://b.c\n[d]: https://e.f\n\n[d]", "https://e.f"),
        ("[*a* `b`](https://c.d)", "https://c.d"),
    ],
)
def test_absolute_links_are_links(text: str, href: str) -> None:
    assert f'<a href="{href}"' in markdown_to_html(text)
    assert 'rel="noopener noreferrer"' in markdown_to_html(text)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "/logout",
            "logout",
            "../x",
            "?a=b",
            "#top",
            "//evil.example/x",
            "http:logout",
            "http:/x",
        ),
        *("javascript:alert(1)", "JAVASCRIPT:alert(1)", "&#x6A;avascript:alert(1)", "vbscript:x"),
        *("data:text/html,x", "file:///etc/passwd", "ftp://a.b", "\\\\a.b\\c"),
        *("blob:https://a.b/c", "java%0ascript:x", "\u200b/logout"),
        *("https:\\\\a.b", "https://"),
    ],
)
@pytest.mark.parametrize(
    "form", ["[{}]({})", "![{}]({})", "[{}](<{}>)", "[{0}]\n\n[{0}]: {1}", "<{1}>"]
)
def test_any_other_address_stays_text(form: str, address: str) -> None:
    found = check_safe(form.format("label", address))
    assert "a" not in found.tags
    assert "label" in found.text or form == "<{1}>"


def test_an_address_is_used_as_it_was_checked() -> None:
    invisible = ("\x85", "\u200b", "\u00ad", "\u202e", "\u2060", "\ufeff", "\U000e0001", "\u2028")
    hidden = [f"[x](<{sign}https:{sign}//a.b{sign}>)" for sign in invisible]
    for form in (*hidden, "[x]( https://a.b )", "[x]\n\n[x]: <https://a.b>"):
        assert '<a href="https://a.b" rel' in markdown_to_html(form)


def test_definitions_stay_in_the_text() -> None:
    found = check_safe('See [a][b].\n\n[b]: https://c.d "Title"\n[e]: https://f.g\n[h]: /i\n')
    for word in ("[b", "c.d", "Title", "[e", "f.g", "[h]: /i"):
        assert word.strip("[") in found.text


ATTACKS = [
    HOSTILE,
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](https://evil.invalid/p.png)",
    '[x](https://a.b "\\" onmouseover=alert(1) ")',
    "$<img src=x onerror=alert(1)>$",
    "```html\n<img src=x onerror=alert(1)>\n```",
    '```"><img src=x onerror=alert(1)>\nx\n```',
    '<p id="main" style="position:fixed" data-commandlinker-command="x">z</p>',
    "[a]: javascript:alert(1)\n\n[a]",
    "`$a` $b$ `$c`",
    r"\\(x\\) \\[y\\] \begin{equation}z\end{equation}",
    "$" * 7,
    "\\",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_attacks_come_out_harmless(text: str) -> None:
    check_safe(text)


@given(
    st.lists(
        st.sampled_from([*"<>&\"'`$\\()[]!*_#|~:/ \n", "javascript:", "http://a", "on=", "img"])
    )
)
def test_any_text_comes_out_harmless(parts: list[str]) -> None:
    check_safe("".join(parts))


def test_1500_hostile_texts_come_out_harmless_and_whole() -> None:
    for seed in range(1500):
        text, words = make_hostile(seed)
        found = check_safe(text)
        shown = found.text + " ".join(unquote(value) for _, _, value in found.attributes)
        lost = [word for word in words if word not in shown.lower()]
        assert not lost, (seed, lost, text)


@pytest.mark.parametrize(
    "make",
    [
        lambda n: ">" * n + " {}",
        lambda n: "> " * n + "{}",
        lambda n: "- " * n + "{}",
        lambda n: "".join("  " * at + "- x\n" for at in range(n)) + "  " * n + "{}",
        lambda n: "1. " * n + "{}",
        lambda n: "*" * n + "{}" + "*" * n,
        lambda n: "[" * n + "{}" + "]" * n,
        lambda n: "![" * n + "{}" + "](https://a.b)" * n,
        lambda n: "<b>" * n + "{}",
        lambda n: "$" + "{{" * n + "{}" + "}}" * n + "$",
    ],
)
@pytest.mark.parametrize("depth", [19, 20, 21, 60, 400])
def test_text_nested_however_deeply_is_kept(make: Callable[[int], str], depth: int) -> None:
    text = make(depth).format("innermost") + "\n\nafterwards"
    found = check_safe(text)
    # A formula has its source as well.
    assert found.text.count("innermost") == 1 + ("math" in found.tags)
    assert "afterwards" in found.text


@pytest.mark.parametrize("joint", [" ", "\n", "", " *a* ", " $x$ ", "\\", "**", "[", "`"])
def test_long_text_is_kept_to_its_last_word(joint: str) -> None:
    words = [f"w{at}z" for at in range(4000)]
    found = check_safe(joint.join(words))
    assert all(word in found.text for word in words)


def test_long_code_is_kept_and_stays_plain() -> None:
    lines = [f"def f{at}(): pass" for at in range(3000)]
    found = Reader(markdown_to_html("```python\n" + "\n".join(lines) + "\n```"))
    assert "b" not in found.tags
    assert found.text.split("\n", 1)[0] == "python" + lines[0]
    assert "\n".join(lines[1:]) in found.text


@pytest.mark.parametrize(
    ("language", "code", "html"),
    [
        ("python", "if x: # if", "<b>if</b> x: <i># if</i>"),
        ("Python", "x = 'if # \\' if'", "x = 'if # \\' if'"),
        ("py", 'a = """if\n# b""" if c', 'a = """if\n# b""" <b>if</b> c'),
        ("py", '"""if\n# never closed', '"""if\n# never closed'),
        ("py", "'if\nif", "'if\n<b>if</b>"),
        ("js", "/* if\n*/ if (`if`) // if", "<i>/* if\n*/</i> <b>if</b> (`if`) <i>// if</i>"),
        ("ts", "/* never closed if", "<i>/* never closed if\n</i>"),
        ("sql", "SELECT a -- FROM\nFROM b", "<b>SELECT</b> a <i>-- FROM</i>\n<b>FROM</b> b"),
        ("c", "IF if", "IF <b>if</b>"),
        ("html", "<p><!-- a < b --></p>", "&lt;p&gt;<i>&lt;!-- a &lt; b --&gt;</i>&lt;/p&gt;"),
        ("json", '{"true": true}', '{"true": <b>true</b>}'),
        ("rust", "fn f<'a>(x: &'a str) {} // if", "<b>fn</b> f&lt;'a&gt;(x: &amp;'a str) {} <i>"),
        ("latex", "\\if % if", "\\if <i>% if</i>"),
        ("klingon", "if # if", "if # if"),
        ("", "if # if", "if # if"),
    ],
)
def test_keywords_and_comments_are_marked(language: str, code: str, html: str) -> None:
    assert f"<pre><code>{html}" in markdown_to_html(f"```{language}\n{code}\n```")


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_no_character_of_code_is_lost(language: str) -> None:
    parts = [
        '"',
        "'",
        "`",
        "/*",
        "*/",
        "//",
        "#",
        "--",
        "<!--",
        "if",
        "\\",
        "\n",
        " ",
        "é<&",
        '"""',
    ]
    choose = random.Random(language)
    for _ in range(20):
        code = "".join(choose.choices(parts, k=60)) + "\n"
        marked = highlight_code(code, language.upper())
        assert marked is not None
        assert unescape(re.sub("</?[bi]>", "", marked)) == code


def test_highlighting_has_a_budget_for_the_whole_text() -> None:
    block = "```python\nif x: pass\n```\n"
    html = markdown_to_html(block * 5000)
    assert html.startswith("<div><i>python</i></div><pre><code><b>if</b>")
    assert 1000 < html.count("<b>if</b>") < 4500
    assert html.count("if") == 5000
