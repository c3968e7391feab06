"""A client's arguments, checked when it is made: each mistake has an error that says what fits."""

import math
import numbers
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypedDict, TypeVar, cast

from hfwidgets import errors, providers
from hfwidgets.calls.settings import Interceptor, Settings, check_url, is_url
from hfwidgets.core import auth
from hfwidgets.core.counts import check_count
from hfwidgets.errors.secrets import Secret, hide_url, is_secret_name, redact
from hfwidgets.providers import Hosts

T = TypeVar("T")

SERVICES = ("hub", "router", "endpoints")
"""What has an address beside the providers."""


EQUIVALENT_NAMES = {
    "embeddings": "feature_extraction(text)",
    "images": "text_to_image(prompt)",
    "audio": "automatic_speech_recognition(audio) or text_to_speech(text)",
    "completions": "text_generation(prompt)",
    "responses": "chat_completion(messages)",
    "beta": "chat_completion(messages, response_format=Model)",
    "moderations": "text_classification(text)",
    "api_key": "model and provider, which can be read; a token is not shown",
    "token": "model and provider, which can be read; a token is not shown",
    "list_deployed_models": "models(task=...)",
    "get_model_status": "models(search=...)",
}
"""What other clients' names are called here."""


class OptionChanges(TypedDict, total=False):
    """What `with_options` can change."""

    model: str | None
    timeout: float | None
    max_retries: int
    bill_to: str | None
    headers: Mapping[str, str] | None


def missing_attribute_message(kind: type, name: str) -> str:
    """Why a client has no such attribute, and what it has instead."""
    said = f"{kind.__name__!r} object has no attribute {name!r}"
    if name in EQUIVALENT_NAMES:
        return f"{said}: use client.{EQUIVALENT_NAMES[name]}."
    known = [known for known in dir(kind) if known[0] != "_"] if name[0] != "_" else ()
    return f"{said}.{errors.did_you_mean(name, known)}"


def with_changes(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """The settings with some of them changed, sharing what was learned.

    Addresses are found anew, since they hold the headers.
    """
    checks: dict[str, Callable[[Any], Any]] = {
        "model": lambda name: check_model(name, provider=settings.provider),
        "timeout": check_timeout,
        "max_retries": check_max_retries,
        "bill_to": check_bill_to,
        "headers": lambda given: {**settings.headers, **check_header_dict(given)},
    }
    for name in changes:
        if name not in checks:
            raise errors.UnknownParameterError(
                f"with_options changes no {name!r}.{errors.did_you_mean(name, checks)} It changes "
                f"{', '.join(checks)}; for another client, make one."
            )
    checked = {name: checks[name](value) for name, value in changes.items()}
    return replace(settings, addresses={}, routes={}, **checked)


def check_model(given: Any, base_url: Any = None, provider: Any = None) -> str | None:
    """The model's id or the endpoint's URL, from either of its names.

    Raises:
        ConfigurationError: both names, a URL with a provider, or what is neither id nor URL.
    """
    if given is not None and base_url is not None:
        raise errors.ConfigurationError("model and base_url exclude each other: pass one of them.")
    if base_url is not None:
        # httpx's and yarl's URLs are addresses too
        given = str(base_url) if type(base_url).__name__ == "URL" else base_url
        if not isinstance(given, str) or not is_url(given.strip()):
            raise errors.ConfigurationError(
                f"base_url must start with http:// or https://; it is {given!r}."
            )
    if given is None:
        return None
    if not isinstance(given, str):
        raise errors.ConfigurationError(
            f"model must be a model's id on the Hub or a URL, as text; it is "
            f"{type(given).__name__}. A model in a folder is served by `hfwidgets serve --model`."
        )
    name: str = hide_key(given.strip())
    if is_url(name) and provider is not None:
        raise errors.ConfigurationError(
            f"A URL and provider={provider!r} exclude each other: pass one of them. To reach a "
            f"provider at another address, pass hosts={{{provider!r}: URL}}."
        )
    return name


def check_provider(name: Any) -> str | None:
    """The provider's name; UnknownProviderError where there is none of it."""
    if name is not None and not isinstance(name, str):
        raise errors.ConfigurationError(
            f"provider must be a name; it is {type(name).__name__}. There are: "
            f"{', '.join(providers.names())}."
        )
    if name is not None:
        providers.get(name)
    return name


def check_token(token: Any, api_key: Any) -> auth.Token | None:
    """The token, from either of its names."""
    if token is not None and api_key is not None:
        raise errors.ConfigurationError("token and api_key are the same: pass one of them.")
    return auth.explicit_token(token if api_key is None else api_key)


def check_timeout(seconds: Any) -> float | None:
    """The seconds for a whole call; None, which waits for ever, also for infinity."""
    if seconds is None:
        return None
    if not isinstance(seconds, numbers.Real) or isinstance(seconds, bool) or not float(seconds) > 0:
        raise errors.ConfigurationError(
            f"timeout is a number of seconds above 0 for a whole call with all its waits, or None; "
            f"it is {seconds!r}."
        )
    return None if math.isinf(seconds) else float(seconds)


def check_max_retries(count: Any) -> int:
    """How often a request is sent again."""
    return check_count("max_retries", count)


def check_bill_to(name: Any) -> str | None:
    """The organisation that pays."""
    if name is not None and not isinstance(name, str):
        raise errors.ConfigurationError(
            f"bill_to is the name of an organisation on the Hub; it is {type(name).__name__}."
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


def check_header_dict(given: Any, argument: str = "headers") -> dict[str, str]:
    """Headers or cookies as a dict."""
    if given is not None and not isinstance(given, Mapping):
        raise errors.ConfigurationError(
            f"{argument} is a dict of names and texts; it is {type(given).__name__}."
        )
    hidden = (hide_cookies if argument == "cookies" else hide_values)(given or {})
    auth.check_headers(hidden)
    return dict(hidden)


def check_hosts(given: Any) -> Hosts:
    """Other addresses for services; ConfigurationError for a service or an address that is none."""
    found = dict(given or {})
    for name, url in found.items():
        if name not in (*SERVICES, *providers.builtin_names()) and name not in providers.names():
            known = (*SERVICES, *providers.names())
            raise errors.ConfigurationError(
                f"hosts names {name!r}, which is no "
                f"service.{errors.did_you_mean(str(name), known)} "
                f"There are: {', '.join(known)}."
            )
        if not isinstance(url, str) or not is_url(url):
            raise errors.ConfigurationError(
                f"hosts[{name!r}] must be an address that starts with http:// or https://; it is "
                f"{url!r}."
            )
        check_url(url)
    return Hosts(found)


def to_interceptor(given: str | os.PathLike[str] | Interceptor | None) -> Interceptor | None:
    """What stands between tasks and providers, from a folder or as it is."""
    if isinstance(given, (str, os.PathLike)):
        from hfwidgets.recorder import Recorder  # only those who record wait for its import

        return Recorder(given)
    return given
