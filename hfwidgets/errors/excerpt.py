"""The start of an answer, as errors show it."""

import json

EXCERPT_LENGTH = 200
"""The characters of an answer that an error shows."""


def make_excerpt(value: object) -> str:
    """Return the start of an answer's body: JSON and text as they were sent, bytes as text.

    Never raises, however deep or odd the value is.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        text = bytes(value[: 4 * EXCERPT_LENGTH]).decode("utf-8", "replace")
    elif isinstance(value, str):
        text = value
    else:
        try:
            text = json.dumps(value, ensure_ascii=False, default=repr)
        except Exception:  # nested too deeply, keys that are not JSON, a repr that fails
            text = f"<{type(value).__name__}>"
    text = text.encode("utf-8", "replace").decode()  # a lone surrogate cannot be printed
    printable = "".join(
        c if c.isprintable() or c in " \n\t" else "�" for c in text[:EXCERPT_LENGTH]
    )
    return f"{printable}…" if len(text) > EXCERPT_LENGTH else printable


def show_value(value: object, length: int = 80) -> str:
    """Return an argument as an error shows it: its repr, cut to a number of characters.

    Never raises, however deep, large or odd the value is.
    """
    try:
        text = repr(value)
    except Exception:  # nested too deeply, an integer of too many digits, a repr that fails
        return f"<{type(value).__name__}>"
    return f"{text[:length]}…" if len(text) > length else text


def name_type(value: object) -> str:
    """Return the name of a value's type with its article: `a list`, `an int`."""
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeio' else 'a'} {name}"
