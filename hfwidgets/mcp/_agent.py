"""Let a chat model work with tools until a task is done."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any

from hfwidgets.mcp._client import ChatMessage, MCPClient, OpenAITool, TurnItem

MAX_TURNS = 10
"""How many turns an agent's model has for one task."""

TASK_COMPLETE: OpenAITool = {
    "type": "function",
    "function": {
        "name": "task_complete",
        "description": "Call this when the user's task is done.",
        "parameters": {"type": "object", "properties": {}},
    },
}
ASK_QUESTION: OpenAITool = {
    "type": "function",
    "function": {
        "name": "ask_question",
        "description": "Call this, after you have asked, when only the user can answer.",
        "parameters": {"type": "object", "properties": {}},
    },
}
PROMPT = (
    "You work on the user's task until it is done. Plan before each tool call and look at its "
    "result before the next. Do not guess what a tool can tell you. Call task_complete once the "
    "task is done, ask_question where you need the user."
)


class Agent(MCPClient):
    """A chat model that works with tools until a task is done.

    Args:
        model, provider, base_url, api_key: As for `MCPClient`.
        servers: One dict per server, `{"type": "stdio", "command": ..., "allowed_tools": [...]}`
            and the like; see `MCPClient.add_mcp_server`.
        prompt: The system prompt; None for `PROMPT`.
    """

    reserved_names = frozenset({"task_complete", "ask_question"})

    def __init__(
        self,
        *,
        model: str | None = None,
        servers: Iterable[Mapping[str, Any]] = (),
        provider: str | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        prompt: str | None = None,
    ) -> None:
        super().__init__(model=model, provider=provider, base_url=base_url, api_key=api_key)
        self._server_configs = [dict(server) for server in servers]
        self.messages: list[ChatMessage] = [{"role": "system", "content": prompt or PROMPT}]

    async def load_tools(self) -> None:
        """Connect the servers."""
        for server in self._server_configs:
            await self.add_mcp_server(**server)

    async def run(
        self, user_input: str, abort_event: asyncio.Event | None = None
    ) -> AsyncGenerator[TurnItem, None]:
        """Work on a task; yield the model's chunks and the tools' messages.

        Ends when the model calls task_complete or ask_question, answers twice without calling a
        tool, has had `MAX_TURNS` turns, or when `abort_event` is set.
        """
        self.messages.append({"role": "user", "content": user_input})
        must_call = False
        for turn in range(MAX_TURNS):
            turns = self.process_single_turn_with_tools(
                self.messages,
                exit_loop_tools=[TASK_COMPLETE, ASK_QUESTION],
                exit_if_first_chunk_no_tool=turn > 0 and must_call,
            )
            # A consumer may leave early: closing the turn then ends its stream at once.
            async with contextlib.aclosing(turns):
                async for item in turns:
                    if abort_event is not None and abort_event.is_set():
                        return
                    yield item
            # A turn that ended early added nothing, so this may be the message of the turn before.
            last = self.messages[-1]
            called = last["role"] == "tool"
            if (called and last["name"] in self.reserved_names) or (must_call and not called):
                return
            # A model that only talked gets one more turn, in which it must call a tool.
            must_call = not called
