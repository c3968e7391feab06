"""An MCP server for tests, run as a program: on stdio, or `streamable-http PORT`, `sse PORT`."""

import os
import sys

from mcp.server.mcpserver import Image, MCPServer

server = MCPServer("played")


@server.tool()
def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


@server.tool()
def fail() -> str:
    """Always fail."""
    raise ValueError("no luck today")


@server.tool()
def draw_image() -> Image:
    """Draw something."""
    return Image(data=b"\x89PNG" + b"\0" * 26, format="png")


@server.tool()
def variable(name: str) -> str:
    """Read a variable of the environment."""
    return os.environ.get(name, "unset")


@server.tool()
def die() -> str:
    """End the server."""
    os._exit(3)


if __name__ == "__main__":
    if "--broken" in sys.argv:
        sys.exit("cannot find my database")
    if len(sys.argv) == 3:
        server.run(sys.argv[1], port=int(sys.argv[2]))  # type: ignore[call-overload]
    else:
        server.run()
