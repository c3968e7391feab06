import pytest

from hfwidgets.magics.is_assigned import is_assigned


@pytest.mark.parametrize(
    ("cell", "taken"),
    [
        ("%probe", False),
        ("x = %probe", True),
        ("a, b = %probe", True),
        ("for i in range(2):\n    %probe", False),
        ("for i in range(2):\n    x = %probe", True),
        ("if True:\n    x = 1\n    %probe\n    y = 2", False),
        ("get_ipython().run_line_magic('probe', '')", False),
        ("def f():\n    return get_ipython().run_line_magic('probe', '')\nf()", True),
        ("print(get_ipython().run_line_magic('probe', ''))", True),
    ],
)
def test_is_assigned_tells_whether_a_value_is_used(shell, cell, taken):
    seen = []

    def probe(line):
        seen.append(is_assigned())
        return 1, 2

    shell.register_magic_function(probe, "line")
    shell.run_cell(cell, store_history=True)
    assert set(seen) == {taken}


def test_outside_of_a_magic_it_is_unknown():
    assert is_assigned() is None
