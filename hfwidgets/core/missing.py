"""The one test for a missing value: the empty cell of a table, whichever library holds it."""

from typing import Any

_MISSING_TYPES = frozenset({"NAType", "NaTType", "MaskedConstant"})
"""pandas' NA and NaT and numpy's masked value, by name so that no library is imported."""


def is_missing(value: Any) -> bool:
    """True for None, NaN of any number type, NA, NaT, masked values and Arrow's null.

    Containers, empty texts and zeros are values.
    """
    name = type(value).__name__
    if value is None or name in _MISSING_TYPES:
        return True
    if isinstance(value, (float, complex)):
        return value != value  # NaN alone differs from itself
    if isinstance(value, (str, bytes, int)):
        return False
    if name == "Decimal":
        return bool(value.is_nan())  # a signaling NaN refuses to be compared
    # Scalars only: comparing an array with itself gives an array, which is neither true nor false.
    if getattr(value, "ndim", None) == 0 and callable(getattr(value, "item", None)):
        plain = value.item()  # numpy's NaT becomes None, its NaN a float
        return plain is None or bool(plain != plain)
    return callable(getattr(value, "as_py", None)) and is_missing(value.as_py())
