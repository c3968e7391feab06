"""Suggest the names that a misspelled one may stand for."""

from collections.abc import Iterable


def did_you_mean(word: object, known: Iterable[str], cutoff: float = 0.55) -> str:
    """Return a sentence that suggests the nearest known names, with a blank before it.

    Args:
        word: The unknown name, or whatever was passed in its place.
        known: The names that exist.
        cutoff: Least similarity of a suggestion, 0 to 1.

    Returns:
        ` Did you mean 'a' or 'b'?`, or an empty text if no name is similar.
    """
    if not isinstance(word, str):
        return ""
    import difflib  # costly to import, and most programs misspell nothing

    found = difflib.get_close_matches(word, list(known), n=3, cutoff=cutoff)
    return f" Did you mean {' or '.join(map(repr, found))}?" if found else ""
