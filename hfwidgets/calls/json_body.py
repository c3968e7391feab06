"""A request's JSON body, with media in it as base64."""

import json
from typing import Any

from hfwidgets import errors, media

_dump_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def encode_json(value: Any) -> bytes | media.Body:
    """Return JSON as bytes, in pieces where it holds media.

    Raises:
        InputError: the value holds something that JSON cannot express.
    """
    try:
        try:
            return _dump_json(value).encode()
        except TypeError:  # media, which the quick way does not know, or a mistake
            return media.json_body(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise errors.InputError(
            f"The request cannot be written as JSON: {error}. Inputs and parameters are texts, "
            "finite numbers, booleans, None, lists and dicts."
        ) from error
