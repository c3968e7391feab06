"""Sending to a page of Shiny, whose widgets send within a session, and only when it is flushed."""

import asyncio
from collections.abc import Callable
from typing import Any


class ShinySession:
    """The session that is current when a widget is made, with its event loop."""

    def __init__(self) -> None:
        from shiny.session import get_current_session

        self._session: Any = get_current_session()
        self._loop = asyncio.get_running_loop()

    def send(self, post: Callable[[], None]) -> None:
        """Call `post` within the session, and flush it; any thread may call this."""
        asyncio.run_coroutine_threadsafe(self._send(post), self._loop)

    async def _send(self, post: Callable[[], None]) -> None:
        from shiny import reactive
        from shiny.session import session_context

        async with reactive.lock():
            with session_context(self._session):
                post()
                await reactive.flush()


def find_shiny_session(comm: object) -> ShinySession | None:
    """Return the session of a widget's comm; None outside of Shiny."""
    # Not by the class: the comm that sends replaces a dummy once the widget is complete.
    return ShinySession() if type(comm).__module__.startswith("shinywidgets.") else None
