"""Builds one call of the client from options and a text."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from IPython.core.error import UsageError

from hfwidgets.calls.counted_stream import USAGE_OPTION
from hfwidgets.calls.settings import is_url
from hfwidgets.magics import schema
from hfwidgets.magics.attachments import ATTACHMENT_KINDS, build_attachment
from hfwidgets.magics.inputs import (
    InputCollector,
    expand_file_argument,
    refuse_model_text,
    resolve_variable,
)
from hfwidgets.magics.options import Options
from hfwidgets.magics.parameters import collect_parameters
from hfwidgets.magics.variables import Namespace, fill_variables
from hfwidgets.notebook import Session, get_recorder, model_task, split_model, without_recordings
from hfwidgets.tasks import BaseTask, find

CHAT = "chat-completion"
CHAT_ONLY_OPTIONS = ("system", "chat", "new", "schema")


@dataclass
class MagicCall:
    """One call of a client's method.

    Attributes:
        task: The task.
        inputs: The task's inputs by name.
        params: Its other parameters by name.
        model: The model as the client accepts it.
        settings: The client's own arguments: provider, timeout, recordings.
        chat: The name of the conversation that continues, None for a single shot.
        shape: The shape of the reply that `--schema` names.
        stream: True if the answer arrives in pieces.
        counts_usage: True if a stream is to report its token counts.
        started_at: When it was made, None before.
    """

    task: BaseTask
    inputs: dict[str, Any]
    params: dict[str, Any]
    model: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    chat: str | None = None
    shape: Any = None
    stream: bool = False
    counts_usage: bool = False
    started_at: datetime | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of the client's method."""
        named = {"model": self.model} if self.model else {}
        streamed: dict[str, Any] = {"stream": True} if self.stream else {}
        # Without this option servers do not report the tokens of a stream.
        if self.counts_usage and "stream_options" not in self.params:
            streamed["stream_options"] = USAGE_OPTION
        return {**self.inputs, **self.params, **named, **streamed}

    def label(self) -> str:
        """Return task and model in words."""
        return f"{self.task.name} with {self.model}" if self.model else self.task.name

    def fingerprint(self) -> str:
        """Return the SHA-256 of the inputs in hexadecimal digits; images and tables by content."""
        text = json.dumps(self.inputs, sort_keys=True, ensure_ascii=False, default=_digest)
        return hashlib.sha256(text.encode()).hexdigest()


def _digest(value: object) -> str:
    """Return the hash of a value that is not JSON: bytes, arrays, images, tables."""
    # The text of an array or a DataFrame leaves out the middle of long ones, so different inputs
    # would have the same hash.
    for name in ("tobytes", "to_json"):
        if callable(method := getattr(value, name, None)):
            value = method()
            break
    data = value if isinstance(value, bytes) else str(value).encode()
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Defaults:
    """The values that apply where a line names none."""

    task: str | None = None
    model: str | None = None
    provider: str | None = None
    timeout: float | None = None
    chat: str | None = None


def build_call(
    options: Options, names: Namespace, session: Session, defaults: Defaults
) -> MagicCall:
    """Build the call of a line and its text.

    Raises:
        UsageError: an input or parameter is missing, or the task does not have it.
        UnknownTaskError: the task does not exist.
    """
    task = choose_task(options, session, defaults)
    model, provider = split_model(options["model"] or defaults.model, session.aliases)
    named = options["provider"] or provider
    # A URL is called directly, so the configured provider does not apply to it; one that the line
    # names is passed on, and the client explains the contradiction.
    settings = {
        "provider": named or (None if is_url(model) else defaults.provider),
        # Not `or`: a timeout of 0 is passed on, so that the client refuses it instead of the
        # default hiding it.
        "timeout": options.values.get("timeout", defaults.timeout),
        "recordings": _choose_recorder(options),
    }
    call = MagicCall(task, {}, collect_parameters(task, options.values, names), model)
    call.settings = {name: value for name, value in settings.items() if value is not None}
    call.stream = can_stream(task) and not options["no_stream"]
    call.counts_usage = call.stream and task.name == CHAT
    if task.name == CHAT:
        _fill_chat_call(call, options, names, session, defaults)
    else:
        call.inputs = _collect_inputs(task, options, names)
    return call


def choose_task(options: Options, session: Session, defaults: Defaults) -> BaseTask:
    """Return the task of the line, else the configured one, else the model's own, else chat.

    An option that only chat has makes the task chat.
    """
    named = options["task"] or defaults.task
    # The model's own task needs the catalog, so it is looked up only where nothing else decides.
    if not named and not options.values.keys() & set(CHAT_ONLY_OPTIONS):
        model, _ = split_model(options["model"] or defaults.model, session.aliases)
        named = model_task(model, session)
    return find(named or CHAT)


