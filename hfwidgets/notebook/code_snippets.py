"""Calls as code: as Python, for huggingface_hub, as a magic and as curl, without secrets."""

import json
import pprint
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hfwidgets import engine_process, providers
from hfwidgets.calls.dry_run import Explanation
from hfwidgets.errors.secrets import redact, redact_data
from hfwidgets.tasks import find
from hfwidgets.tasks.controls import TextBox

_OMITTED_HEADERS = ("user-agent", "accept", "accept-encoding", "x-request-id", "x-hfwidgets-client")
# Headers count as secrets, as a server may expect its key under any name.
_SECRET_SETTINGS = ("token", "api_key", "headers")


class CallLike(Protocol):
    """A call: the task's name, the arguments and the settings of the client."""

    @property
    def task(self) -> str: ...
    @property
    def arguments(self) -> Mapping[str, Any]: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class CallDraft:
    """A call that has not been made."""

    task: str
    arguments: Mapping[str, Any]
    settings: Mapping[str, Any]


def _redact_call(call: CallLike) -> CallDraft:
    """Return the same call with the secrets in its texts masked, keys inside addresses included."""
    arguments, settings = redact_data(dict(call.arguments)), redact_data(dict(call.settings))
    return CallDraft(call.task, arguments, settings)


def to_python(call: CallLike) -> str:
    """Return a call as a complete Python program."""
    call = _redact_call(call)
    visible = {name: value for name, value in call.settings.items() if name not in _SECRET_SETTINGS}
    settings = ", ".join(f"{name}={value!r}" for name, value in visible.items())
    arguments = {k: v for k, v in call.arguments.items() if k not in ("stream", "stream_options")}
    embedded = providers.is_embedded(call.settings.get("provider"))
    token = "" if embedded else "  # the token comes from HF_TOKEN"
    return "\n".join(
        [
            "from hfwidgets import InferenceClient",
            "",
            f"client = InferenceClient({settings}){token}",
            f"result = client.{find(call.task).method}(",
            *(f"    {name}={_format_literal(value)}" for name, value in arguments.items()),
            ")",
        ]
    )


_HUB_MISSING_TASKS = {
    "zero-shot-object-detection": "it has no method for this task",
}
_HUB_OMITTED_ARGUMENTS = (
    "stream",
    "stream_options",
    "labels",
    "stop_sequences",
    "extra",
    "target_size",
)
# huggingface_hub cannot start the engine, so its snippets name where `serve` listens by default.
_LOCAL_URL = f"http://127.0.0.1:{engine_process.SERVE_PORT}"


def to_huggingface_hub(call: CallLike) -> str:
    """Return a call as a program for huggingface_hub, whose methods have the same names."""
    call = _redact_call(call)
    task = find(call.task)
    if why := _HUB_MISSING_TASKS.get(task.name):
        return f"# huggingface_hub cannot make this call: {why}."
    arguments = {k: v for k, v in call.arguments.items() if k not in _HUB_OMITTED_ARGUMENTS}
    note, settings = _hub_settings(call, task.name, arguments)
    return "\n".join(
        [
            "import os",
            "",
            "from huggingface_hub import InferenceClient",
            "",
            *note,
            f"client = InferenceClient({', '.join(settings)})",
            f"result = client.{task.method}(",
            *(f"    {name}={_format_literal(value)}" for name, value in arguments.items()),
            ")",
        ]
    )


def _hub_settings(
    call: CallLike, task: str, arguments: dict[str, Any]
) -> tuple[list[str], list[str]]:
    """Return comment lines and the client's settings; an endpoint's address replaces the model."""
    key = 'api_key=os.environ["HF_TOKEN"]'
    provider, url = call.settings.get("provider"), call.settings.get("base_url")
    chat = task == "chat-completion"
    if providers.is_embedded(provider):
        # For chat the model stays an argument. Elsewhere the address contains it, so it is taken
        # out of the caller's arguments.
        model = arguments.get("model") if chat else arguments.pop("model", None)
        note = ["# The embedded engine: run `hfwidgets serve --api-key local` in a terminal first."]
        url = (
            f"{_LOCAL_URL}/v1"
            if chat
            else f"{_LOCAL_URL}/models/{model or 'default'}/pipeline/{task}"
        )
        return note, [f"base_url={url!r}" if chat else f"model={url!r}", 'api_key="local"']
    if url:
        return [], [f"base_url={url!r}" if chat else f"model={url!r}", key]
    # "endpoint" is a provider of ours; huggingface_hub finds an endpoint by its address alone.
    is_service = provider and not providers.get(provider).needs_url
    named = [f"provider={provider!r}"] if is_service else []
    return [], [*named, key]


