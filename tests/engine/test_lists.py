"""Several texts in one request: computed in one turn, answered as each of them alone."""

from typing import Any

import httpx
import pytest

from hfwidgets import InferenceClient, engine_process, errors

TEXTS = ["Ann of Rome loves bread.", "A terrible, sad day.", "Paris is the capital."]

TASKS: dict[str, dict[str, Any]] = {
    "feature-extraction": {},
    "text-classification": {},
    "token-classification": {},
    "zero-shot-classification": {"candidate_labels": ["food", "weather"]},
    "summarization": {},
}


@pytest.mark.parametrize("task", TASKS)
def test_rows_have_the_results_that_they_have_alone(
    engine: engine_process.EngineState, task: str
) -> None:
    client = InferenceClient(provider="local")
    together = client.map(task, TEXTS, progress=False, **TASKS[task])
    alone = client.map(task, TEXTS, batch_size=1, progress=False, **TASKS[task])
    assert together.counts["done"] == len(TEXTS)
    for one, other in zip(together.results, alone.results, strict=True):
        assert getattr(one, "shape", None) == getattr(other, "shape", None)
        assert repr(one) == repr(other)


def test_masks_are_filled_in_one_turn(engine: engine_process.EngineState) -> None:
    client = InferenceClient(provider="local")
    rows = ["Paris is the [MASK] of France.", "No mask here.", "The [MASK] is blue."]
    result = client.map("fill-mask", rows, targets=["capital", "sky"], top_k=1, progress=False)
    assert [row.result[0].token_str if row.result else None for row in result] == [
        "capital",
        None,
        "sky",
    ]
    assert isinstance(result.errors[1], errors.BadRequestError)


def test_the_wire_s_form(engine: engine_process.EngineState) -> None:
    headers = {"Authorization": f"Bearer {engine.key}"}
    with httpx.Client(base_url=engine.url, headers=headers, timeout=60) as http:

        def send(task: str, inputs: Any) -> httpx.Response:
            return http.post(f"/models/default/pipeline/{task}", json={"inputs": inputs})

        labels = send("text-classification", TEXTS).json()
        assert [row[0]["label"] for row in labels][:2] == ["POSITIVE", "NEGATIVE"]
        summaries = send("summarization", TEXTS).json()
        assert [list(row) for row in summaries] == [["summary_text"]] * 3
        entities = send("token-classification", TEXTS).json()
        assert [type(row) for row in entities] == [list] * 3
        for inputs in ([], ["a"] * 257):
            refused = send("text-classification", inputs)
            assert refused.status_code == 400
            assert f"batch size {len(inputs)}" in refused.json()["error"]
        assert send("text-classification", ["a", 5]).status_code == 400
