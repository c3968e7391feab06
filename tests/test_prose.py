"""Hold names, types and prose to the rules of CONTRIBUTING.md ("Style").

Prose is every docstring, comment and message of the package, the names, docstrings and comments of
the tests, the documents, and the notebooks. A pattern that has a legitimate use in one place has an
exception there, with its reason.
"""

import ast
import collections
import functools
import io
import json
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "hfwidgets"
DOCUMENTS = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "hfwidgets/MIGRATION.md",
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "notebooks").rglob("*.md"))),
)

COUNTED = "call|row|request|line|file|token|socket|result|message|model|answer|sentence"
UNITS = COUNTED + "|second|image|channel|cell|task|page|test|kernel|panel|provider"

PATTERNS = {
    "'is not a ...' or 'unknown ...', not 'is no ...'": (
        r"(?-i:\b(?<![Tt]here )(?:is|are|was|were) "
        r"(?:no\b(?! (?:longer|more|one|\w+er)\b)|none\b(?! of)))"
    ),
    "'per', not 'a call a row'": rf"\b(?:one|two|each|\d+) (?:{COUNTED})s? an? (?:{UNITS})\b",
    "'image', 'audio', 'video'": r"\b(?:pictures?|films?|sounds?)\b",
    "American spelling": (
        r"\b(?:colours?|licences?|honour\w*|behaviours?|grey\w*|centres?|neighbour\w*|favour\w*"
        r"|harbours?|metres?|\w+(?:ognis|malis|maris|ealis|oris|nalis)(?:e|es|ed|ing)|spelt|learnt)\b"
    ),
    "plain words": (
        r"\b(?:anew|mend(?:s|ed|ing)?|shall|for ever|somebody|nobody|whoever|heed\w*|unasked)\b"
    ),
    "'custom ...', not 'of one's own'": r"\bof (?:one's|your|our) own\b",
    "'next to', 'except', 'pool'": r"\b(?:beside|lanes?|ways? out)\b",
}
"""What to write instead -> the pattern of what not to write."""

NO_NAMES = {"said", "told", "heeded", "brought"}
"""Variables that say nothing about what they hold."""

EXCEPTIONS: tuple[tuple[str, str, str], ...] = ()
"""The file, the text, and the reason."""

PARTICIPLE = re.compile(
    r"_?(?:[a-z]+ed|said|told|given|kept|chosen|brought|drawn|spoken|written|shown|found|made|heard"
    r"|meant|sent|held|seen|begun|known|taken|bound|left|put|cut|gone|understood)"
)
NOT_PARTICIPLES = {
    "closed",
    "cached",
    "failed",
    "_failed",
    "seed",
    "speed",
    "embed",
    "feed",
    "need",
}
NOUN_OPENINGS = {
    *("the", "a", "an", "all", "one", "each", "its", "these", "those", "every", "no", "both"),
    *("what", "how", "whether", "where", "who", "which", "why", "when"),
}


@dataclass(frozen=True)
class Text:
    """A piece of prose and its place."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {' '.join(self.text.split())[:120]}"


def python_files(folder: Path) -> list[Path]:
    """Return the Python files of a folder, without generated and installed ones."""
    skipped = {"frontend", "static", "node_modules"} if folder == PACKAGE else set()
    found = folder.rglob("*.py")
    return sorted(path for path in found if not skipped & set(path.relative_to(folder).parts))


@functools.cache
def parse_files(folder: Path) -> dict[Path, ast.Module]:
    """Return the syntax trees of a folder's Python files."""
    return {path: ast.parse(path.read_text("utf-8")) for path in python_files(folder)}


def comments(path: Path) -> Iterator[Text]:
    """Yield a file's comments, without directives for tools."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
    for token in tokens:
        if token.type == tokenize.COMMENT:
            yield Text(
                path, token.start[0], re.sub(r"(?:type: |pyright: |noqa|fmt: ).*", "", token.string)
            )


def strings(path: Path, tree: ast.Module) -> Iterator[Text]:
    """Yield a module's docstrings and messages: the strings that read like prose."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield Text(path, node.lineno, node.value)


