"""An MCP server on stdio that misbehaves in the way its first argument names."""

import json
import sys
from typing import Any

MODE = sys.argv[1]


def read() -> dict[str, Any]:
    line = sys.stdin.readline()
    if not line:
        sys.exit()
    message: dict[str, Any] = json.loads(line)
    return message


def send(request: dict[str, Any], result: Any) -> None:
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)


def tool(name: Any, schema: Any = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": schema or {"type": "object"}, **more}


def list_page(cursor: str | None) -> dict[str, Any]:
    """Return a page of tools, as the mode has it."""
    match MODE:
        case "endless-pages":
            return {"tools": [], "nextCursor": str(int(cursor or 0) + 1)}
        case "many-tools":
            return {"tools": [tool(f"t{number}") for number in range(5000)]}
        case "null-schema":
            return {"tools": [{"name": "broken", "inputSchema": None}]}
        case "no-list":
            return {"tools": "none"}
        case "odd-names":
            names = ["", "x" * 5000, "nul\0", "with space", "task_complete", "\x1b[31m", "good"]
            return {"tools": [tool(name) for name in names]}
        case "huge-texts":
            schema = {"type": "object", "properties": {"p" * 200_000: {}}}
            wordy = tool("wordy", description="d" * 200_000)
            return {"tools": [wordy, tool("big", schema)]}
        case "huge-list":
            return {"tools": [tool("t", description="d" * 20_000_000)]}
    return {"tools": [tool("work")]}


def main() -> None:
    if MODE == "dead":
        sys.exit(f"usage: server {' '.join(sys.argv[2:])}")
    while MODE != "silent":
        request = read()
        match request.get("method"):
            case "initialize":
                version = request["params"]["protocolVersion"]
                info = {"name": "hostile", "version": "1"}
                capabilities = {"tools": {}}
                send(request, {"protocolVersion": version, "serverInfo": info,
                               "capabilities": capabilities})  # fmt: skip
            case "tools/list" if MODE != "silent-list":
                send(request, list_page((request.get("params") or {}).get("cursor")))
            case "tools/call" if MODE == "huge-answer":
                send(request, {"content": [{"type": "text", "text": "x" * 20_000_000}]})
            case "tools/call" if MODE == "echo":
                text = f"started as {' '.join(sys.argv)}"
                send(request, {"content": [{"type": "text", "text": text}]})
            case "tools/call" if MODE == "structured":
                send(request, {"content": [], "structuredContent": {"degrees": 21}})
            case "tools/call" if MODE == "long-answer":
                send(request, {"content": [{"type": "text", "text": "x" * 500_000}]})
            case method if method and "id" in request and not method.startswith("tools/"):
                error = {"code": -32601, "message": "unknown method"}
                reply = {"jsonrpc": "2.0", "id": request["id"], "error": error}
                print(json.dumps(reply), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
