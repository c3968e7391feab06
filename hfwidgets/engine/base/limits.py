"""Check the texts of a request: none is blank where it says what to do, and not too much in all.

A model reads far less than the limit, but all of it must be tokenized first.
"""

from collections.abc import Iterable

from hfwidgets.engine.base.http_errors import bad_request

MAX_CHARACTERS = 1_000_000
"""Characters in all texts of one request; tokenizing this many takes about 3 s."""


def check_text_length(texts: Iterable[str], parameter: str = "inputs") -> list[str]:
    """Return the texts as a list; 400 when they are too long for one request."""
    listed = list(texts)
    count = sum(map(len, listed))
    if count > MAX_CHARACTERS:
        raise bad_request(
            f"The request has {count:,} characters; the limit is {MAX_CHARACTERS:,}. "
            "Shorten the texts or send fewer of them.",
            parameter,
        )
    return listed


def check_not_blank(text: str, parameter: str = "inputs") -> None:
    """Refuse a text without a visible character, to which any answer would be made up."""
    if not text.strip():
        raise bad_request(f"The {parameter} must hold some text, not only spaces.", parameter)
