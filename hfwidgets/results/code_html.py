"""Source code as HTML with its keywords and comments marked.

One regular expression per language finds comments, strings and words, and never looks back: the
time grows with the length of the code. Lexers of pygments were measured to need over ten seconds
for 20,000 characters of some languages, Python and C# among them, which would stall the kernel.
"""

import functools
import html
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass

_C_WORDS = "break case const continue default do else enum for if return static switch while void "
_OBJECT_WORDS = "abstract catch class extends false final finally implements import interface new "
_OBJECT_WORDS += "null package private protected public super this throw throws true try "
_JAVASCRIPT_WORDS = (
    _C_WORDS
    + _OBJECT_WORDS
    + "async await delete export from function in instanceof let of typeof undefined var yield "
)
_TYPES = "bool boolean byte char double float int long short string unsigned "
_SHELL_WORDS = (
    "case do done elif else esac export fi for function if in local return then until while"
)


@dataclass(frozen=True)
class Language:
    """The parts of a language that are marked.

    Attributes:
        words: the keywords, separated by blanks.
        line_comments: what begins a comment that ends with the line.
        block_comments: what begins and ends a longer comment.
        quotes: what begins and ends a string; longer ones first.
        has_cases: True if keywords in capitals are other words.
    """

    words: str
    line_comments: tuple[str, ...] = ("//",)
    block_comments: tuple[tuple[str, str], ...] = (("/*", "*/"),)
    quotes: tuple[str, ...] = ('"', "'")
    has_cases: bool = True


_PYTHON = Language(" ".join(keyword.kwlist), ("#",), (), ('"""', "'''", '"', "'"))
_SHELL = Language(_SHELL_WORDS, ("#",), ())
_C = Language(_C_WORDS + _TYPES + "extern goto inline sizeof signed struct typedef union volatile")
_CPP = Language(
    f"{_C.words} {_OBJECT_WORDS} auto constexpr delete explicit friend namespace nullptr operator "
    "override template typename using virtual"
)
_JAVASCRIPT = Language(_JAVASCRIPT_WORDS, quotes=('"', "'", "`"))
_TYPESCRIPT = Language(
    f"{_JAVASCRIPT_WORDS}any as declare keyof namespace never number readonly string type unknown",
    quotes=('"', "'", "`"),
)
_MARKUP = Language("", (), (("<!--", "-->"),))
_DATA = Language("true false null", ("#",), ())

