"""Both clients as one fixture."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient
from tests.plugins.loopback import Loopback


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, loopback: Loopback) -> Callable[..., Any]:
    """Call a method of a client of the played server: `call("text_to_image", ...)`."""

    def blocking(method: str, *args: Any, **kwargs: Any) -> Any:
        with InferenceClient(base_url=loopback.url) as client:
            return getattr(client, method)(*args, **kwargs)

    async def awaited(method: str, *args: Any, **kwargs: Any) -> Any:
        async with AsyncInferenceClient(base_url=loopback.url) as client:
            return await getattr(client, method)(*args, **kwargs)

    if request.param == "sync":
        return blocking
    return lambda *args, **kwargs: asyncio.run(awaited(*args, **kwargs))
