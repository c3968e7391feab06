"""Read requests from the wire: JSON objects, a task's inputs, and forms."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

from hfwidgets.engine.base.http_errors import RefusedError, bad_request
from hfwidgets.engine.base.runtimes import explain_missing_modules
from hfwidgets.engine.server.wire import Json
from hfwidgets.errors import did_you_mean

_MAX_FORM_FIELDS = 20


async def read_json_body(request: Request) -> Json:
    """Return the request's body as a JSON object; 400 for anything else."""
    try:
        body = msgspec.json.decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request(f"The request's body is not valid JSON: {error}.") from error
    if not isinstance(body, dict):
        raise bad_request(f"The request's body must be a JSON object, not {_json_type_name(body)}.")
    return body


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """A task's inputs and parameters; `stream` is None where the request does not mention it."""

    inputs: Any
    parameters: Json
    stream: bool | None


async def read_task_request(request: Request) -> TaskRequest:
    """Return a task's inputs and parameters, from JSON or a raw body.

    A raw body is a text or the bytes of a file, by its content type. Parameters are under
    "parameters" and, for some tasks and clients, next to the inputs; so are the parts of the inputs
    when "inputs" is absent or null.
    """
    raw = await request.body()
    content_type = _content_type(request)
    if content_type.startswith("text/"):
        return TaskRequest(_decode_text(raw, request), {}, None)
    if not _is_json(content_type, raw):
        return TaskRequest(raw, {}, None)
    body = await read_json_body(request)
    stream = body.pop("stream", None)
    _check_options(body.pop("options", None))
    inputs = body.pop("inputs", None)
    parameters = body.pop("parameters", None)
    if parameters is None:
        parameters = {}
    if not isinstance(parameters, Mapping):
        raise bad_request(
            f"parameters must be a JSON object, not {_json_type_name(parameters)}.", "parameters"
        )
    is_streamed = None if stream is None else stream is True
    # Older clients send the parts of the inputs at the top level.
    if inputs is None:
        return TaskRequest(body, dict(parameters), is_streamed)
    return TaskRequest(inputs, {**body, **parameters}, is_streamed)


def _decode_text(raw: bytes, request: Request) -> str:
    """Decode a text by the character set that its content type names, by default UTF-8."""
    _, _, options = request.headers.get("content-type", "").partition(";")
    _, _, charset = options.partition("charset=")
    charset = charset.partition(";")[0].strip(" \"'") or "utf-8"
    try:
        return raw.decode(charset)
    except (UnicodeDecodeError, LookupError) as error:
        raise bad_request(f"The text is not valid {charset}: {error}.", "inputs") from error


# Options of the Hub's older clients. The engine never stores answers, always waits for its models
# and has one processor, so their values change nothing.
_OPTIONS = frozenset({"use_cache", "wait_for_model", "use_gpu", "dont_load_model"})


def _check_options(options: object) -> None:
    """Refuse unknown options of the Hub's wire."""
    if not isinstance(options, Mapping | None):
        raise bad_request(
            f"options must be a JSON object, not {_json_type_name(options)}.", "options"
        )
    for name in sorted(map(str, (options or {}).keys() - _OPTIONS)):
        raise bad_request(
            f"Unknown option {name!r}.{did_you_mean(name, _OPTIONS)} "
            f"Options: {', '.join(sorted(_OPTIONS))}.",
            "options",
        )


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _is_json(content_type: str, raw: bytes) -> bool:
    """True if a body is JSON; without a type, or with curl's default one, its start decides."""
    if content_type in ("", "application/x-www-form-urlencoded"):
        return raw.lstrip()[:1] in (b"", b"{", b"[")
    return not content_type.startswith(("image/", "audio/", "video/", "application/octet-stream"))


def _json_type_name(value: object) -> str:
    names = {list: "a list", str: "a string", type(None): "null", bool: "a boolean"}
    return names.get(type(value), "a number")


@asynccontextmanager
async def open_form(request: Request) -> AsyncIterator[FormData]:
    """Parse a multipart form with at most one file; its temporary file lives for the block.

    Raises:
        RefusedError: 400 if the form is broken, 501 if the parser is not installed.
    """
    if why := explain_missing_modules("python_multipart"):
        raise RefusedError(501, f"The engine cannot read forms: {why}.", kind="not_served")
    from python_multipart.exceptions import FormParserError

    try:
        form = await request.form(max_files=1, max_fields=_MAX_FORM_FIELDS)
    except HTTPException as error:  # what starlette itself notices
        raise bad_request(f"The form cannot be read: {error.detail}") from error
    except (FormParserError, ValueError, LookupError) as error:
        # Broken boundaries, headers that aren't text, unknown character sets.
        raise bad_request(f"The form cannot be read: {error}.") from error
    try:
        yield form
    finally:
        await form.close()
