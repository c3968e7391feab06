"""A call written down: as Python, as a magic and as curl, with the token as a variable."""

import json
import os
import pprint
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hfwidgets.calls.dry_run import Explanation
from hfwidgets.calls.settings import without_key
from hfwidgets.errors import redacted
from hfwidgets.tasks import find
from hfwidgets.tasks.controls import Lines

_LEFT_OUT = ("user-agent", "accept", "accept-encoding", "x-request-id", "x-hfwidgets-client")
_SECRET = ("token", "api_key", "headers")


class Made(Protocol):
    """A call: the task's name, its arguments and the settings of the client."""

    @property
    def task(self) -> str: ...
    @property
    def arguments(self) -> Mapping[str, Any]: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Written:
    """A call that was not made, or not yet."""

    task: str
    arguments: Mapping[str, Any]
    settings: Mapping[str, Any]


def _keyless(made: Made) -> Written:
    """The same call, its addresses without the keys in them."""
    arguments, settings = (
        {n: without_key(v) if isinstance(v, str) else v for n, v in values.items()}
        for values in (made.arguments, made.settings)
    )
    return Written(made.task, arguments, settings)


def default_provider() -> str | None:
    """The provider that the environment names for all calls."""
    return os.environ.get("HFWIDGETS_PROVIDER") or None


def python(made: Made) -> str:
    """The call as a program of its own."""
    made = _keyless(made)
    shown = {name: value for name, value in made.settings.items() if name not in _SECRET}
    settings = ", ".join(f"{name}={value!r}" for name, value in shown.items())
    given = {k: v for k, v in made.arguments.items() if k not in ("stream", "stream_options")}
    token = "" if made.settings.get("provider") == "local" else "  # the token comes from HF_TOKEN"
    return "\n".join(
        [
            "from hfwidgets import InferenceClient",
            "",
            f"client = InferenceClient({settings}){token}",
            f"result = client.{find(made.task).method}(",
            *(f"    {name}={_literal(value)}" for name, value in given.items()),
            ")",
        ]
    )


_HUB_LACKS = {
    "zero-shot-object-detection": "it has no method for this task",
}
_HUB_LEAVES_OUT = ("stream", "stream_options", "labels", "stop_sequences", "extra", "target_size")
_HERE = "http://127.0.0.1:8080"


def hub(made: Made) -> str:
    """The call as a program for huggingface_hub, whose methods have the same names."""
    made = _keyless(made)
    task = find(made.task)
    if why := _HUB_LACKS.get(task.name):
        return f"# huggingface_hub cannot make this call: {why}."
    given = {k: v for k, v in made.arguments.items() if k not in _HUB_LEAVES_OUT}
    note, settings = _hub_settings(made, task.name, given)
    return "\n".join(
        [
            "import os",
            "",
            "from huggingface_hub import InferenceClient",
            "",
            *note,
            f"client = InferenceClient({', '.join(settings)})",
            f"result = client.{task.method}(",
            *(f"    {name}={_literal(value)}" for name, value in given.items()),
            ")",
        ]
    )


def _hub_settings(made: Made, task: str, given: dict[str, Any]) -> tuple[list[str], list[str]]:
    """A remark and the client's settings; the address of an endpoint stands for the model."""
    key = 'api_key=os.environ["HF_TOKEN"]'
    provider, url = made.settings.get("provider"), made.settings.get("base_url")
    chat = task == "chat-completion"
    if provider == "local":
        model = given.get("model") if chat else given.pop("model", None)
        note = ["# The embedded engine: run `hfwidgets serve --port 8080` in a terminal first."]
        url = f"{_HERE}/v1" if chat else f"{_HERE}/models/{model or 'default'}/pipeline/{task}"
        return note, [f"base_url={url!r}" if chat else f"model={url!r}"]
    if url:
        return [], [f"base_url={url!r}" if chat else f"model={url!r}", key]
    named = [f"provider={provider!r}"] if provider and provider != "endpoint" else []
    return [], [*named, key]


def _literal(value: Any) -> str:
    """A value as source with its comma, or dots and what belongs there."""
    if isinstance(value, str | int | float | list | tuple | dict | type(None)):
        first, *rest = pprint.pformat(value, width=90, sort_dicts=False).splitlines()
        return "\n".join([first, *(f"    {line}" for line in rest)]) + ","
    return f"...,  # put the {type(value).__name__} here"


def magic(made: Made) -> str:
    """The call as a `%%infer` cell; media are named by a variable to be set before."""
    made = _keyless(made)
    task = find(made.task)
    given = dict(made.arguments)
    options = [f"-t {task.name}"]
    if model := given.pop("model", None):
        options.append(f"-m {shlex.quote(str(model))}")
    if provider := made.settings.get("provider"):
        options.append(f"-p {provider}")
    texts = {name: given.pop(name) for name in task.inputs if isinstance(given.get(name), str)}
    for name, value in given.items():
        options.append(_option(name, value, name in task.inputs))
    if len(texts) == 1 and isinstance(task.controls[next(iter(texts))], Lines):
        body = next(iter(texts.values()))
    else:
        body = "\n".join(f"{name}: {text}" for name, text in texts.items())
    return f"%%infer {' '.join(options)}\n{body}".rstrip()


def _option(name: str, value: Any, is_input: bool) -> str:
    plain = isinstance(value, str | int | float)
    if name == "candidate_labels" and isinstance(value, list):
        return f"--labels {shlex.quote(','.join(map(str, value)))}"
    shown = value if plain else json.dumps(value, ensure_ascii=False, default=lambda _: f"${name}")
    if is_input:
        return f"-i {name}=${name}" if not plain else f"-i {shlex.quote(f'{name}={shown}')}"
    return f"-P {shlex.quote(f'{name}={shown}')}"


def curl(explanation: Explanation) -> str:
    """The first request as a shell command."""
    if not explanation.url:
        return "\n".join(f"# {note}" for note in explanation.notes)
    shown = {k: v for k, v in explanation.headers.items() if k.lower() not in _LEFT_OUT}
    headers = [f"-H {_header(name, value, explanation)}" for name, value in shown.items()]
    data = [f"-d {shlex.quote(redacted(_body(explanation)))}"] if explanation.content else []
    url = shlex.quote(redacted(explanation.url))
    parts = [f"curl -X {explanation.method} {url}", *headers, *data]
    return "\n".join([*(f"# {note}" for note in explanation.notes), " \\\n  ".join(parts)])


def _header(name: str, value: str, explanation: Explanation) -> str:
    if value != "…":
        return shlex.quote(redacted(f"{name}: {value}"))
    routed = "huggingface" in explanation.url
    variable = "HF_TOKEN" if routed else explanation.provider.upper().replace("-", "_") + "_KEY"
    scheme = "Bearer " if name == "authorization" else ""
    return f'"{name}: {scheme}${variable}"'


def _body(explanation: Explanation) -> str:
    try:
        return json.dumps(json.loads(explanation.content or b""), ensure_ascii=False)
    except ValueError:
        return "@input"
