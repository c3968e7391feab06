"""Resolves `{{ name }}` in prompts and `$name` in options: names, attributes, indices, no code.

What looks like a token, by name or by text, is refused: a prompt leaves the machine.
"""

import ast
import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from IPython.core.error import UsageError

from hfwidgets.errors import did_you_mean, redact
from hfwidgets.errors.excerpt import name_type
from hfwidgets.errors.secrets import find_tokens, is_secret_variable

Namespace = Mapping[str, Any]

BRACES = re.compile(r"\{\{(.*?)\}\}")
MAX_TEXT = 100_000
MAX_DATA = 20_000
MAX_REPR = 2_000
MAX_ROWS = 20


def resolve_path(path: str, names: Namespace) -> Any:
    """Return the object that a path of names, attributes and indices names.

    Raises:
        UsageError: the path is other code, names nothing, or names what looks like a token.
    """
    # Python's own grammar decides what a path is; only three kinds of node are followed, so
    # nothing of it is ever executed.
    try:
        tree = ast.parse(path.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise _path_error(path) from None
    value = _walk_path(tree, names, path.strip())
    if isinstance(value, str):
        refuse_secret(value, path.strip())
    return value


def _path_error(path: str) -> UsageError:
    return UsageError(
        f"{{{{ {path.strip()} }}}} is not a name, attribute or index. Compute it in an earlier "
        "cell, or pass --no-vars to leave the braces alone."
    )


def _walk_path(node: ast.expr, names: Namespace, path: str) -> Any:
    match node:
        case ast.Name(id=name):
            return _get_variable(name, names, path)
        case ast.Attribute(value=inner, attr=name):
            return _get_attribute(_walk_path(inner, names, path), name, path)
        case ast.Subscript(value=inner, slice=index):
            return _get_item(_walk_path(inner, names, path), _walk_index(index, names, path), path)
    raise _path_error(path)


def _walk_index(node: ast.expr, names: Namespace, path: str) -> Any:
    match node:
        case ast.Constant(value=int() | str() as key):
            return key
        # Python's grammar has no negative literals: -1 is an operator with its operand.
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as key)):
            return -key
    return _walk_path(node, names, path)


def _get_variable(name: str, names: Namespace, path: str) -> Any:
    if name not in names:
        raise UsageError(
            f"No variable {name!r} for {path!r}.{did_you_mean(name, public_names(names))}"
        )
    return _refuse_secret_name(name, names[name], path)


def _get_attribute(value: object, name: str, path: str) -> Any:
    # Dunder attributes lead from any object to the interpreter's internals.
    if name.startswith("__"):
        raise _path_error(path)
    try:
        return _refuse_secret_name(name, getattr(value, name), path)
    except AttributeError:
        # The message must not reveal whether an attribute with a secret's name exists.
        _refuse_secret_name(name, None, path)
        hint = did_you_mean(name, public_names(dir(value)))
        kind = type(value).__name__
        raise UsageError(f"{path!r}: a {kind} has no attribute {name!r}.{hint}") from None


def _get_item(value: Any, key: Any, path: str) -> Any:
    try:
        return _refuse_secret_name(key, value[key], path)
    except KeyError:
        keys = [str(known) for known in value] if isinstance(value, Mapping) else []
        raise UsageError(f"{path!r}: no key {key!r}.{did_you_mean(str(key), keys)}") from None
    except (IndexError, TypeError) as error:
        raise UsageError(f"{path!r}: {error}.") from None


def public_names(names: Iterable[str]) -> list[str]:
    """Return the names that a suggestion may show."""
    return [name for name in names if not name.startswith("_")]


def _refuse_secret_name(name: object, value: object, path: str) -> Any:
    """Return the value unless its name is that of a secret; a number (`max_tokens`) is not one."""
    secret = isinstance(name, str) and is_secret_variable(name)
    if secret and not isinstance(value, int | float):
        raise UsageError(
            f"{path!r} has the name of a secret, so it is not put into a request. If it is not a "
            "secret, assign it to a variable of another name."
        )
    return value