def _choose_recorder(options: Options) -> Any:
    """Return the recorder that the line asks for, None where it names none."""
    if options["replay"]:
        return get_recorder("replay")
    if options["cache"]:
        return get_recorder()
    return without_recordings() if options["no_cache"] else None


def can_stream(task: BaseTask) -> bool:
    """True if the task's answers can arrive in pieces."""
    return "stream" in task.signature.parameters


def _collect_inputs(task: BaseTask, options: Options, names: Namespace) -> dict[str, Any]:
    for key in CHAT_ONLY_OPTIONS:
        if key in options:
            raise UsageError(f"--{key} belongs to {CHAT}; {task.name} has no conversation.")
    inputs = InputCollector(task, names, fill_vars=not options["no_vars"])
    inputs.add_sources(options["input"] or ())
    if "labels" in options:
        inputs.add_labels(options["labels"])
    # Last, because a body without heads fills the input that nothing else has filled.
    inputs.add_body(options.prompt)
    return inputs.require_all()


def _fill_chat_call(
    call: MagicCall, options: Options, names: Namespace, session: Session, defaults: Defaults
) -> None:
    """Fill in a chat call: history, system prompt, the user's message with its attachments."""
    if "labels" in options:
        raise UsageError(f"{CHAT} does not accept labels; use zero-shot-classification.")
    chat = None if options["no_history"] else options["chat"] or defaults.chat
    if options["new"] and not chat:
        raise UsageError("--new starts a named conversation over; name it with -c NAME.")
    _check_chat_idle(chat, session)
    # The conversation itself changes only when the answer is there: a failed call leaves it alone.
    history = [] if options["new"] or chat is None else session.chats.get(chat, [])
    call.chat = chat
    call.inputs = {
        "messages": [
            *_add_system_prompt(history, options, names),
            _build_user_message(options, names),
        ]
    }
    if "schema" in options:
        call.shape = options["schema"]
        call.params["response_format"] = schema.build_response_format(call.shape)


def _check_chat_idle(chat: str | None, session: Session) -> None:
    """Raise UsageError if a conversation still waits for an answer in the background."""
    run = session.chat_runs.get(chat) if chat is not None else None
    if run is not None and not run.done():
        raise UsageError(
            f"The conversation {chat!r} waits for the answer of run {run.id}. Call .result() of "
            f"its handle to wait for it, or stop it with %hf runs stop {run.id}."
        )


def _add_system_prompt(
    history: list[dict[str, Any]], options: Options, names: Namespace
) -> list[dict[str, Any]]:
    if not options["system"]:
        return history
    text = options["system"]
    if text.startswith("@"):
        text = expand_file_argument(text)
    elif not options["no_vars"]:
        text = fill_variables(text, names)
    # A new system prompt replaces the one that the conversation began with.
    rest = [message for message in history if message["role"] != "system"]
    return [{"role": "system", "content": text}, *rest]


def _build_user_message(options: Options, names: Namespace) -> dict[str, Any]:
    media = [_resolve_attachment(source, names) for source in options["input"] or ()]

    def attach(value: object) -> str:
        # The text keeps a mark, so that the model knows which attachment is meant where.
        media.append(build_attachment(value))
        return f"[attachment {len(media)}]"

    text = options.prompt if options["no_vars"] else fill_variables(options.prompt, names, attach)
    if not text.strip() and not media:
        raise UsageError("The prompt is missing: write it after the options, or below %%infer.")
    if not media:
        return {"role": "user", "content": text}
    parts = [{"type": "text", "text": text}] if text.strip() else []
    return {"role": "user", "content": [*parts, *media]}


def _resolve_attachment(source: str, names: Namespace) -> Any:
    # A path may contain an equals sign too (a/b=c.png), so only a name before it is a kind.
    kind, equals, rest = source.partition("=")
    if not equals or not kind.isidentifier():
        kind, rest = "", source
    elif kind not in ATTACHMENT_KINDS:
        raise UsageError(f"A chat accepts -i SOURCE, image=SOURCE or audio=SOURCE, not {kind}=.")
    value = resolve_variable(rest, names, lambda: rest)
    # Before the text becomes a Path, which no longer tells where it came from.
    refuse_model_text(value, rest, names)
    return build_attachment(value, kind or None)
