"""Requests besides the tasks: `post`, `get_endpoint_info`, `health_check`, for both clients.

Their addresses (`providers.endpoint` has the rules for URLs):

    post               a URL unchanged; hf-inference's and the engine's route of the model
    get_endpoint_info  {server}/info, {hf-inference}/models/{model}/info
    health_check       {server}/health

`{server}` is a URL without what chat adds to it: `/v1`, `/chat/completions`.
"""

from collections.abc import Awaitable, Mapping
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, overload

from hfwidgets import errors, media, providers
from hfwidgets.calls import model_info
from hfwidgets.calls.routing import Route, default_provider
from hfwidgets.calls.settings import Settings, is_url
from hfwidgets.core.event_stream import LineDecoder
from hfwidgets.core.flow import Flow, Reply, Send, StreamedReply, Target
from hfwidgets.core.streams import AsyncStream, Stream
from hfwidgets.results.posted import RawLinesCollector, RawResponse
from hfwidgets.tasks import TASKS
from hfwidgets.tasks.declaration import operation, streaming_operation

PostStream: TypeAlias = Stream[bytes, RawResponse]
AsyncPostStream: TypeAlias = AsyncStream[bytes, RawResponse]
ResultT_co = TypeVar("ResultT_co", covariant=True)
StreamT_co = TypeVar("StreamT_co", covariant=True)


class PostOverloads(Protocol[ResultT_co, StreamT_co]):
    """Type `post` of either client: what it returns depends on `stream`."""

    @overload
    def __call__(
        self,
        *,
        json: object = ...,
        data: object = ...,
        model: str | None = ...,
        task: str | None = ...,
        stream: Literal[False] = ...,
    ) -> ResultT_co: ...
    @overload
    def __call__(
        self,
        *,
        json: object = ...,
        data: object = ...,
        model: str | None = ...,
        task: str | None = ...,
        stream: Literal[True],
    ) -> StreamT_co: ...


PostCall: TypeAlias = PostOverloads[RawResponse, PostStream]
AsyncPostCall: TypeAlias = PostOverloads[Awaitable[RawResponse], Awaitable[AsyncPostStream]]


class RawRequests:
    """Requests besides the tasks, as methods of both clients."""

    @streaming_operation(PostCall, AsyncPostCall)
    def post(
        self,
        *,
        json: object = None,
        data: object = None,
        model: str | None = None,
        task: str | None = None,
        stream: bool = False,
    ) -> Flow[RawResponse | StreamedReply[bytes]]:
        """Send a custom request and return the answer's bytes.

        It goes to hf-inference, to the URL of an endpoint or to the embedded engine.

        Args:
            json: The body as JSON data; media in it are sent as base64.
            data: The body: bytes, a binary file, a path, a URL that is fetched first, an image.
            model: The model's id on the Hub, or the URL of an endpoint; left out, the client's, or
                the one that the Hub recommends for the task.
            task: The task's name, which hfwidgets need not know.
            stream: Return the answer line by line, as it arrives.

        Raises:
            ConfigurationError: json and data together, or a provider without such a route.
        """
        if json is not None and data is not None:
            raise errors.ConfigurationError("Pass either json or data, not both.")
        task = (task or "").replace("_", "-")
        who = yield Target(lambda settings: _route_post(model, task, settings), task)
        output = TASKS[task].output if task in TASKS else ""
        # Endpoints choose their encoder by it: for `*/*` they send images as base64 in JSON.
        headers = {"accept": "image/png"} if output == "image" else {}
        content = yield from _load_content(data)
        # Servers choose their decoder by the content type, which bytes alone do not carry.
        mime = content.mime if isinstance(content, media.Media) else _sniff_mime(content)
        if mime is not None:
            headers["content-type"] = mime
        reply = yield Send(
            "POST",
            _post_path(who, task),
            json=json,
            content=content,
            headers=headers,
            stream=stream,
        )
        if stream:
            return StreamedReply(
                reply, LineDecoder(), RawLinesCollector(reply.status_code, reply.headers)
            )
        return RawResponse.of(reply.content, reply.status_code, reply.headers)

    @operation
    def get_endpoint_info(self, *, model: str | None = None) -> Flow[dict[str, Any]]:
        """Return a text-generation server's own description: model_id, max_input_tokens, ...

        Args:
            model: The endpoint's URL or the model's id on the Hub; left out, the client's.
        """
        who = yield Target(lambda settings: _route_server_info(model, "info", settings))
        reply = yield Send("GET", "" if who.url else f"/models/{who.served_as}/info")
        return dict(_parse_object(reply))

    @operation
    def health_check(self, model: str | None = None) -> Flow[bool]:
        """True if an endpoint is ready to answer; it is asked once and not waited for.

        Args:
            model: The endpoint's URL; left out, the client's.
        """
        who = yield Target(lambda settings: _route_server_info(model, "health", settings))
        if who.url is None and not who.provider.is_embedded:
            raise errors.ConfigurationError(
                "health_check needs an endpoint: pass its URL as model=. The Hub loads models when "
                "they are called."
            )
        try:
            reply = yield Send("GET", "" if who.url else "/health", tries=0)
        except (errors.HfHubHTTPError, errors.InferenceEndpointError, errors.ConnectError):
            return False
        return bool(reply.status_code == 200)


