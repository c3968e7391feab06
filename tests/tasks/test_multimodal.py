"""The tasks that ask about an image: the image is sent once."""

import base64
from collections.abc import Callable
from typing import Any

from tests.plugins.loopback import Answer, Loopback
from tests.plugins.sample_media import encode_image

Call = Callable[..., Any]
PNG = encode_image()
IMAGE = base64.b64encode(PNG).decode()


def test_visual_question_answering(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(json=[{"answer": "a boat", "score": 0.8}]))
    found = call("visual_question_answering", PNG, "What floats?", top_k=2)
    assert loopback.requests[0].json() == {
        "inputs": {"question": "What floats?", "image": IMAGE},
        "parameters": {"top_k": 2},
    }
    assert (found[0].answer, found[0].score) == ("a boat", 0.8)


def test_document_question_answering(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(json=[{"answer": "100.40", "score": 0.8, "start": 3, "end": 3}]))
    found = call("document_question_answering", PNG, "Total?", lang="en", word_boxes=[["a", 1.0]])
    assert loopback.requests[0].json() == {
        "inputs": {"question": "Total?", "image": IMAGE},
        "parameters": {"lang": "en", "word_boxes": [["a", 1.0]]},
    }
    assert (found[0].answer, found[0].start) == ("100.40", 3)


def test_an_answer_with_nothing_but_its_text(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(json=[{"answer": "100.40"}]), Answer(json={"answer": "100.40"}))
    for _ in range(2):
        found = call("document_question_answering", PNG, "Total?")[0]
        assert (found.answer, found.score, found.start) == ("100.40", None, None)
