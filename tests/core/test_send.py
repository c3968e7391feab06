"""Bodies are the JSON that the standard library writes, and refuse what it refuses."""

import datetime
import json
import math
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfwidgets.core.flow import Send

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
) | st.text()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


def dump_json(value: Any) -> bytes:
    return Send("POST", "/", value).dump_json()


@settings(max_examples=300)
@given(VALUES)
def test_a_body_reads_back_as_what_was_given(value: Any) -> None:
    content = dump_json(value)
    assert json.loads(content) == value
    assert b"\n" not in content


@pytest.mark.parametrize(
    "odd",
    [
        *(math.nan, math.inf, -math.inf, b"bytes", {1, 2}, object(), uuid.UUID(int=0), 1j),
        *(datetime.date(2026, 1, 2), datetime.timedelta(1), bytearray(b"x"), "\ud800"),
    ],
    ids=lambda odd: type(odd).__name__,
)
@pytest.mark.parametrize("wrap", [lambda odd: odd, lambda odd: {"a": [{"b": odd}]}])
def test_what_json_cannot_express_is_refused(odd: Any, wrap: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        dump_json(wrap(odd))


def test_keys_and_numbers_of_other_kinds_are_written_as_the_standard_library_does() -> None:
    value = {1: 2**70, None: (1, 2), 2.5: -0.0, 1.5: "x"}
    assert dump_json(value) == json.dumps(value, separators=(",", ":")).encode()
