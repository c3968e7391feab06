"""The Hub's inference wire, as hf-inference, Inference Endpoints and the embedded engine speak it.

Bodies are `{"inputs": ..., "parameters": {...}}`; `build_body` knows the tasks that differ.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from hfwidgets import errors
from hfwidgets.core.flow import Flow, Infer, Reply, Send
from hfwidgets.media import OUTPUT_LIMIT, Media, ensure_bytes, read_content
from hfwidgets.providers import _openai, _tgi
from hfwidgets.providers._answers import parse_json
from hfwidgets.providers._provider import Provider, RouteHandler

NESTS_TEXTS = "nests texts"
"""The name in a request's memory of whether a server takes texts as lists of one."""

TABULAR_TASKS = ("tabular-classification", "tabular-regression")


class HubProvider(Provider):
    """A service that speaks the Hub's wire, where a newly declared task needs no route of its own.

    Chat and text generation have their own wires; every other task is posted to its `task_path`.

    Attributes:
        unserved_tasks: Tasks that the service is known not to serve.
    """

    unserved_tasks: ClassVar[frozenset[str]] = frozenset()

    def task_path(self, task: str, model: str) -> str:
        """Return the path of a task and model; the path of the model alone for the task ""."""
        raise NotImplementedError

    def chat_path(self, model: str) -> str:
        """Return the path of OpenAI's chat completions for a model."""
        raise NotImplementedError

    def schema_rewriter(self) -> _openai.SchemaRewriter | None:
        """Return what turns OpenAI's `json_schema` object into the service's own form."""
        return None

    def serves_task(self, task: str) -> bool:
        """True for every task but those known to be unserved."""
        return task not in self.unserved_tasks

    def takes_lists(self, task: str) -> bool:
        """True: on the Hub's wire, that depends on the task alone."""
        return task not in self.routes

    def route(self, task: str) -> RouteHandler:
        """Return the registered route of a task, else the one that fits the Hub's wire.

        Raises:
            TaskNotServedError: The service is known not to serve the task.
        """
        own: Mapping[str, RouteHandler] = {
            "chat-completion": self._chat,
            "text-generation": self._generate_text,
            **self.routes,
        }
        return own.get(task, self._post_task) if self.serves_task(task) else super().route(task)

    def _chat(self, request: Infer) -> Flow[Any]:
        return _openai.post_chat(
            request, self.chat_path(_model_name(request)), self.schema_rewriter()
        )

    def _generate_text(self, request: Infer) -> Flow[Any]:
        return _tgi.generate_text(request, self.task_path(request.task, _model_name(request)))

    def _post_task(self, request: Infer) -> Flow[Any]:
        return post_task(request, self.task_path(request.task, _model_name(request)))


def _model_name(request: Infer) -> str:
    return request.served_as or "default"


def build_body(request: Infer) -> dict[str, Any]:
    """Return the JSON of a request."""
    if request.task == "feature-extraction":  # servers read its parameters next to the inputs
        return {"inputs": request.inputs, **request.parameters}
    if request.task in TABULAR_TASKS:
        # Servers of tabular models look for the table at the root, not in the inputs.
        return {"parameters": request.parameters, "table": request.inputs}
    return {"inputs": request.inputs, "parameters": request.parameters}


def post_task(request: Infer, path: str) -> Flow[Any]:
    """Send a task's inputs: a medium without parameters as it is, anything else as JSON.

    Returns the parsed answer, or the bytes of a file for a task whose result is or holds one.
    """
    inputs = yield from _fetch_inputs(request.inputs)
    # Servers that can send several formats choose by this header; PNG loses nothing.
    headers = {"accept": "image/png"} if request.output == "image" else {}
    limit = OUTPUT_LIMIT if request.output else None
    # A raw body has no place for parameters: one of them turns the whole request into JSON with
    # base64. Servers choose the decoder of a raw body by its exact content type.
    if isinstance(inputs, Media) and not request.parameters:
        headers["content-type"] = inputs.mime or "application/octet-stream"
        reply = yield Send("POST", path, content=inputs.content, headers=headers, limit=limit)
    else:
        reply = yield from _post_json(request, path, headers, limit)
    if request.output and not _is_json(reply):
        return read_content(reply)
    return parse_json(reply)


def _post_json(
    request: Infer, path: str, headers: Mapping[str, str], limit: int | None
) -> Flow[Any]:
    """Send a task's inputs as JSON.

    text-embeddings-inference classifies two texts in a list as a pair, refuses more, and reads
    several from [["one"], ["two"]]. Whether an address is such a server is tried once.
    """
    memory, body = request.memory, build_body(request)
    if request.task != "text-classification" or not isinstance(request.inputs, list):
        return (yield Send("POST", path, json=body, headers=headers, limit=limit))
    nested = {**body, "inputs": [[text] for text in request.inputs]}
    if memory.get(NESTS_TEXTS):
        return (yield Send("POST", path, json=nested, headers=headers, limit=limit))
    try:
        return (yield Send("POST", path, json=body, headers=headers, limit=limit))
    except errors.BadRequestError as error:
        if error.status_code != 422 or NESTS_TEXTS in memory:
            raise
        memory[NESTS_TEXTS] = False
        try:
            reply = yield Send("POST", path, json=nested, headers=headers, limit=limit)
        except errors.BadRequestError:
            raise error from None
        memory[NESTS_TEXTS] = True
        return reply


def _fetch_inputs(inputs: object) -> Flow[Any]:
    """Return the inputs once the bytes of their media are read."""
    for leaf in inputs.values() if isinstance(inputs, Mapping) else (inputs,):
        if isinstance(leaf, Media):
            yield from ensure_bytes(leaf)
    return inputs


def _is_json(reply: Reply) -> bool:
    """True if an answer is JSON by its first byte, with which hardly any file begins."""
    if reply.content[:1] not in (b"{", b"["):
        return False
    # Audio without a header may begin with any byte: its label and the parser decide.
    label = reply.headers.get("content-type", "").strip().lower()
    if label.startswith(("audio/", "image/", "video/")):
        try:
            reply.json()
        except ValueError:
            return False
    return True
