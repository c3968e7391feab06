"""A server's explanation is found in every form that servers use, and is safe to print."""

import json
from typing import Any

import pytest

from hfwidgets import InferenceClient, errors
from hfwidgets.core.flow import Reply
from hfwidgets.errors.printable import make_printable
from hfwidgets.errors.server_message import MAX_RAW_CHARS, find_request_id, find_server_message
from tests.plugins.loopback import Answer, Loopback


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"title": "Unprocessable", "status": 422}, "Unprocessable"),
        ({"type": "about:blank", "title": "Bad", "detail": "top_k is 0"}, "top_k is 0; Bad"),
        ({"reason": "no such voice"}, "no such voice"),
        ({"errors": {"top_k": ["too large", "odd"]}}, "top_k: too large; top_k: odd"),
        ({"errors": {"top_k": "too large"}, "title": "Invalid"}, "top_k: too large; Invalid"),
        ({"error": {"code": 17, "type": "server"}}, '{"error": {"code": 17, "type": "server"}}'),
        ({"fault": {"why": "a"}}, '{"fault": {"why": "a"}}'),
        ({"error": None, "hint": "restart"}, '{"error": null, "hint": "restart"}'),
        ({"error": 5}, '{"error": 5}'),
        ([{"loc": None, "msg": "odd"}], "odd"),
        ({"code": 1301, "msg": "no quota"}, "no quota"),
        ({"Message": "not authorized"}, "not authorized"),
        ({"errorMessage": "timed out", "errorType": "Timeout"}, "timed out"),
        (
            {"fault": {"faultstring": "no key", "detail": {"errorcode": "x"}}},
            "errorcode: x; no key",
        ),
        ({"base_resp": {"status_code": 1004, "status_msg": "login"}}, "login"),
        ({"error": "unknown error", "warnings": ["CUDA"]}, "unknown error; CUDA"),
        (
            {"error": {"message": "Provider error", "metadata": {"raw": "busy", "by": "X"}}},
            "Provider error; busy",
        ),
        ({"error": "the tag <title> is missing"}, "the tag <title> is missing"),
        ({"error": "Unexpected token < in <html>"}, "Unexpected token < in <html>"),
        ([1, 2], "[1, 2]"),
        ({}, None),
        ([], None),
        (None, None),
        ("just text", "just text"),
    ],
)
def test_the_explanation_in_json(body: Any, expected: str | None) -> None:
    assert find_server_message(Reply(422, {}, json.dumps(body).encode())) == expected


def test_the_start_of_an_unknown_body_is_short() -> None:
    message = find_server_message(Reply(422, {}, json.dumps({"x": "y" * 9000}).encode()))
    assert message is not None
    assert message.startswith('{"x": "yyy')
    assert len(message) == MAX_RAW_CHARS + 1


def test_a_deeply_nested_body_has_no_explanation() -> None:
    for data in (b'{"error":' * 500 + b"1" + b"}" * 500, b"[" * 200_000):
        assert len(find_server_message(Reply(422, {}, data)) or "") <= 2000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\x00b\x08c\x9bd\x7f", "abcd"),
        ("two\nlines\tand a tab\r", "two\nlines\tand a tab"),
        ("\ud800half", "\ufffdhalf"),
        ("\u202eevil", "evil"),
        ("plain, ünïcödé 模型", "plain, ünïcödé 模型"),
        ("\x1b", ""),
        ("\x1b]unended", ""),
    ],
)
def test_texts_are_safe_to_print(text: str, expected: str) -> None:
    assert make_printable(text) == expected
    error = errors.InputError(f"<{text}>", advice=f"<{text}>")
    assert str(error).encode().decode() == f"<{expected}> <{expected}>" or "unended" in text
    assert find_request_id({"x-request-id": f"r{text}"}) == f"r{expected}"


def test_an_escape_inside_a_token_does_not_hide_it() -> None:
    assert str(errors.InputError("hf_\x1b[0mAbCd1234")) == "hf_…"


def test_hostile_bytes_of_a_server_are_safe_to_print(loopback: Loopback) -> None:
    body = b'{"error": "\\u001b[2J\\ud800 bad \\u0000 model"}'
    loopback.answer(Answer(400, body=body, headers={"x-request-id": "r" * 5000}))
    with pytest.raises(errors.BadRequestError, match="bad  model") as caught:
        InferenceClient(loopback.url).fill_mask("x")
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value).encode()) < 1000


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'data: {"error": {"message": "no model"}}\n\ndata: [DONE]\n\n', "no model"),
        (b'event: error\ndata: {"detail": "no model"}\n\n', "no model"),
        (b"event: error\ndata: no model\n\n", "event: error\ndata: no model"),
        (b"the field <title> is missing", "the field <title> is missing"),
    ],
)
def test_the_explanation_in_other_bodies(body: bytes, expected: str) -> None:
    assert find_server_message(Reply(400, {}, body)) == expected