def _route_post(model: str | None, task: str, settings: Settings) -> Flow[Route]:
    """Return the route of a custom request."""
    url = next((text for text in (model, settings.model) if text and is_url(text)), None)
    if url is not None:
        named = None if model is None or is_url(model) else model
        return Route(providers.get("endpoint"), named, named, url)
    model = model or settings.model
    name = default_provider(settings) or "hf-inference"
    name = "hf-inference" if name == "auto" else name
    provider = providers.get(name)
    if not isinstance(provider, providers.HubProvider):
        raise errors.ConfigurationError(
            f"post() works with hf-inference, URLs and the local engine, not with {name}: pass the "
            "whole URL as model= to a client without provider=, or use the task's own method."
        )
    if model is None and provider.uses_recommended_models:
        if not task:
            raise errors.ConfigurationError(
                "post() needs a model= (an id or a URL), or a task= that has a recommended model."
            )
        model = yield from model_info.find_recommended_model((task,), settings)
    return Route(provider, model, model)


def _route_server_info(model: str | None, name: str, settings: Settings) -> Flow[Route]:
    """Return the route to a server's description: a URL's server, else the one of `post`."""
    who = yield from _route_post(model, "", settings)
    if who.url is None:
        return who
    from hfwidgets.providers.endpoint import side_url

    return Route(who.provider, who.model, who.served_as, side_url(who.url, name))


def _post_path(who: Route, task: str) -> str:
    """Return the path of a raw request."""
    assert isinstance(who.provider, providers.HubProvider)  # by `_route_post`
    return "" if who.url is not None else who.provider.task_path(task, who.served_as or "default")


def _load_content(data: object) -> Flow[bytes | media.Media | None]:
    """Return the body of `data=`: bytes unchanged, everything else as media."""
    if data is None or isinstance(data, bytes):
        return data
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data)
    loaded: media.Media = yield from media.load(data)
    whole: media.Media = yield from media.ensure_bytes(loaded)
    return whole


def _sniff_mime(content: bytes | None) -> str | None:
    """Return the type by the first bytes; servers choose their decoder by it."""
    return media.sniff(content[: media.HEAD_SIZE]) if content else None


def _parse_object(reply: Reply) -> Mapping[str, Any]:
    try:
        found = reply.json()
    except ValueError:
        found = None
    if not isinstance(found, Mapping):
        raise errors.OutputError(
            f"{reply.url} does not answer with a JSON object: it is not a text-generation server."
        )
    return found
