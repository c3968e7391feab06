"""A client's arguments, checked when it is made: each mistake has an error that says what fits."""

import contextlib
import numbers
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypedDict, TypeVar, cast

from hfwidgets import errors, providers
from hfwidgets.calls.routing import yields_to_url
from hfwidgets.calls.settings import AuthRule, Interceptor, Settings, check_url, is_url
from hfwidgets.core import auth
from hfwidgets.core.counts import check_count
from hfwidgets.errors.excerpt import name_type, show_value
from hfwidgets.errors.secrets import Secret, hide_url, is_secret_name, redact
from hfwidgets.providers import Hosts
from hfwidgets.tasks import find

T = TypeVar("T")

SERVICES = ("hub", "router", "endpoints")
"""What has an address besides the providers."""

EQUIVALENT_NAMES = {
    "embeddings": "feature_extraction(text)",
    "images": "text_to_image(prompt)",
    "audio": "automatic_speech_recognition(audio) or text_to_speech(text)",
    "completions": "text_generation(prompt)",
    "responses": "chat_completion(messages)",
    "beta": "chat_completion(messages, response_format=Model)",
    "moderations": "text_classification(text)",
    "with_raw_response": "any task: its result has .meta with headers, status_code and request_id",
    "with_streaming_response": "chat_completion(messages, stream=True)",
    "api_key": "model and provider, which can be read; a token is not shown",
    "token": "model and provider, which can be read; a token is not shown",
    "list_deployed_models": "models(task=...)",
    "get_model_status": "models(search=...)",
}
"""What other clients' names are called here."""

CHAT_EQUIVALENT_NAMES = {
    "parse": "create(messages=..., response_format=Model)",
    "stream": "create(messages=..., stream=True)",
    "with_raw_response": "create(...): its result has .meta with headers and request_id",
    "list": "create(...): answers are not stored by the server, see recordings= of the client",
}
"""What the other methods of OpenAI's `chat.completions` are called here."""


class OptionChanges(TypedDict, total=False):
    """The arguments that `with_options` can change."""

    model: str | None
    timeout: float | None
    max_retries: int
    bill_to: str | None
    headers: Mapping[str, str] | None
    query: Mapping[str, str] | None


def missing_attribute_message(kind: type, name: str) -> str:
    """Return that a client lacks an attribute, and what it has instead."""
    text = f"{kind.__name__!r} object has no attribute {name!r}"
    if name in EQUIVALENT_NAMES:
        return f"{text}: use client.{EQUIVALENT_NAMES[name]}."
    # IPython probes for many private names, which no task has.
    if name[0] == "_":
        return f"{text}."
    with contextlib.suppress(errors.UnknownTaskError):  # a short name of a task, such as "ner"
        return f"{text}: use client.{find(name).method}()."
    known = [known for known in dir(kind) if known[0] != "_"]
    return f"{text}.{errors.did_you_mean(name, known)}"


