"""Parsing rules that make markdown-it linear in time, lossless, and aware of formulas.

Each rule replaces or precedes one of markdown-it's: paragraphs of many lines, reference
definitions, tables with extra cells, nesting without end, brackets without end.
"""

import re
import unicodedata
from typing import TypedDict, cast

from markdown_it.common.normalize_url import normalizeLink
from markdown_it.common.utils import normalizeReference
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.table import escapedSplit, table
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

MAX_DEPTH = 20
"""Levels of quotes and lists inside each other; what lies deeper is shown as its source."""

MAX_INLINE_CHARS = 8_000
"""The longest text whose inline markup is parsed in one piece, in characters."""

_SAFE_LINK = re.compile(r"(?:https?://|mailto:)[^\s\\]+", re.IGNORECASE)

_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""Unicode's categories of control and format characters and separators."""

# In "$5 and $10" the signs enclose an amount and a word: no formula. The first repeats are bounded,
# and the text is cut, so that no input makes it backtrack for long.
_MONEY = re.compile(
    r"\d[\d.,]{0,30}(?:\s{0,9}(?:[-–—]|/|and|or|to|bis|et|y)\s*|[^=+*^_{}\\]*[a-z]{3,})",
    re.IGNORECASE,
)
_DOLLAR_FORMULA = re.compile(r"\$(?!\s)((?:\\[^\n]|[^\\$\n])+?)(?<!\s)\$(?![\d$])")
_DISPLAY_FORMULA = re.compile(r"\$\$([^$]+?)\$\$")
_BRACKETS = {"\\[": "\\]", "\\(": "\\)"}
_OPENINGS = {"$$": "$$", "\\[": "\\]"}

_DEFINITION = re.compile(
    r"\[((?:[^\[\]\\]|\\.){1,999})\]:[ \t]*(<[^<>]*>|[^\s<]\S*)"
    r"(?:[ \t]+(\"[^\"]*\"|'[^']*'|\([^()]*\)))?[ \t]*"
)

_TEXT = re.compile(r"(?:[^\n!#$%&*+\-:<=>@\[\\\]^_`{}~]|(?<! )\n(?![ \t]))+")
"""Text up to the next character that may begin markup. A line break is text unless blanks around
it mean something: one token for many short lines, where markdown-it makes two for each."""

_STARTERS = frozenset("`~>*-_+0123456789#$\\|:")
"""The first characters of lines that may end a paragraph without a blank line."""


class Memo(TypedDict, total=False):
    """What the rules remember while one text is parsed, in markdown-it's `env`."""

    unclosed: set[tuple[str, int, int]]
    missing: dict[str, tuple[str, int]]
    bracket_steps: tuple[str, int]


def normalize_link(url: str) -> str:
    """Return a URL without invisible characters, its others encoded; used as it is checked.

    A browser drops some control characters, and a reader sees none of them.
    """
    if not url.isprintable():  # what is invisible is not printable, and few URLs hold any
        url = "".join(c for c in url if unicodedata.category(c) not in _INVISIBLE)
    return normalizeLink(url.strip())


def is_safe_link(url: str) -> bool:
    """True for an absolute http, https or mailto URL; the one rule for links and images.

    A relative link would act on the page it is shown in, which is the user's Jupyter server.
    """
    return _SAFE_LINK.fullmatch(url) is not None


def _memo(state: StateBlock | StateInline) -> Memo:
    return cast(Memo, state.env)


# Blocks


