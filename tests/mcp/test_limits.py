"""A hostile MCP server neither hangs nor floods its client, and no message repeats its keys."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hfwidgets.mcp import Agent, MCPClient, MCPServerError
from hfwidgets.mcp._limits import (
    MAX_ANSWER_SIZE,
    MAX_DESCRIPTION_CHARS,
    MAX_RESULT_CHARS,
    LimitedLineDecoder,
)
from tests.mcp.test_mcp import calling, names, turn
from tests.plugins.loopback import Answer, Loopback

T = TypeVar("T")
HOSTILE = str(Path(__file__).parents[1] / "plugins" / "hostile_mcp_server.py")
KEY = "verysecret0123"


def connect(
    loopback: Loopback,
    mode: str,
    work: Callable[[MCPClient], Awaitable[T]],
    *args: str,
    client: type[MCPClient] = MCPClient,
    **params: Any,
) -> T:
    """Run work with a client of the hostile server; within 60 s, or fail."""

    async def run() -> T:
        async with client(base_url=loopback.url, model="m") as connected:
            await connected.add_mcp_server(
                "stdio", command=sys.executable, args=[HOSTILE, mode, *args], **params
            )
            return await work(connected)

    return asyncio.run(asyncio.wait_for(run(), 60))


async def list_names(client: MCPClient) -> list[str]:
    return names(client)


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("silent", "did not answer within 3 s"),
        ("silent-list", "did not list its tools within 3 s"),
    ],
)
def test_a_silent_server_is_left(loopback: Loopback, mode: str, reason: str) -> None:
    with pytest.raises(MCPServerError, match=reason):
        connect(loopback, mode, list_names, timeout=3)


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("endless-pages", "100 pages"),
        ("many-tools", "more than 1,000 tools"),
        ("null-schema", "did not list its tools"),
        ("no-list", "did not list its tools"),
        ("huge-list", "the answer is larger than 10,485,760 bytes"),
    ],
)
def test_a_list_without_an_end_or_form_is_refused(
    loopback: Loopback, mode: str, reason: str
) -> None:
    with pytest.raises(MCPServerError, match=reason):
        connect(loopback, mode, list_names, timeout=30)


def test_tools_with_impossible_names_are_left_out(loopback: Loopback) -> None:
    with pytest.warns(UserWarning, match="left out") as warnings:
        assert connect(loopback, "odd-names", list_names, client=Agent) == ["good"]
    assert len(warnings) == 6
    assert all(len(str(warning.message)) < 300 for warning in warnings)
    assert all(str(warning.message).isprintable() for warning in warnings)
    with pytest.warns(UserWarning, match="left out"):
        assert connect(loopback, "odd-names", list_names) == ["task_complete", "good"]


def test_texts_that_would_fill_each_prompt_are_cut_or_left_out(loopback: Loopback) -> None:
    async def describe(client: MCPClient) -> list[Any]:
        return list(client.available_tools)

    with pytest.warns(UserWarning, match=r"'big' .* schema"):
        [wordy] = connect(loopback, "huge-texts", describe)
    assert len(wordy["function"]["description"]) == MAX_DESCRIPTION_CHARS


async def call_once(client: MCPClient) -> str:
    messages: list[Any] = [{"role": "user", "content": "x"}]
    return str((await turn(client, messages))[-1].content)


@pytest.mark.parametrize(
    ("mode", "timeout", "reason"),
    [
        ("silent-call", 3, "The tool failed: no answer within 3 s"),
        ("huge-answer", 30, "the answer is larger than 10,485,760 bytes"),
        ("long-answer", 30, f"[{500_000 - MAX_RESULT_CHARS:,} characters left out]"),
    ],
)
def test_a_call_without_an_end_is_an_answer_of_limited_size(
    loopback: Loopback, mode: str, timeout: float, reason: str
) -> None:
    loopback.answer(calling("work", {}))
    content = connect(loopback, mode, call_once, timeout=timeout)
    assert reason in content
    assert len(content) < MAX_RESULT_CHARS + 100


@pytest.mark.parametrize("flag", ["--api-key", "--token", "--db-password"])
@pytest.mark.parametrize("joined", [False, True])
def test_no_error_shows_the_command_line_with_its_keys(
    loopback: Loopback, flag: str, joined: bool
) -> None:
    args = [f"{flag}={KEY}"] if joined else [flag, KEY]
    env = {"SERVICE_TOKEN": "tokenfromtheenvironment"}
    with pytest.raises(MCPServerError) as caught:
        connect(loopback, "dead", list_names, *args, "tokenfromtheenvironment", env=env)
    text = f"{caught.value!s} {caught.value!r}"
    assert "did not start" in text
    assert "usage: server" in text
    assert KEY not in text
    assert "tokenfromtheenvironment" not in text
    assert HOSTILE not in text


def test_no_error_shows_the_keys_of_a_url() -> None:
    async def run() -> None:
        async with MCPClient(model="m") as client:
            url = f"http://user:{KEY}@127.0.0.1:9/mcp?api_key={KEY}x"
            headers = {"X-Api-Key": f"{KEY}y"}
            await client.add_mcp_server("http", url=url, headers=headers, timeout=5)

    with pytest.raises(MCPServerError, match=r"127\.0\.0\.1:9") as caught:
        asyncio.run(asyncio.wait_for(run(), 60))
    assert KEY not in f"{caught.value!s} {caught.value!r}"


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc": "2.0", "id": 1, "result": "' + b"x" * (MAX_ANSWER_SIZE + 1) + b'"}',
        b"x" * 100,
    ],
)
def test_a_url_that_floods_or_is_no_server_is_refused(loopback: Loopback, body: bytes) -> None:
    loopback.route("POST", "/mcp", Answer(body=body, headers={"content-type": "application/json"}))

    async def run() -> None:
        async with MCPClient(model="m") as client:
            await client.add_mcp_server("http", url=f"{loopback.url}/mcp", timeout=10)

    with pytest.raises(MCPServerError):
        asyncio.run(asyncio.wait_for(run(), 60))


def test_the_model_is_not_shown_the_keys_that_a_tool_repeats(loopback: Loopback) -> None:
    loopback.answer(calling("work", {}))
    content = connect(loopback, "echo", call_once, "--api-key", KEY, "--city", "Ljubljana")
    assert KEY not in content
    assert "--city Ljubljana" in content


def test_an_answer_of_structured_content_alone_is_its_json(loopback: Loopback) -> None:
    loopback.answer(calling("work", {}))
    assert connect(loopback, "structured", call_once) == '{"degrees": 21}'


def test_a_call_in_an_odd_form_is_answered(loopback: Loopback) -> None:
    """A model may leave out any part of a call."""

    async def work(client: MCPClient) -> list[str]:
        calls: list[Any] = [
            {},
            {"function": None},
            {"id": "a", "function": {"name": "work", "arguments": "[" * 100_000}},
            {"id": "a", "function": {"name": "work", "arguments": 5}},
        ]
        return [(await client._run_tool_call(call, set())).content for call in calls]

    contents = connect(loopback, "none", work)
    assert [content[:12] for content in contents] == ["Unknown tool"] * 2 + ["The argument"] * 2


def test_a_line_above_the_limit_becomes_an_error_reply() -> None:
    decoder = LimitedLineDecoder()
    head = b'{"jsonrpc": "2.0", "id": 7, "result": "'
    text = decoder.decode(b'{"a": 1}\n' + head)
    for _ in range(11):
        text += decoder.decode("ä".encode() * (MAX_ANSWER_SIZE // 10))
    text += decoder.decode(b'"}\n{"b": ')
    text += decoder.decode(b"2}\n", final=True)
    first, cut, reply, last, end = text.split("\n")
    assert (json.loads(first), json.loads(last), end) == ({"a": 1}, {"b": 2}, "")
    assert len(cut) <= MAX_ANSWER_SIZE
    assert json.loads(reply)["id"] == 7
    assert "larger than" in json.loads(reply)["error"]["message"]
