"""Fields that a server adds to a result are shown wherever the result is."""

from typing import Any

import pytest

from tests.browser.stage import PLAYED, Stage
from tests.panels.conftest import Open, page
from tests.plugins.loopback import Answer, Loopback

EXPLAINED = sorted(
    name
    for name, answer in PLAYED.items()
    if (isinstance(answer, Answer) and "[{" in repr(answer.json)) or isinstance(answer, dict)
)
"""The tasks whose results are records."""


def explain(answer: Any, path: str = "0") -> Any:
    """The answer with an explanation in each record, its cells and boxes left alone."""
    if isinstance(answer, list):
        return [explain(item, f"{path}.{at}") for at, item in enumerate(answer)]
    if isinstance(answer, dict):
        return {**answer, "explanation": f"because-{path}", "": "no name", "left out": None}
    return answer


@pytest.mark.parametrize("task", EXPLAINED)
def test_an_explanation_is_shown_next_to_a_result(
    panel: Open, loopback: Loopback, stage: Stage, task: str
) -> None:
    answer = explain(PLAYED[task].json)
    loopback.route("POST", f"/{task}", Answer(json=answer))
    opened = panel(task)
    opened.example()
    opened.run()
    view = page(opened).doc["result"]
    html, plain, _ = opened._hfw_render_static()
    for shown in (repr(view), html, plain, repr(opened.result)):
        assert "because-0" in shown
        assert shown.count("because-") >= str(answer).count("because-")
    if isinstance(answer, list) and len(answer) > 1:
        assert "because-0.1" in html
    assert "left out" not in html
