"""Chat with the tools of a real MCP server, which runs as a separate program."""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hfwidgets import errors
from hfwidgets.mcp import Agent, MCPClient, MCPServerError, ToolMessage
from tests.plugins.loopback import Answer, Loopback, Seen, chat_events, events
from tests.plugins.waiting import until

T = TypeVar("T")

SERVER = str(Path(__file__).parents[1] / "plugins" / "mcp_server.py")
STDIO: dict[str, Any] = {"type": "stdio", "command": sys.executable, "args": [SERVER]}
TRANSPORTS = {"http": ("streamable-http", "/mcp"), "sse": ("sse", "/sse")}


def calling(name: str, arguments: Any, call: str = "c1") -> Answer:
    """Return a model's stream that asks for a tool call, in pieces."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    half = len(text) // 2
    deltas = [
        {"role": "assistant", "content": None, "tool_calls": [
            {"index": 0, "id": call, "type": "function", "function": {"name": name}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": text[:half]}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": text[half:]}}]},
    ]  # fmt: skip
    return events(*[{"choices": [{"index": 0, "delta": delta}]} for delta in deltas])


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """Run the server over both HTTP transports; yield their URLs.

    Starting a server takes seconds, so tests share these unless they are about stdio.
    """
    processes, found = [], {}
    for kind, (transport, path) in TRANSPORTS.items():
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, SERVER, transport, str(port)]
        processes.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        found[kind] = f"http://127.0.0.1:{port}{path}"
    try:
        for url in found.values():
            wait_for_port(int(url.rsplit(":", 1)[1].partition("/")[0]))
        yield found
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture
def http(urls: dict[str, str]) -> dict[str, Any]:
    """Return the parameters of the shared server."""
    return {"type": "http", "url": urls["http"]}


def with_client(
    loopback: Loopback, server: dict[str, Any], work: Callable[[MCPClient], Awaitable[T]]
) -> T:
    """Run work with a client that has the server's tools."""

    async def run() -> T:
        async with MCPClient(base_url=loopback.url, model="m") as client:
            await client.add_mcp_server(**server)
            return await work(client)

    return asyncio.run(asyncio.wait_for(run(), 30))


async def turn(client: MCPClient, messages: list[Any], **more: Any) -> list[Any]:
    return [item async for item in client.process_single_turn_with_tools(messages, **more)]


async def ask_once(client: MCPClient) -> list[Any]:
    return await turn(client, [{"role": "user", "content": "x"}])


def names(client: MCPClient) -> list[str]:
    return [tool["function"]["name"] for tool in client.available_tools]


def test_tools_are_listed_in_the_form_of_openai(loopback: Loopback) -> None:
    async def work(client: MCPClient) -> list[dict[str, Any]]:
        assert names(client) == ["add", "fail", "draw_image", "variable", "die"]
        return client.available_tools

    left = with_client(loopback, STDIO, work)
    assert left == [], "the tools are removed when the client closes"


def test_allow_lists(loopback: Loopback, http: dict[str, Any]) -> None:
    async def work(client: MCPClient) -> dict[str, Any]:
        assert names(client) == ["add"]
        return dict(client.available_tools[0])

    with pytest.warns(UserWarning, match=r"names 'ad', .* Did you mean 'add'"):
        add = with_client(loopback, http | {"allowed_tools": ["add", "ad"]}, work)
    assert add["type"] == "function"
    assert add["function"]["description"] == "Add two numbers."
    assert set(add["function"]["parameters"]["properties"]) == {"a", "b"}


def test_a_turn_with_a_tool(loopback: Loopback, http: dict[str, Any]) -> None:
    loopback.answer(calling("add", {"a": 2, "b": 3}))
    messages: list[Any] = [{"role": "user", "content": "2 + 3?"}]

    async def work(client: MCPClient) -> list[Any]:
        return await turn(client, messages)

    *chunks, message = with_client(loopback, http | {"allowed_tools": ["add"]}, work)
    assert len(chunks) == 3
    assert isinstance(message, ToolMessage)
    assert message == {"role": "tool", "tool_call_id": "c1", "name": "add", "content": "5"}
    sent = loopback.requests[0].json()
    assert (sent["model"], sent["tool_choice"], sent["stream"]) == ("m", "auto", True)
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["add"]
    called = messages[1]["tool_calls"][0]
    assert (messages[1]["role"], called["id"]) == ("assistant", "c1")
    assert called["function"] == {"name": "add", "arguments": '{"a": 2, "b": 3}'}
    assert messages[2] == message


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("fail", {}, "The tool failed: Error executing tool fail"),
        ("add", '{"a": 2', "not JSON"),
        ("add", "[1]", "must be a JSON object"),
        ("sub", {}, "Unknown tool 'sub'. The tools are: add"),
        ("draw_image", {}, "[Binary Content: image/png, 30 bytes"),
    ],
)
def test_a_failure_is_reported_to_the_model(
    loopback: Loopback, http: dict[str, Any], name: str, arguments: Any, said: str
) -> None:
    loopback.answer(calling(name, arguments))
    assert said in with_client(loopback, http, ask_once)[-1].content


def test_a_dead_server_is_reported_to_the_model(loopback: Loopback) -> None:
    loopback.answer(calling("die", {}))
    assert "The tool failed" in with_client(loopback, STDIO, ask_once)[-1].content


def test_tokens_do_not_reach_the_server(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "sentinel" * 4)
    loopback.answer(calling("variable", {"name": "HF_TOKEN"}))
    assert with_client(loopback, STDIO, ask_once)[-1].content == "unset"


