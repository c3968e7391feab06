"""The flat public face: every name that is offered is there."""

import pytest

import hfwidgets


@pytest.mark.parametrize("name", hfwidgets.__all__)
def test_a_public_name_is_there(name: str) -> None:
    assert getattr(hfwidgets, name) is not None


def test_a_wrong_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'chart'"):
        _ = hfwidgets.chart