def docstrings(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Yield the functions, classes and the module with their docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            text = ast.get_docstring(node)
            if text:
                yield node, text


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions and methods of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def all_prose() -> Iterator[Text]:
    """Yield all prose of the project."""
    for path, tree in parse_files(PACKAGE).items():
        yield from comments(path)
        yield from strings(path, tree)
    for path, tree in parse_files(ROOT / "tests").items():
        if path != Path(__file__):
            yield from comments(path)
            yield from (
                Text(path, getattr(node, "lineno", 1), text) for node, text in docstrings(tree)
            )
            yield from (
                Text(path, node.lineno, node.name.replace("_", " ")) for node in functions(tree)
            )
    for name in DOCUMENTS:
        lines = (ROOT / name).read_text("utf-8").splitlines()
        yield from (Text(ROOT / name, number, line) for number, line in enumerate(lines, 1))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        yield from (
            Text(path, number, "".join(cell["source"])) for number, cell in enumerate(cells)
        )


@functools.cache
def prose() -> list[Text]:
    return list(all_prose())


@functools.cache
def prose_without_code() -> list[tuple[Text, str]]:
    """Return all prose, once for all patterns."""
    return [(text, without_code(text.text)) for text in prose() if not is_excepted(text)]


def without_code(text: str) -> str:
    return re.sub(r"``?[^`]*``?|</?picture>", "", text)


def is_excepted(text: Text) -> bool:
    return any(str(text.path).endswith(path) and part in text.text for path, part, _ in EXCEPTIONS)


@pytest.mark.parametrize(("instead", "pattern"), PATTERNS.items(), ids=PATTERNS)
def test_prose_is_plain_american_english(instead: str, pattern: str) -> None:
    search = re.compile(pattern, re.IGNORECASE).search
    found = [str(text) for text, plain in prose_without_code() if search(plain)]
    assert not found, f"write {instead}:\n" + "\n".join(found)


def test_every_exception_is_needed() -> None:
    for path, part, reason in EXCEPTIONS:
        assert reason
        assert any(str(t.path).endswith(path) and part in t.text for t in prose()), (path, part)


def percent(part: int, whole: int) -> float:
    return 100 * part / whole


def test_variables_are_named_by_what_they_hold() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {name}"
        for path, tree in parse_files(PACKAGE).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.arg)
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        if (name := node.arg if isinstance(node, ast.arg) else node.id) in NO_NAMES
    ]
    assert not found, "\n".join(found)


def test_functions_are_named_by_verbs() -> None:
    names = [node.name for tree in parse_files(PACKAGE).values() for node in functions(tree)]
    odd = [n for n in names if PARTICIPLE.fullmatch(n) and n not in NOT_PARTICIPLES]
    assert percent(len(odd), len(names)) <= 1, sorted(set(odd))


def test_docstrings_open_with_a_verb() -> None:
    openings = [
        (path, node.name, re.split(r"\W", text.strip())[0].lower())
        for path, tree in parse_files(PACKAGE).items()
        for node, text in docstrings(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    nouns = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, name, word in openings
        if word in NOUN_OPENINGS
    ]
    assert percent(len(nouns), len(openings)) <= 10, "\n".join(nouns)


def test_code_has_comments() -> None:
    code = sum(
        bool(line.strip())
        for path in parse_files(PACKAGE)
        for line in path.read_text("utf-8").splitlines()
    )
    count = sum(1 for path in parse_files(PACKAGE) for _ in comments(path))
    assert percent(count, code) >= 2


def test_parameters_have_types_with_names() -> None:
    annotations = [
        f"{path.relative_to(ROOT)}: {node.name}({argument.arg}: {ast.unparse(argument.annotation)})"
        for path, tree in parse_files(PACKAGE).items()
        for node in functions(tree)
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        if argument.annotation is not None
    ]
    untyped = [text for text in annotations if text.endswith(": Any)")]
    assert percent(len(untyped), len(annotations)) <= 5, "\n".join(untyped)


def test_a_class_name_has_one_meaning() -> None:
    places = collections.defaultdict(set)
    for path, tree in parse_files(PACKAGE).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].add(str(path.relative_to(ROOT)))
    several = {name: sorted(paths) for name, paths in places.items() if len(paths) > 1}
    assert several == {}
