"""Make texts of servers safe to print."""

import re

# Terminals act on escape sequences, and some on the single bytes of C1; overrides of the writing
# direction show a text in another order than it has.
_ESCAPES = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\|\Z)|[@-_]?)"
_CONTROLS = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
_UNSAFE = rf"(?s){_ESCAPES}|{_CONTROLS}"
_SURROGATES = r"[\ud800-\udfff]"


def make_printable(text: str) -> str:
    """Return a text without terminal escapes, control characters and lone surrogates.

    Line breaks and tabs stay. A lone surrogate, which no encoding can write, becomes U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return text
    return re.sub(_SURROGATES, "\ufffd", re.sub(_UNSAFE, "", text))