_NAMES: dict[str, Language] = {
    "python py py3 python3": _PYTHON,
    "bash sh shell zsh dockerfile makefile": _SHELL,
    "c": _C,
    "c++ cpp objective-c": _CPP,
    "c# cs csharp": Language(
        f"{_C_WORDS}{_OBJECT_WORDS}{_TYPES}as async await base delegate event foreach get in "
        "internal is namespace object out override readonly ref sealed set using var virtual yield"
    ),
    "java": Language(f"{_C_WORDS}{_OBJECT_WORDS}{_TYPES}instanceof record synchronized var"),
    "kotlin": Language(f"{_C_WORDS}{_OBJECT_WORDS}as data fun in is object override val when"),
    "scala": Language(f"{_C_WORDS}{_OBJECT_WORDS}def match object override trait val with"),
    "swift": Language(f"{_C_WORDS}{_OBJECT_WORDS}func guard in init let nil self struct var"),
    "javascript js jsx": _JAVASCRIPT,
    "typescript ts tsx": _TYPESCRIPT,
    "go golang": Language(
        f"{_C_WORDS}chan defer fallthrough func go goto import interface map nil package range "
        "select struct true false type var",
        quotes=('"', "'", "`"),
    ),
    "rust rs": Language(
        "as async await break const continue crate dyn else enum extern false fn for if impl in "
        "let loop match mod move mut pub ref return self static struct super trait true type "
        "unsafe use where while",
        quotes=('"',),  # a single quote also begins a lifetime
    ),
    "php": Language(
        f"{_C_WORDS}{_OBJECT_WORDS}as echo elseif foreach function namespace use", ("//", "#")
    ),
    "ruby rb": Language(
        "begin break case class def do else elsif end ensure false for if in module next nil not "
        "or and redo rescue return self super then true undef unless until when while yield",
        ("#",),
        (),
    ),
    "perl": Language(
        "else elsif for foreach if my next our return sub unless use while", ("#",), ()
    ),
    "r": Language(
        "break else for function if in next repeat return while TRUE FALSE NA", ("#",), ()
    ),
    "julia": Language(
        "begin break const continue do else elseif end export false for function global if import "
        "in let local macro module mutable quote return struct true try using while",
        ("#",),
        (("#=", "=#"),),
        ('"""', '"'),
    ),
    "lua": Language(
        "and break do else elseif end false for function goto if in local nil not or repeat return "
        "then true until while",
        ("--",),
        (("--[[", "]]"),),
    ),
    "haskell": Language(
        "case class data deriving do else if import in infix infixl infixr instance let module "
        "newtype of then type where",
        ("--",),
        (("{-", "-}"),),
        ('"',),
    ),
    "sql": Language(
        "add all alter and as asc between by case create cross delete desc distinct drop else end "
        "exists from full group having in index inner insert into is join key left like limit not "
        "null offset on or order outer primary references right select set table then union unique "
        "update values view when where with",
        ("--",),
        has_cases=False,
    ),
    "matlab": Language(
        "break case catch continue else elseif end for function if return switch try while",
        ("%",),
        (),
    ),
    "powershell": Language(
        "break catch continue do else elseif exit finally for foreach function if in param return "
        "switch throw try until while",
        ("#",),
        (("<#", "#>"),),
        has_cases=False,
    ),
    "css": Language("important", (), (("/*", "*/"),)),
    "html xml": _MARKUP,
    "json yaml yml toml": _DATA,
    "ini": Language("", (";", "#"), ()),
    "latex": Language("", ("%",), (), ()),
}
LANGUAGES = {name: language for names, language in _NAMES.items() for name in names.split()}
"""The languages that are marked, by the names that models write after a fence."""


def highlight_code(code: str, language: str) -> str | None:
    """Return code as escaped HTML with bold keywords and italic comments.

    Colors are left out, because no color fits every theme.

    Args:
        code: the source code.
        language: its name after the fence, in any case.

    Returns:
        None where the language is unknown.
    """
    name = language.lower()
    return "".join(_mark_code(code, name)) if name in LANGUAGES else None


def _mark_code(code: str, name: str) -> Iterator[str]:
    language, words = LANGUAGES[name], _split_words(name)
    end = 0
    for found in _compile_pattern(name).finditer(code):
        kind, text = found.lastgroup, found[0]
        is_keyword = kind == "word" and (text if language.has_cases else text.lower()) in words
        # Strings are matched only so that nothing inside one counts as a keyword or a comment.
        if not is_keyword and kind != "comment":
            continue
        mark = "b" if is_keyword else "i"
        yield html.escape(code[end : found.start()], quote=False)
        yield f"<{mark}>{html.escape(text, quote=False)}</{mark}>"
        end = found.end()
    yield html.escape(code[end:], quote=False)


@functools.cache
def _split_words(name: str) -> frozenset[str]:
    return frozenset(LANGUAGES[name].words.split())


@functools.cache
def _compile_pattern(name: str) -> re.Pattern[str]:
    """Return the expression for comments, strings and words; what is not closed ends the code."""
    language = LANGUAGES[name]
    comments = [
        rf"{re.escape(start)}[\s\S]*?(?:{re.escape(end)}|\Z)"
        for start, end in language.block_comments
    ]
    comments += [rf"{re.escape(start)}[^\n]*" for start in language.line_comments]
    strings = [
        rf"{quote}[\s\S]*?(?:{quote}|\Z)"
        if len(quote) == 3
        else rf"{quote}(?:[^{quote}\\\n]|\\.)*+{quote}?"
        for quote in language.quotes
    ]
    groups = [f"(?P<comment>{'|'.join(comments)})"] if comments else []
    groups += [f"(?P<string>{'|'.join(strings)})"] if strings else []
    return re.compile("|".join([*groups, r"(?P<word>[^\W\d]\w*)"]))
