"""Where a token comes from, and to which hosts it may go.

A token that was found on the machine goes only to the Hub's own hosts and to Inference Endpoints
(`trusted`). One that was passed explicitly goes to the host that the caller named. Neither goes to
a URL that came back in an answer, nor across a redirect to another host.
"""

import base64
import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hfwidgets import errors

TRUE_VALUES = frozenset({"1", "on", "yes", "true"})
"""What switches the Hub's environment variables on, in lower case."""

TOKEN_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""The environment's names for a Hub token, the first that is set counts."""

TRUSTED_HOSTS = ("huggingface.co", "hf.co")
TRUSTED_DOMAINS = (".huggingface.co", ".hf.space", ".endpoints.huggingface.cloud")


@dataclass(frozen=True, slots=True)
class Token:
    """A secret and where it came from; its repr shows only the source."""

    value: str = field(repr=False)
    source: str
    is_explicit: bool = False

    @property
    def is_hub_token(self) -> bool:
        """Whether it is a Hub token, with which a provider is reached through the Hub's router."""
        return self.value.startswith("hf_")

    def __str__(self) -> str:
        return f"<token from {self.source}>"

    def __reduce__(self) -> Any:
        raise TypeError("A token is not pickled or copied.")


def explicit_token(value: str | None) -> Token | None:
    """The token that a caller passed; TypeError for a bool, as older code passed it."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"token must be a string or None, not {type(value).__name__}.")
    return (
        Token(_check_sendable(_strip_line_ends(value)), "the argument", is_explicit=True)
        if _strip_line_ends(value)
        else None
    )


def find_machine_token() -> Token | None:
    """The machine's token: HF_TOKEN, HUGGING_FACE_HUB_TOKEN, the token file, a Colab secret.

    None with HF_HUB_DISABLE_IMPLICIT_TOKEN, which says that no token is sent unasked.
    """
    if os.environ.get("HF_HUB_DISABLE_IMPLICIT_TOKEN", "").strip().lower() in TRUE_VALUES:
        return None
    token = _look_up_token()
    if token is not None:
        _check_sendable(token.value, token.source)
    return token


def has_environment_token() -> bool:
    """Whether the environment names a token: told without reading a file."""
    return any(_strip_line_ends(os.environ.get(name, "")) for name in TOKEN_VARIABLES)


def _look_up_token() -> Token | None:
    for name in TOKEN_VARIABLES:
        if value := _strip_line_ends(os.environ.get(name, "")):
            return Token(value, f"the environment variable {name}")
    return _read_token_file() or _read_colab_secret()


def token_path() -> Path:
    """The file that holds the machine's token: HF_TOKEN_PATH, else `token` in HF_HOME."""
    if path := os.environ.get("HF_TOKEN_PATH"):
        return _expand_path(path)
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return _expand_path(os.environ.get("HF_HOME") or f"{cache}/huggingface") / "token"


def save_token(value: str) -> Path:
    """Write the token file, readable by its owner alone."""
    path = token_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(_strip_line_ends(value))
    return path


def forget_token() -> bool:
    """Remove the token file; False when there was none."""
    try:
        token_path().unlink()
    except FileNotFoundError:
        return False
    return True


def is_trusted_url(url: str) -> bool:
    """Whether a token found on the machine may go to this URL: https, and a host of the Hub's."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    hub = urlsplit(os.environ.get("HF_ENDPOINT", ""))
    if hub.hostname and (parts.scheme, parts.netloc) == (hub.scheme, hub.netloc):
        return True  # the owner of the environment named this host as the Hub
    named = host in TRUSTED_HOSTS or host.endswith(TRUSTED_DOMAINS)
    return named and parts.scheme == "https"


def basic_auth(user: str, password: str) -> str:
    """The value of a header that shows a name and a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def check_headers(headers: Mapping[str, str]) -> None:
    """ConfigurationError for a header that HTTP cannot carry; its value is not shown."""
    for name, value in headers.items():
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise errors.ConfigurationError(
                f"The header {name!r} cannot be sent: its value must be printable ASCII text."
            )


def _check_sendable(value: str, source: str = "the argument") -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise errors.ConfigurationError(
            f"The token from {source} has characters that no token has (blanks, line ends or "
            "letters beyond ASCII): copy it again."
        )
    return value


def _expand_path(path: str) -> Path:
    return Path(os.path.expandvars(path)).expanduser()


def _strip_line_ends(value: str) -> str:
    return value.replace("\r", "").replace("\n", "").strip()


def _read_token_file() -> Token | None:
    path = token_path()
    try:
        value = _strip_line_ends(path.read_text())
    except OSError:
        return None
    return Token(value, "the token file") if value else None


def _read_colab_secret() -> Token | None:
    """A Colab secret; asked only inside Colab, since the look-up waits for its front end."""
    if "COLAB_RELEASE_TAG" not in os.environ:
        return None
    try:
        userdata = importlib.import_module("google.colab.userdata")
        value = _strip_line_ends(userdata.get("HF_TOKEN") or "")
    except Exception:  # its errors have no common class: no secret, no access, no front end
        return None
    return Token(value, "the Colab secret HF_TOKEN") if value else None
