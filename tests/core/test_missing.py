"""Missing values, as every library writes them."""

import decimal
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hfwidgets
from hfwidgets.core.missing import is_missing

MISSING = [
    None,
    float("nan"),
    complex("nan"),
    decimal.Decimal("nan"),
    decimal.Decimal("snan"),
    np.nan,
    np.float16("nan"),
    np.float32("nan"),
    np.longdouble("nan"),
    np.array(np.nan),
    np.datetime64("NaT"),
    np.timedelta64("NaT"),
    np.ma.masked,
    pd.NA,
    pd.NaT,
    pd.Series([1, None], dtype="Int64")[1],
]
PRESENT = [
    *("", " ", "nan", "None", b"", 0, 0.0, False, float("inf"), decimal.Decimal(0)),
    *([], [None], {}, (), np.float32(0), np.bool_(False), np.array([]), np.array([np.nan, 1])),
    *(np.datetime64("2020-01-01"), pd.Timestamp(0), pd.Series([None]), pd.DataFrame(), object()),
]


@pytest.mark.parametrize("value", MISSING, ids=repr)
def test_a_missing_value_of_any_library_is_missing(value: object) -> None:
    assert is_missing(value) is True


@pytest.mark.parametrize("value", PRESENT, ids=lambda value: re.sub(" at 0x.*", ">", repr(value)))
def test_empty_and_zero_values_are_not_missing(value: object) -> None:
    assert is_missing(value) is False


def test_one_module_knows_how_missing_values_look() -> None:
    package = Path(hfwidgets.__file__).parent
    owner = package / "core" / "missing.py"
    pattern = re.compile(r"(?<![\w.])(\w+) != \1\b|NAType|NaTType")
    copies = [p for p in package.rglob("*.py") if p != owner and pattern.search(p.read_text())]
    assert copies == []