def _format_literal(value: Any) -> str:
    """Return a value as source with a comma; for one without a literal, dots and a comment."""
    if isinstance(value, str | int | float | list | tuple | dict | type(None)):
        # Not sorted: the order of a message's parts means something to its reader.
        first, *rest = pprint.pformat(value, width=90, sort_dicts=False).splitlines()
        return "\n".join([first, *(f"    {line}" for line in rest)]) + ","
    return f"...,  # put the {type(value).__name__} here"


def to_magic(call: CallLike) -> str:
    """Return a call as a `%%infer` cell; media are variables that have to be set before."""
    call = _redact_call(call)
    task = find(call.task)
    arguments = dict(call.arguments)
    options = [f"-t {task.name}"]
    if model := arguments.pop("model", None):
        options.append(f"-m {shlex.quote(str(model))}")
    if provider := call.settings.get("provider"):
        options.append(f"-p {provider}")
    texts = {
        name: arguments.pop(name) for name in task.inputs if isinstance(arguments.get(name), str)
    }
    for name, value in arguments.items():
        options.append(_format_option(name, value, name in task.inputs))
    # A single text is the cell's body; several are written as `name: text` lines.
    if len(texts) == 1 and isinstance(task.controls[next(iter(texts))], TextBox):
        body = next(iter(texts.values()))
    else:
        body = "\n".join(f"{name}: {text}" for name, text in texts.items())
    return f"%%infer {' '.join(options)}\n{body}".rstrip()


def _format_option(name: str, value: Any, is_input: bool) -> str:
    plain = isinstance(value, str | int | float)
    if name == "candidate_labels" and isinstance(value, list):
        return f"--labels {shlex.quote(','.join(map(str, value)))}"
    shown = value if plain else json.dumps(value, ensure_ascii=False, default=lambda _: f"${name}")
    if is_input:
        # What is neither a text nor a number goes by a variable of this name.
        return f"-i {name}=${name}" if not plain else f"-i {shlex.quote(f'{name}={shown}')}"
    return f"-P {shlex.quote(f'{name}={shown}')}"


def to_curl(explanation: Explanation) -> str:
    """Return the first request of a call as a shell command; comments say what else happens."""
    if not explanation.url:
        return "\n".join(f"# {note}" for note in explanation.notes)
    shown = {k: v for k, v in explanation.headers.items() if k.lower() not in _OMITTED_HEADERS}
    headers = [f"-H {_format_header(name, value, explanation)}" for name, value in shown.items()]
    data = [f"-d {shlex.quote(_format_body(explanation))}"] if explanation.content else []
    url = shlex.quote(redact(explanation.url))
    parts = [f"curl -X {explanation.method} {url}", *headers, *data]
    return "\n".join([*(f"# {note}" for note in explanation.notes), " \\\n  ".join(parts)])


def _format_header(name: str, value: str, explanation: Explanation) -> str:
    # The explanation masks a credential's header with this mark, whatever its name.
    if value != "…":
        return shlex.quote(redact(f"{name}: {value}"))
    # The router takes the Hub's token, a provider's address the provider's key.
    routed = "huggingface" in explanation.url
    variable = "HF_TOKEN" if routed else explanation.provider.upper().replace("-", "_") + "_KEY"
    scheme = "Bearer " if name == "authorization" else ""
    return f'"{name}: {scheme}${variable}"'


def _format_body(explanation: Explanation) -> str:
    try:
        return json.dumps(redact_data(json.loads(explanation.content or b"")), ensure_ascii=False)
    except ValueError:
        # A binary body does not fit into a command: curl reads it from a file.
        return "@input"