def test_env_reaches_the_server(loopback: Loopback) -> None:
    loopback.answer(calling("variable", {"name": "MINE"}))
    server = STDIO | {"env": {"MINE": "yes"}}
    assert with_client(loopback, server, ask_once)[-1].content == "yes"


def test_a_plain_answer_ends_the_turn(loopback: Loopback, http: dict[str, Any]) -> None:
    loopback.answer(chat_events("Hello", " there"), chat_events("Hello", " there"))
    messages: list[Any] = [{"role": "user", "content": "x"}]

    async def work(client: MCPClient) -> tuple[int, int]:
        whole = await turn(client, messages)
        assert messages[-1] == {"role": "assistant", "content": "Hello there"}
        first = await turn(client, messages, exit_if_first_chunk_no_tool=True)
        assert len(messages) == 2
        return len(whole), len(first)

    assert with_client(loopback, http, work) == (3, 1)


def test_the_same_tool_twice(loopback: Loopback, http: dict[str, Any]) -> None:
    async def work(client: MCPClient) -> int:
        with pytest.warns(UserWarning, match="another server has a tool of this name"):
            await client.add_mcp_server(**http, allowed_tools=["add"])
        return names(client).count("add")

    assert with_client(loopback, http, work) == 1


def test_a_server_that_does_not_start_reports_its_output() -> None:
    async def run(params: dict[str, Any]) -> None:
        async with MCPClient(model="m") as client:
            await asyncio.wait_for(client.add_mcp_server(**params), 20)

    with pytest.raises(MCPServerError, match="cannot find my database"):
        asyncio.run(run({**STDIO, "args": [SERVER, "--broken"]}))
    with pytest.raises(MCPServerError, match="no-such-program"):
        asyncio.run(run({**STDIO, "command": "no-such-program"}))
    with pytest.raises(errors.ConfigurationError, match="Choose stdio, http or sse"):
        asyncio.run(run({**STDIO, "type": "pigeon"}))
    with pytest.raises(errors.ConfigurationError, match="colour"):
        asyncio.run(run({**STDIO, "colour": "red"}))


def test_cells_of_a_notebook_are_tasks_of_their_own(loopback: Loopback) -> None:
    """A connection is opened in one task and closed in another."""

    async def run() -> list[str]:
        client = MCPClient(base_url=loopback.url)
        await asyncio.create_task(client.add_mcp_server(**STDIO, allowed_tools=["add"]))
        found = names(client)
        await asyncio.create_task(client.cleanup())
        return found

    assert asyncio.run(asyncio.wait_for(run(), 30)) == ["add"]


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_a_server_at_a_url(loopback: Loopback, urls: dict[str, str], kind: str) -> None:
    loopback.answer(calling("add", {"a": 2, "b": 3}))
    server = {"type": kind, "url": urls[kind], "headers": {"x-mine": "1"}}
    assert with_client(loopback, server, ask_once)[-1].content == "5"


def wait_for_port(port: int) -> None:
    """Wait until something listens."""

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as made:
            # A socket may connect to itself where nothing listens yet.
            return made.getsockname() != made.getpeername()
        return False

    until(answers, f"something listens on {port}")


def test_a_client_needs_a_model_or_a_url() -> None:
    with pytest.raises(ValueError, match="Pass model="):
        MCPClient()
    with pytest.raises(ValueError, match="Pass either a URL or provider='together', not both"):
        MCPClient(base_url="http://x", provider="together")


def agent_run(
    loopback: Loopback, http: dict[str, Any], *answers: Answer, prompt: str | None = None
) -> Agent:
    """Return an agent after a task, with these answers of its model."""
    loopback.answer(*answers)

    async def run() -> Agent:
        server = http | {"allowed_tools": ["add"]}
        async with Agent(base_url=loopback.url, servers=[server], prompt=prompt) as agent:
            await agent.load_tools()
            async for _ in agent.run("2 + 3?"):
                pass
            return agent

    return asyncio.run(asyncio.wait_for(run(), 30))


def test_an_agent_works_until_its_task_is_done(loopback: Loopback, http: dict[str, Any]) -> None:
    agent = agent_run(
        loopback,
        http,
        calling("add", {"a": 2, "b": 3}),
        chat_events("It is 5."),
        calling("task_complete", {}, "c2"),
        prompt="Be brief.",
    )
    roles = [message["role"] for message in agent.messages]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "assistant", "tool"]
    assert agent.messages[0]["content"] == "Be brief."
    assert agent.messages[-1]["name"] == "task_complete"
    tools = [tool["function"]["name"] for tool in loopback.requests[0].json()["tools"]]
    assert tools == ["task_complete", "ask_question", "add"]


def test_an_agent_that_only_talks_ends(loopback: Loopback, http: dict[str, Any]) -> None:
    agent = agent_run(loopback, http, chat_events("Five."), chat_events("Really."))
    assert len(loopback.requests) == 2
    assert agent.messages[-1]["content"] == "Five."


def test_an_agent_has_ten_turns(loopback: Loopback, http: dict[str, Any]) -> None:
    agent_run(loopback, http, *[calling("add", {"a": 1, "b": 1}) for _ in range(12)])
    assert len(loopback.requests) == 10


def test_an_agent_stops_at_the_event(loopback: Loopback) -> None:
    stop = asyncio.Event()

    def first(_: Seen) -> Answer:
        return chat_events("one", "two", "three")

    loopback.answer(first)

    async def run() -> int:
        count = 0
        async with Agent(base_url=loopback.url) as agent:
            async for _ in agent.run("x", stop):
                count += 1
                stop.set()
        return count

    assert asyncio.run(run()) == 1
