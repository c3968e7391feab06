"""What needs more than the dependencies says what to install, in one sentence."""

import asyncio

import hfwidgets as hf

messages: dict[str, str] = {}


def note(name: str, call: object) -> None:
    try:
        assert callable(call)
        found = call()
        if asyncio.iscoroutine(found):
            asyncio.run(found)
    except (hf.HfWidgetsError, ImportError) as error:
        messages[name] = str(error)


async def connect() -> None:
    async with hf.MCPClient(model="a/b") as client:
        await client.add_mcp_server("stdio", command="true")


note("the engine", lambda: hf.InferenceClient(provider="local").text_classification("a"))
note("an MCP server", connect)
note(
    "an evaluation",
    lambda: hf.evaluate("text-classification", [{"text": "a", "label": "A"}], ["a/b"]),
)
expected = {
    "the engine": "hfwidgets[local]",
    "an MCP server": "hfwidgets[mcp]",
    "an evaluation": "hfwidgets[eval]",
}
for name, extra in expected.items():
    assert extra in messages.get(name, ""), (name, messages)
    assert len(messages[name]) < 300, messages[name]
print("walked", len(expected))
