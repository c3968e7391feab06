"""The engine as an ASGI application: routes, and how every failure becomes an answer."""

import functools
import logging
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hfwidgets.engine.base.http_errors import ClientGoneError, RefusedError
from hfwidgets.engine.base.weights import MissingWeightsError
from hfwidgets.engine.server import audio_routes, hub_routes, openai_routes
from hfwidgets.engine.server.engine import Engine
from hfwidgets.engine.server.guard import RequestGuard
from hfwidgets.engine.server.wire import CLIENT_GONE_STATUS, build_error_reply

log = logging.getLogger(__name__)
Handler = Callable[[Request], Awaitable[Response]]

_POST_ROUTES: tuple[tuple[str, Handler], ...] = (
    ("/v1/chat/completions", openai_routes.create_chat_completion),
    ("/v1/completions", openai_routes.create_completion),
    ("/v1/embeddings", openai_routes.create_embeddings),
    ("/v1/audio/speech", audio_routes.create_speech),
    ("/v1/audio/transcriptions", audio_routes.create_transcription),
    ("/models/{model:path}/v1/chat/completions", openai_routes.create_chat_completion),
    ("/models/{model:path}/v1/completions", openai_routes.create_completion),
    ("/models/{model:path}/v1/embeddings", openai_routes.create_embeddings),
    ("/models/{model:path}/pipeline/{task}", hub_routes.run_task),
    ("/models/{model:path}", hub_routes.run_task),
    ("/", hub_routes.run_task),  # as a text-generation server has it
)
_GET_ROUTES: tuple[tuple[str, Handler], ...] = (
    ("/v1/models", openai_routes.list_models),
    ("/v1/models/{model:path}", openai_routes.retrieve_model),
    ("/models/{model:path}/v1/models", openai_routes.list_models),
    ("/health", openai_routes.check_health),
)


def create_app(engine: Engine, key: str) -> Starlette:
    """The application that serves this engine to those who hold the key."""
    routes = [
        Route(path, with_error_replies(handler), methods=["POST"]) for path, handler in _POST_ROUTES
    ]
    routes += [
        Route(path, with_error_replies(handler), methods=["GET"]) for path, handler in _GET_ROUTES
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(RequestGuard, key=key, clients=engine.clients)],
        exception_handlers={HTTPException: _reply_to_http_error},
    )
    app.state.engine = engine
    return app


def with_error_replies(handler: Handler) -> Handler:
    """The handler, with whatever it raises turned into an answer: one failure is one error."""

    @functools.wraps(handler)
    async def safe(request: Request) -> Response:
        try:
            return await handler(request)
        except ClientGoneError:
            return Response(status_code=CLIENT_GONE_STATUS)
        except MissingWeightsError as error:
            missing = RefusedError(
                501, error.message, kind="weights_missing", weights_set=error.set
            )
            return build_error_reply(missing, request.url.path)
        except RefusedError as refusal:
            return build_error_reply(refusal, request.url.path)
        except Exception as error:
            log.exception("%s failed", request.url.path)
            said = f"The engine failed at this request ({type(error).__name__}); see its log."
            return build_error_reply(RefusedError(500, said), request.url.path)

    return safe


async def _reply_to_http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    paths = ", ".join(path for path, _ in (*_POST_ROUTES, *_GET_ROUTES) if path != "/")
    said = f"Nothing is at {request.method} {request.url.path}. There are: {paths}."
    return build_error_reply(RefusedError(status, said), request.url.path)
