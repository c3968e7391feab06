"""Chat with tools of MCP servers: `MCPClient` for one turn, `Agent` for a task of several.

Needs the extra `hfwidgets[mcp]`. The names are the field's.

    async with MCPClient(model="Qwen/Qwen3-32B") as client:
        await client.add_mcp_server("stdio", command="python", args=["server.py"],
                                    allowed_tools=["add"])
        async for item in client.process_single_turn_with_tools(messages):
            ...

What a tool returns is untrusted text, as is what a model asks a tool to do: give `allowed_tools`.
Servers started by `stdio` inherit no variables of the environment but the harmless ones that the
`mcp` library lists, so no token reaches them unless `env=` hands it over.
"""

from hfwidgets.mcp._agent import Agent
from hfwidgets.mcp._client import MCPClient, ToolMessage
from hfwidgets.mcp._server import MCPServerError

__all__ = ["Agent", "MCPClient", "MCPServerError", "ToolMessage"]
