"""Completion in a live kernel: keywords of a method and attributes of its result, both clients."""

import jedi  # type: ignore[import-untyped]
import pytest

import hfwidgets

BLOCKING = "client = hfwidgets.InferenceClient()\n"
AWAITED = "client = hfwidgets.AsyncInferenceClient()\n"


def completed(code: str, space: dict[str, object]) -> set[str]:
    """Return what a kernel offers at the end of the code."""
    lines = code.splitlines()
    found = jedi.Interpreter(code, [space]).complete(len(lines), len(lines[-1]))
    return {item.name for item in found}


def space(awaited: bool) -> dict[str, object]:
    made = hfwidgets.AsyncInferenceClient() if awaited else hfwidgets.InferenceClient()
    return {"hfwidgets": hfwidgets, "client": made}


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize(
    ("call", "keyword"),
    [
        ("client.text_classification('x', function_to", "function_to_apply="),
        ("client.image_classification('x', top", "top_k="),
        ("client.text_to_image('x', guidance", "guidance_scale="),
        ("client.health_check(mod", "model="),
        ("client.automatic_speech_recognition('x', return", "return_timestamps="),
    ],
)
def test_keywords(awaited: bool, call: str, keyword: str) -> None:
    assert keyword in completed(call, space(awaited))


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize(
    ("call", "attribute"),
    [
        ("client.summarization('x')", "summary_text"),
        ("client.text_classification('x')[0]", "label"),
        ("client.image_classification('x')[0]", "score"),
        ("client.object_detection('x')[0]", "box"),
        ("client.automatic_speech_recognition('x')", "chunks"),
    ],
)
def test_attributes_of_results(awaited: bool, call: str, attribute: str) -> None:
    if awaited:
        head, bracket, tail = call.partition("[")
        code = f"async def f():\n    (await {head}){bracket}{tail}."
    else:
        code = f"{call}."
    assert attribute in completed(code, space(awaited))


@pytest.mark.parametrize("awaited", [False, True])
def test_the_methods_themselves(awaited: bool) -> None:
    assert {"text_to_image", "text_to_speech", "text_to_video"} <= completed(
        "client.text_to", space(awaited)
    )


def test_help_shows_the_real_signature_and_text() -> None:
    shown = jedi.Interpreter("client.text_classification(", [space(False)]).get_signatures()
    assert [p.name for p in shown[0].params][:2] == ["text", "model"]
    assert "Classify text" in shown[0].docstring()
