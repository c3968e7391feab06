"""How much text one request may hold: a model reads far less, but all of it has to be cut up."""

from collections.abc import Iterable

from hfwidgets.engine.base.http_errors import bad_request

MAX_CHARACTERS = 1_000_000
"""The most characters of a request's texts together; to cut up so many takes some 3 s."""


def check_text_length(texts: Iterable[str], parameter: str = "inputs") -> list[str]:
    """The texts, if they are not too much for one request; else a 400."""
    listed = list(texts)
    count = sum(map(len, listed))
    if count > MAX_CHARACTERS:
        raise bad_request(
            f"The request holds {count:,} characters; at most {MAX_CHARACTERS:,} are read at once. "
            "Shorten the texts, or send fewer of them.",
            parameter,
        )
    return listed
