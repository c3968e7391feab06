"""Chat with the tools of MCP servers: `MCPClient` for single turns, `Agent` for whole tasks.

Needs the extra `hfwidgets[mcp]`. The names are those of huggingface_hub.

    async with MCPClient(model="Qwen/Qwen3-32B") as client:
        await client.add_mcp_server("stdio", command="python", args=["server.py"],
                                    allowed_tools=["add"])
        async for item in client.process_single_turn_with_tools(messages):
            ...

A tool's answer is untrusted text, and so is what a model asks a tool to do: pass `allowed_tools`.
Servers started by `stdio` inherit no variables of the environment but the harmless ones that the
`mcp` library lists, so no token reaches them unless `env=` passes it on. Each server is held to
limits of time and size; see `hfwidgets.mcp._limits`.
"""

from hfwidgets.mcp._agent import Agent
from hfwidgets.mcp._client import MCPClient, ToolMessage
from hfwidgets.mcp._limits import MCPServerError

__all__ = ["Agent", "MCPClient", "MCPServerError", "ToolMessage"]