def parse_too_deep(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Show what is nested too deeply as its source; markdown-it would drop it."""
    # Silent calls only probe whether a paragraph ends here, which depth does not decide.
    if silent or state.level < MAX_DEPTH:
        return False
    last = start + 1
    # What is indented less belongs to an outer list, or to none.
    while last < end and (state.isEmpty(last) or state.sCount[last] >= state.blkIndent):
        last += 1
    token = state.push("source", "pre", 0)
    token.content = state.getLines(start, last, state.blkIndent, True)
    state.line = last
    return True


def parse_block_formula(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    r"""Parse $$..$$ and \[..\] that begin a line and end one."""
    at = state.bMarks[start] + state.tShift[start]
    opening = state.src[at : at + 2]
    if opening not in _OPENINGS or state.is_code_block(start):
        return False
    last = _find_block_end(state, start, end, opening)
    if last is None:
        return False
    lines = state.getLines(start, last + 1, state.blkIndent, False).strip()
    tex = lines[2:-2]
    if not tex.strip() or _OPENINGS[opening] in tex:
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.block, token.content, token.markup = True, tex.strip(), opening
        state.line = last + 1
    return True


def _find_block_end(state: StateBlock, start: int, end: int, opening: str) -> int | None:
    """Return the line that ends with the closing mark, None without one."""
    unclosed = _memo(state).setdefault("unclosed", set())
    # Inside a quote or a list item the search ends earlier and proves nothing for the text around.
    key = (opening, end, state.level)
    # A formula that is not closed after one line is not closed after a later one either:
    # without this, a text of openings would be searched to its end from each of them.
    if key in unclosed:
        return None
    closing = _OPENINGS[opening]
    for line in range(start, end):
        text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()
        if text and state.sCount[line] < state.blkIndent:
            return None  # the list item ends here
        own = text[2:] if line == start else text
        if own.endswith(closing):
            return line
        if closing in own:
            return None
    unclosed.add(key)
    return None


def parse_definition(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse `[label]: url "title"` on one line, and keep the line as text.

    markdown-it drops definitions, and looks at all that follow for each of them.
    """
    if silent or state.is_code_block(start):
        return False
    at = state.bMarks[start] + state.tShift[start]
    found = _DEFINITION.fullmatch(state.src, at, state.eMarks[start])
    if found is None:
        return False
    href = state.md.normalizeLink(found[2].strip("<>"))
    label = normalizeReference(found[1])
    if not label or not state.md.validateLink(href):
        return False
    title = (found[3] or "")[1:-1]
    references = cast(dict[str, dict[str, str]], state.env.setdefault("references", {}))
    # The first definition of a label wins, as in CommonMark.
    references.setdefault(label, {"title": title, "href": href})
    _push_inline(state, "paragraph", "p", found[0], start, start + 1)
    return True


def parse_paragraph(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a paragraph, or a heading underlined with === or ---, in one pass."""
    end = state.lineMax
    rules = state.md.block.ruler.getRules("paragraph")
    # The other rules look at this to decide whether they may interrupt a paragraph.
    parent, state.parentType = state.parentType, "paragraph"
    can_be_heading = not state.is_code_block(start)
    tag = "p"
    line = start + 1
    while line < end and not state.isEmpty(line):
        # Deeper lines and those of an outer quote only continue the paragraph.
        if state.sCount[line] - state.blkIndent > 3:
            line += 1
            continue
        first = state.src[state.bMarks[line] + state.tShift[line]]
        if can_be_heading and first in "-=" and state.sCount[line] >= state.blkIndent:
            text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
            if not text.rstrip(" \t").strip(first):
                tag = "h1" if first == "=" else "h2"
                break
        if _may_end_paragraph(state, line, first) and any(
            rule(state, line, end, True) for rule in rules
        ):
            break
        line += 1
    state.parentType = parent
    content = state.getLines(start, line, state.blkIndent, False).strip()
    after = line if tag == "p" else line + 1
    _push_inline(state, "paragraph" if tag == "p" else "heading", tag, content, start, after)
    return True


def _may_end_paragraph(state: StateBlock, line: int, first: str) -> bool:
    """False where no rule can match: asking them all costs more than the rest of the parsing."""
    if state.sCount[line] < 0:  # a blockquote's rule has checked this line already
        return False
    return first in _STARTERS or state.src.find("|", state.bMarks[line], state.eMarks[line]) >= 0


def _push_inline(
    state: StateBlock, name: str, tag: str, content: str, start: int, end: int
) -> None:
    state.line = end
    state.push(f"{name}_open", tag, 1).map = [start, end]
    token = state.push("inline", "", 0)
    token.content, token.map, token.children = content, [start, end], []
    state.push(f"{name}_close", tag, -1)


def parse_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a table, and put cells beyond the head's into a row's last cell.

    markdown-it drops those cells.
    """
    before = len(state.tokens)
    if not table(state, start, end, silent):
        return False
    if silent:
        return True
    cells: dict[int, list[Token]] = {}
    for token in state.tokens[before:]:
        if token.type == "inline" and token.map:
            cells.setdefault(token.map[0], []).append(token)
        elif style := str(token.attrs.pop("style", "")):  # the allow-list has no styles
            token.attrs["align"] = style.removeprefix("text-align:")
    for line, row in cells.items():
        at = state.bMarks[line] + state.tShift[line]
        text = state.src[at : state.eMarks[line]].strip()
        # The surplus cells are gone from the tokens, so the line is split again.
        parts = escapedSplit(text.removeprefix("|").removesuffix("|"))
        if len(parts) > len(row):
            row[-1].content = "|".join(parts[len(row) - 1 :]).strip()
    return True


# Inline markup


def parse_inline(state: StateCore) -> None:
    """Parse the inline markup of each block, long ones in pieces.

    Nested brackets and marks without a partner take time that grows with the square of the
    length; a limit on the length makes it linear.
    """
    for token in state.tokens:
        if token.type != "inline":
            continue
        children: list[Token] = []
        for piece in _split_text(token.content):
            children += state.md.inline.parse(piece, state.md, state.env, [])
        token.children = children


def _split_text(text: str) -> list[str]:
    """Split a long text at line breaks or blanks, or anywhere if it has none."""
    pieces = []
    at = 0
    while len(text) - at > MAX_INLINE_CHARS:
        limit = at + MAX_INLINE_CHARS
        cut = max(text.rfind("\n", at + 1, limit), at)
        if cut == at:
            cut = max(text.rfind(" ", at + 1, limit), at)
        cut = cut if cut > at else limit
        pieces.append(text[at:cut])
        at = cut
    return [*pieces, text[at:]]


def parse_text(state: StateInline, silent: bool) -> bool:
    """Take plain text, line breaks included, up to the next character that may begin markup."""
    found = _TEXT.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.pending += found[0]
    state.pos = found.end()
    return True


def find_label_end(state: StateInline, start: int, disable_nested: bool = False) -> int:
    """Return where the label of a link or image that begins here ends, -1 if nowhere.

    As markdown-it's function of this purpose, with a budget: brackets inside each other, or
    without an end, would be walked from each of them. Beyond the budget brackets stay text.
    """
    source, steps = _memo(state).get("bracket_steps", ("", 0))
    # Identity tells one inline text from the next; comparing them would cost their length.
    steps = steps if source is state.src else 0
    limit = 500 + len(state.src)
    before, state.pos = state.pos, start + 1
    level, end = 1, -1
    while state.pos < state.posMax and steps < limit:
        steps += 1
        mark, at = state.src[state.pos], state.pos
        if mark == "]":
            level -= 1
            if level == 0:
                end = at
                break
        state.md.inline.skipToken(state)
        if mark == "[" and state.pos == at + 1:
            level += 1  # a bracket of text, not of a whole link
        elif mark == "[" and disable_nested:
            break
    _memo(state)["bracket_steps"] = (state.src, steps)
    state.pos = before
    return end


def parse_inline_formula(state: StateInline, silent: bool) -> bool:
    r"""Parse $$..$$, \[..\], \(..\) and $..$; "$5 and $10" stays text."""
    if state.src[state.pos] not in "$\\":
        return False
    opening = state.src[state.pos : state.pos + 2]
    if opening in _BRACKETS:
        end = _find_bracket(state, _BRACKETS[opening])
        return end >= 0 and _push_formula(state, opening, end, silent)
    if not opening.startswith("$"):
        return False
    if opening == "$$" and (found := _DISPLAY_FORMULA.match(state.src, state.pos, state.posMax)):
        return _push_formula(state, "$$", found.end() - 2, silent)
    found = _DOLLAR_FORMULA.match(state.src, state.pos, state.posMax)
    if found is None or _MONEY.match(found[1][:200]):
        return False
    return _push_formula(state, "$", found.end() - 1, silent)


def _find_bracket(state: StateInline, closing: str) -> int:
    """Return where a formula is closed, -1 if nowhere; a text is searched to its end once."""
    missing = _memo(state).setdefault("missing", {})
    source, since = missing.get(closing, ("", 0))
    if source is state.src and state.pos >= since:
        return -1
    end = state.src.find(closing, state.pos + 2, state.posMax)
    # Inside a link's label posMax is smaller, and the search proves nothing for the rest.
    if end < 0 and state.posMax == len(state.src):
        missing[closing] = (state.src, state.pos)
    return end


def _push_formula(state: StateInline, opening: str, end: int, silent: bool) -> bool:
    tex = state.src[state.pos + len(opening) : end].strip()
    if not tex:
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content, token.markup = tex, opening
    state.pos = end + len(opening)
    return True
