"""The HTTP client for MCP servers, which limits what a server can send. Needs the extra `mcp`."""

from collections.abc import AsyncIterator

import httpx2

from hfwidgets.mcp._limits import MAX_ANSWER_SIZE


def make_http_client(
    headers: dict[str, str] | None = None,
    timeout: httpx2.Timeout | None = None,
    auth: httpx2.Auth | None = None,
) -> httpx2.AsyncClient:
    """Return a client whose replies have at most `MAX_ANSWER_SIZE` bytes."""
    return httpx2.AsyncClient(
        # Compressed, a small body may hold a huge one.
        headers={**(headers or {}), "accept-encoding": "identity"},
        timeout=timeout if timeout is not None else httpx2.Timeout(30.0, read=300.0),
        auth=auth,
        transport=_LimitedTransport(),
    )


class _LimitedTransport(httpx2.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        # A server may ignore which encodings a request accepts.
        if response.headers.get("content-encoding", "identity") != "identity":
            raise httpx2.DecodingError("the server compressed its answer", request=request)
        # A stream of events may have any length; the reader of events limits each of them.
        is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
        if not is_stream and isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _LimitedStream(response.stream, request)
        return response


class _LimitedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, request: httpx2.Request) -> None:
        self._stream, self._request = stream, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for data in self._stream:
            size += len(data)
            if size > MAX_ANSWER_SIZE:
                raise httpx2.ReadError(
                    f"the answer is larger than {MAX_ANSWER_SIZE:,} bytes", request=self._request
                )
            yield data

    async def aclose(self) -> None:
        await self._stream.aclose()
