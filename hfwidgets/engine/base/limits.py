"""How much text one request may hold: a model reads far less, but all of it has to be cut up."""

from collections.abc import Iterable

from hfwidgets.engine.base.http_errors import bad

CHARACTERS = 1_000_000
"""The most characters of a request's texts together; to cut up so many takes some 3 s."""


def bounded(texts: Iterable[str], parameter: str = "inputs") -> list[str]:
    """The texts, if they are not too much for one request; else a 400."""
    listed = list(texts)
    count = sum(map(len, listed))
    if count > CHARACTERS:
        raise bad(
            f"The request holds {count:,} characters; at most {CHARACTERS:,} are read at once. "
            "Shorten the texts, or send fewer of them.",
            parameter,
        )
    return listed
