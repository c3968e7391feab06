"""Build the engine's ASGI application: its routes, and how every failure becomes a reply."""

import functools
import logging
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from hfwidgets.engine.base.http_errors import ClientGoneError, RefusedError
from hfwidgets.engine.base.weights import MissingWeightsError, explain_damage
from hfwidgets.engine.server import (
    audio_routes,
    hub_routes,
    image_routes,
    openai_routes,
    status_routes,
)
from hfwidgets.engine.server.engine import Engine
from hfwidgets.engine.server.guard import RequestGuard
from hfwidgets.engine.server.wire import CLIENT_GONE_STATUS, build_error_reply

log = logging.getLogger(__name__)
Handler = Callable[[Request], Awaitable[Response]]

# The first match wins, and `{model:path}` also takes slashes, so longer paths come first.
ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/v1/chat/completions", openai_routes.create_chat_completion),
    ("POST", "/v1/responses", openai_routes.create_response),
    ("POST", "/v1/completions", openai_routes.create_completion),
    ("POST", "/v1/embeddings", openai_routes.create_embeddings),
    ("POST", "/v1/audio/speech", audio_routes.create_speech),
    ("POST", "/v1/audio/transcriptions", audio_routes.create_transcription),
    ("POST", "/v1/audio/translations", audio_routes.create_translation),
    ("POST", "/v1/images/generations", image_routes.create_images),
    ("GET", "/v1/models", status_routes.list_models),
    ("GET", "/v1/models/{model:path}", status_routes.retrieve_model),
    ("POST", "/models/{model:path}/v1/chat/completions", openai_routes.create_chat_completion),
    ("POST", "/models/{model:path}/v1/completions", openai_routes.create_completion),
    ("POST", "/models/{model:path}/v1/embeddings", openai_routes.create_embeddings),
    ("GET", "/models/{model:path}/v1/models", status_routes.list_models),
    ("POST", "/models/{model:path}/pipeline/{task}", hub_routes.run_task),
    ("POST", "/models/{model:path}", hub_routes.run_task),
    ("POST", "/", hub_routes.run_task),  # where text-generation servers have their one task
    ("GET", "/health", status_routes.check_health),
)


def create_app(engine: Engine, key: str) -> Starlette:
    """Build the application that serves this engine to holders of the key."""
    app = Starlette(
        routes=[
            Route(path, with_error_replies(handler), methods=[method])
            for method, path, handler in ROUTES
        ],
        middleware=[Middleware(RequestGuard, key=key, clients=engine.clients)],
        exception_handlers={HTTPException: _reply_to_http_error},
    )
    app.state.engine = engine
    return app


def with_error_replies(handler: Handler) -> Handler:
    """Wrap a handler so that everything it raises becomes a reply."""

    @functools.wraps(handler)
    async def safe(request: Request) -> Response:
        try:
            return await handler(request)
        except (ClientGoneError, ClientDisconnect):
            # The client has left: no one reads this reply, which is not a failure to log.
            return Response(status_code=CLIENT_GONE_STATUS)
        # Translated here, because what loads a model knows nothing of HTTP.
        except MissingWeightsError as error:
            missing = RefusedError(
                501, error.message, kind="weights_missing", weights_set=error.set
            )
            return build_error_reply(missing, request.url.path)
        except RefusedError as refusal:
            return build_error_reply(refusal, request.url.path)
        except Exception as error:
            log.exception("%s failed", request.url.path)
            # Looked for only here: what is cut off fails in as many ways as there are formats.
            message = explain_damage() or (
                f"The engine failed on this request ({type(error).__name__}); see its log."
            )
            return build_error_reply(RefusedError(500, message), request.url.path)

    return safe


async def _reply_to_http_error(request: Request, error: Exception) -> Response:
    """Reply to requests that no route takes: 405 names the methods of the path, 404 all routes."""
    path = request.url.path
    status, headers = 500, None
    if isinstance(error, HTTPException):
        status, headers = error.status_code, error.headers
    if status == 405:
        allowed = (headers or {}).get("Allow", "")
        message = f"{path} does not support {request.method}; use {allowed}."
    else:
        routes = ", ".join(f"{method} {route}" for method, route, _ in ROUTES)
        message = f"Unknown path {request.method} {path}. Paths: {routes}."
    return build_error_reply(RefusedError(status, message), path, headers)
