"""The tools for other people's tests, run by a pytest inside this one."""

import asyncio

import pytest
from PIL import Image

from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from hfwidgets.testing import answers
from tests.plugins.loopback import Answer, Loopback

pytest_plugins = ["pytester"]

ALONE = ("-p", "no:playwright")  # where it is installed: it cannot nest

TEST = """
from hfwidgets import InferenceClient

def test_it(hf_recordings):
    found = InferenceClient(base_url={url!r}).text_classification("Fine!")
    assert found[0].label == "GOOD"
"""


def test_the_fixture_replays_and_records(pytester: pytest.Pytester, loopback: Loopback) -> None:
    pytester.makeconftest('pytest_plugins = ["hfwidgets.testing"]')
    pytester.makepyfile(test_mine=TEST.format(url=loopback.url))
    loopback.route("POST", "/", Answer(json=[{"label": "GOOD", "score": 1}]))
    missed = pytester.runpytest_inprocess(*ALONE)
    missed.assert_outcomes(failed=1)
    missed.stdout.fnmatch_lines(["*NotRecordedError*text-classification*"])
    assert loopback.requests == []
    pytester.runpytest_inprocess(*ALONE, "--hf-record").assert_outcomes(passed=1)
    assert len(loopback.requests) == 1
    assert (pytester.path / "recordings" / "test_mine" / "text-classification").is_dir()
    pytester.runpytest_inprocess(*ALONE).assert_outcomes(passed=1)
    assert len(loopback.requests) == 1


def test_canned_answers_of_all_kinds() -> None:
    image = Image.new("RGB", (4, 3), "blue")
    canned = answers(
        chat_completion="Paris is it",
        text_classification=[{"label": "A", "score": 1.0}],
        text_to_image=image,
        translation=lambda request: request.inputs.upper(),
        summarization=errors.RateLimitError("slow down"),
    )
    client = InferenceClient(recordings=canned)
    assert (
        client.chat_completion([{"role": "user", "content": "?"}], model="m").text == "Paris is it"
    )
    assert client.text_classification("x")[0].label == "A"
    assert client.text_to_image("x").tobytes() == image.tobytes()
    assert client.translation("abc").translation_text == "ABC"
    with pytest.raises(errors.RateLimitError):
        client.summarization("x")
    with pytest.raises(errors.NotRecordedError, match="No canned answer for fill-mask"):
        client.fill_mask("x")
    assert [request.task for request in canned.requests][:2] == [
        "chat-completion",
        "text-classification",
    ]
    assert canned.requests[0].model == "m"


def test_canned_answers_stream_word_by_word() -> None:
    async def run() -> list[str | None]:
        stream = await AsyncInferenceClient().chat_completion(
            [{"role": "user", "content": "?"}], stream=True
        )
        return [chunk.choices[0].delta.content async for chunk in stream]

    with answers(chat_completion="Paris is it", text_generation="and so on"):
        assert asyncio.run(run()) == ["Paris ", "is ", "it"]
        assert list(InferenceClient().text_generation("x", stream=True)) == ["and ", "so ", "on"]
        with pytest.raises(errors.NotRecordedError):
            InferenceClient().models()