def refuse_token(text: str, where: str) -> None:
    """Raise UsageError if a word of a magic looks like a token: notebooks store their cells."""
    if is_secret_like(text):
        raise UsageError(
            f"{where} looks like a token. Remove it from the cell, which the notebook stores: "
            "sign in with %hf auth login, or set HF_TOKEN."
        )


def is_secret_like(text: str) -> bool:
    """True if a text contains something in the form of a token or a private key."""
    # An address with a key in it is a legitimate value of -m, and the client masks the key.
    return bool(find_tokens(text, in_urls=False))


def refuse_secret(text: str, path: str) -> None:
    """Raise UsageError if a value contains something in the form of a token."""
    if is_secret_like(text):
        raise UsageError(
            f"The value of {redact(path)!r} contains what looks like a token, and a request would "
            "send it. Remove it first."
        )


def fill_variables(text: str, names: Namespace, attach: Callable[[Any], str] | None = None) -> str:
    """Return the text with each `{{ path }}` replaced by its value, formatted by type.

    Args:
        text: The text.
        names: The variables that paths may name.
        attach: Attaches an image or audio and returns the text in its place; None where the text
            cannot have attachments.

    Raises:
        UsageError: a path is other code, names nothing, or names what looks like a token.
    """

    def format_value(found: re.Match[str]) -> str:
        value = resolve_path(found[1], names)
        if is_media(value):
            return _attach_value(value, found[1].strip(), attach)
        text = to_prompt_text(value)
        refuse_secret(text, found[1].strip())
        return text

    # In a single pass: braces inside a value are never resolved, so neither data nor a model's
    # answer can name a variable.
    return BRACES.sub(format_value, text)


def _attach_value(value: object, path: str, attach: Callable[[Any], str] | None) -> str:
    if attach is None:
        raise UsageError(f"{path!r} is {name_type(value)}, which this text cannot contain.")
    return attach(value)


def root_package(value: object) -> str:
    """Return the top package of a value's type."""
    return type(value).__module__.partition(".")[0]


def is_media(value: object) -> bool:
    """True for an image or audio, judged without importing their libraries."""
    kinds = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(value).__mro__}
    return bool(kinds & _MEDIA_TYPES)


_MEDIA_TYPES = {
    ("PIL", "Image"),
    ("IPython", "Image"),
    ("hfwidgets", "Audio"),
    ("IPython", "Audio"),
}


def to_prompt_text(value: Any) -> str:
    """Return a value as a prompt's text: text verbatim, tables by their head, data as JSON."""
    # Before all other attributes: a row of --each raises for names that are not its columns.
    own = getattr(value, "__llm__", None)
    if callable(own) and not isinstance(value, type):
        return truncate_text(str(own()), MAX_TEXT)
    if isinstance(value, str):
        return truncate_text(str(value), MAX_TEXT)
    if root_package(value) == "hfwidgets" and isinstance(getattr(value, "text", None), str):
        return truncate_text(value.text, MAX_TEXT)
    if hasattr(value, "to_string") and hasattr(value, "head"):
        return _table_text(value)
    if _is_data(value):
        return truncate_text(_to_json(value), MAX_DATA)
    return truncate_text(_object_text(value), MAX_REPR)


def _object_text(value: object) -> str:
    """Return an exception's repr, with its type; else the text of the object."""
    return repr(value) if isinstance(value, BaseException) else str(value)


def _is_data(value: object) -> bool:
    if isinstance(value, dict | list | tuple):
        # A subclass that defines its own text wants that, not the JSON of its items.
        return type(value).__str__ is object.__str__
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _to_json(value: object) -> str:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _table_text(value: Any) -> str:
    rows = len(value)
    if rows <= MAX_ROWS:
        return truncate_text(str(value.to_string()), MAX_DATA)
    head = truncate_text(str(value.head(MAX_ROWS).to_string()), MAX_DATA)
    return f"{head}\n({MAX_ROWS} of {rows:,} rows shown)"


def truncate_text(text: str, limit: int) -> str:
    """Return at most `limit` characters of a text, with a note where some are left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]} … (shortened: {limit:,} of {len(text):,} characters)"