def with_changes(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Return the settings with some of them changed; they share what was learned.

    Addresses and routes are found again, since they hold the headers.
    """
    # The same checks as for a new client, so that no option can be set past them.
    checks: dict[str, Callable[[Any], Any]] = {
        "model": lambda name: check_model(name, provider=settings.provider),
        "timeout": check_timeout,
        "max_retries": check_max_retries,
        "bill_to": check_bill_to,
        "headers": lambda headers: {**settings.headers, **check_header_dict(headers)},
        "query": lambda query: {**settings.query, **check_query(query)},
    }
    for name in changes:
        if name not in checks:
            raise errors.UnknownParameterError(
                f"with_options cannot change {name!r}.{errors.did_you_mean(name, checks)} It "
                f"changes {', '.join(checks)}; for other arguments, make another client."
            )
    checked = {name: checks[name](value) for name, value in changes.items()}
    return replace(settings, addresses={}, routes={}, **checked)


def check_model(model: object, base_url: object = None, provider: str | None = None) -> str | None:
    """Return the model's id or the endpoint's URL, from either of its names.

    Raises:
        ConfigurationError: both names, a URL with a provider, or neither an id nor a URL.
    """
    if model is not None and base_url is not None:
        raise errors.ConfigurationError("Pass either model or base_url, not both.")
    if base_url is not None:
        # httpx's and yarl's URLs are addresses too
        model = str(base_url) if type(base_url).__name__ == "URL" else base_url
        if not isinstance(model, str) or not is_url(model.strip()):
            raise errors.ConfigurationError(
                f"base_url must start with http:// or https://; it is {show_value(model)}."
            )
    if model is None:
        return None
    if not isinstance(model, str):
        raise errors.ConfigurationError(
            f"model must be a model's id on the Hub or a URL, as text; it is "
            f"{type(model).__name__}. A model in a folder is served by `hfwidgets serve --model`."
        )
    name: str = hide_key(model.strip())
    if is_url(name) and isinstance(provider, str) and not yields_to_url(provider):
        raise errors.ConfigurationError(
            f"Pass either a URL or provider={provider!r}, not both. To reach a provider at another "
            f"address, pass hosts={{{provider!r}: URL}}."
        )
    return name


def check_provider(name: object, model: str | None = None) -> str | None:
    """Return the provider's name; None next to a URL, which wins.

    Raises:
        UnknownProviderError: no provider has this name.
    """
    if name is not None and not isinstance(name, str):
        raise errors.ConfigurationError(
            f"provider must be a name; it is {type(name).__name__}. Providers: "
            f"{', '.join(providers.names())}."
        )
    if name is not None:
        providers.get(name)
    return None if is_url(model) else name


def check_token(token: object, api_key: object) -> auth.Token | None:
    """Return the token, from either of its names; None for a rule about the machine's token."""
    if token is not None and api_key is not None:
        raise errors.ConfigurationError("token and api_key are the same: pass one of them.")
    value = token if api_key is None else api_key
    return None if isinstance(value, bool) else auth.explicit_token(cast(str | None, value))


def check_auth_rule(token: object) -> AuthRule:
    """Return which token calls carry: `token=True` needs the machine's, `False` forbids it."""
    if isinstance(token, bool):
        return "required" if token else "none"
    return "any"


def check_timeout(seconds: object) -> float | None:
    """Return the seconds for a whole call; None, no limit, also for infinity."""
    if seconds is None:
        return None
    # numpy's numbers are accepted; True is a number to Python, but not to people.
    is_number = isinstance(seconds, numbers.Real) and not isinstance(seconds, bool)
    try:
        value = float(cast(float, seconds)) if is_number else 0.0
    except OverflowError:  # an integer that no float can hold
        value = MAX_TIMEOUT + 1 if cast(float, seconds) > 0 else 0.0
    if not value > 0:
        raise errors.ConfigurationError(
            f"timeout is a number of seconds above 0 for a whole call with all its waits, or None; "
            f"it is {show_value(seconds)}."
        )
    return None if value > MAX_TIMEOUT else value


MAX_TIMEOUT = 3e7
"""Longer timeouts, in seconds, count as None: the clocks below cannot count a year."""


def check_max_retries(count: object) -> int:
    """Return how often a request is sent again."""
    return check_count("max_retries", count)


def check_bill_to(name: object) -> str | None:
    """Return the organization that pays."""
    if name is not None and not isinstance(name, str):
        raise errors.ConfigurationError(
            f"bill_to is the name of an organization on the Hub; it is {type(name).__name__}."
        )
    return name


def hide_text(value: T) -> T:
    """Return a text as a `Secret`, and anything else unchanged."""
    return cast(T, Secret(value)) if isinstance(value, str) else value


def hide_key(value: T) -> T:
    """Return an address with a key in it as a `SecretUrl`, and anything else unchanged."""
    return cast(T, hide_url(value)) if isinstance(value, str) and "://" in value else value


def hide_cookies(values: T) -> T:
    """Return cookies with their values hidden, and anything else unchanged."""
    if not isinstance(values, Mapping):
        return values
    return cast(T, {name: hide_text(value) for name, value in values.items()})


def hide_values(values: T) -> T:
    """Return headers with their secrets hidden, and anything else unchanged.

    A header is secret by its name or by the form of its value.
    """
    if not isinstance(values, Mapping):
        return values
    hidden = {
        name: Secret(value)
        if isinstance(value, str) and (is_secret_name(str(name)) or redact(value) != value)
        else value
        for name, value in values.items()
    }
    return cast(T, hidden)


def check_header_dict(values: object, argument: str = "headers") -> dict[str, str]:
    """Return headers or cookies as a dict."""
    if values is not None and not isinstance(values, Mapping):
        raise errors.ConfigurationError(
            f"{argument} is a dict of names and texts; it is {type(values).__name__}."
        )
    hidden = (hide_cookies if argument == "cookies" else hide_values)(values or {})
    auth.check_headers(hidden)
    return dict(hidden)


def check_query(values: object) -> dict[str, str]:
    """Return the parameters that are added to the addresses of calls."""
    if values is not None and not isinstance(values, Mapping):
        raise errors.ConfigurationError(
            f"extra_query is a dict of names and values; it is {type(values).__name__}."
        )
    return {
        name: Secret(value) if is_secret_name(name, in_query=True) else value
        for name, value in _iter_texts(values or {})
    }


def _iter_texts(values: Mapping[object, object]) -> Iterator[tuple[str, str]]:
    """Yield names and values as texts, without those that are None."""
    for name, value in values.items():
        if isinstance(value, (Mapping, list, tuple, set)):
            raise errors.ConfigurationError(
                f"extra_query[{show_value(name)}] must be a text or a number; it is "
                f"{name_type(value)}."  # not the value, which may be a key
            )
        if value is not None:
            yield str(name), str(value)


def check_hosts(values: Mapping[str, str] | None) -> Hosts:
    """Return other addresses for services; ConfigurationError for one that cannot be used."""
    if values is not None and not isinstance(values, Mapping):
        raise errors.ConfigurationError(
            f"hosts is a dict of services and addresses; it is {type(values).__name__}."
        )
    found = dict(values or {})
    for name, url in found.items():
        if name not in (*SERVICES, *providers.builtin_names()) and name not in providers.names():
            known = (*SERVICES, *providers.names())
            raise errors.ConfigurationError(
                f"hosts has an unknown service {name!r}.{errors.did_you_mean(str(name), known)} "
                f"Services: {', '.join(known)}."
            )
        if not isinstance(url, str) or not is_url(url):
            raise errors.ConfigurationError(
                f"hosts[{name!r}] must be an address that starts with http:// or https://; it is "
                f"{show_value(url)}."
            )
        check_url(url)
    return Hosts(found)


def to_interceptor(recordings: str | os.PathLike[str] | Interceptor | None) -> Interceptor | None:
    """Return what answers in place of providers, from a folder or unchanged."""
    if isinstance(recordings, (str, os.PathLike)):
        from hfwidgets.recorder import Recorder  # only those who record wait for its import

        return Recorder(recordings)
    if recordings is not None and not hasattr(recordings, "intercept"):
        raise errors.ConfigurationError(
            f"recordings is the path of a folder or a Recorder; it is {type(recordings).__name__}."
        )
    return recordings
