"""Where a token comes from, and to which hosts it may go.

A token found on the machine goes only to the Hub's own hosts and to Inference Endpoints
(`is_trusted_url`). One that was passed explicitly goes to the host that the caller named. Neither
goes to a URL that came back in an answer, nor across a redirect to another host.
"""

import base64
import codecs
import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from hfwidgets import errors
from hfwidgets.core import environment
from hfwidgets.errors.hub_hosts import is_trusted_host
from hfwidgets.errors.secrets import Secret, reveal

TOKEN_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""The environment's names for a Hub token; the first that is set counts."""

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Token:
    """A secret and where it came from; its repr shows only the source."""

    secret: str = field(repr=False)
    source: str
    is_explicit: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "secret", Secret(self.secret))

    @property
    def value(self) -> str:
        """The plain text, for the header that is made of it."""
        return reveal(self.secret)

    @property
    def is_hub_token(self) -> bool:
        """True for a Hub token, with which a provider is reached through the Hub's router."""
        return self.secret.startswith("hf_")

    def __str__(self) -> str:
        return f"<token from {self.source}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A token is not pickled or copied.")


def explicit_token(value: str | None) -> Token | None:
    """Return the token that a caller passed, None if it is blank.

    Raises:
        TypeError: it is not a text; older code passed a bool.
        ConfigurationError: it has characters that no token has.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"token must be a string or None, not {type(value).__name__}.")
    # No local holds the plain text: a traceback with locals would show it.
    value = Secret(_strip_line_ends(value))
    if not value:
        return None
    return Token(_check_sendable(value, "the argument"), "the argument", is_explicit=True)


def find_machine_token() -> Token | None:
    """Look for a token: HF_TOKEN, HUGGING_FACE_HUB_TOKEN, the token file, a Colab secret.

    None with HF_HUB_DISABLE_IMPLICIT_TOKEN, which forbids to send a token that was not passed.

    Raises:
        ConfigurationError: there is one, but it cannot be read or sent.
    """
    if environment.is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN"):
        return None
    token = _look_up_token()
    if token is not None:
        _check_sendable(token.secret, token.source)
    return token


def has_environment_token() -> bool:
    """True if the environment holds a token; no file is read."""
    return any(_strip_line_ends(os.environ.get(name, "")) for name in TOKEN_VARIABLES)


def _look_up_token() -> Token | None:
    for name in TOKEN_VARIABLES:
        if value := _strip_line_ends(os.environ.get(name, "")):
            return Token(value, f"the environment variable {name}")
    # Colab comes last: its look-up waits for the front end.
    return _read_token_file() or _read_colab_secret()


def token_path() -> Path:
    """Return the file that holds the machine's token: HF_TOKEN_PATH, else `token` in HF_HOME."""
    if path := environment.read_path("HF_TOKEN_PATH"):
        return path
    home = environment.read_path("HF_HOME")
    if home is None:
        cache = environment.read_path("XDG_CACHE_HOME") or environment.expand_path("~/.cache")
        home = cache / "huggingface"
    return home / "token"


def save_token(value: str) -> Path:
    """Write the token file, readable by its owner alone, and return its path."""
    path = token_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    # The mode is set before the token is written, so that others can never read it. `touch` leaves
    # the mode of an existing file unchanged.
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(_strip_line_ends(value), encoding="utf-8")
    return path


def forget_token() -> bool:
    """Remove the token file; False if it did not exist."""
    try:
        token_path().unlink()
    except FileNotFoundError:
        return False
    return True


def is_trusted_url(url: str) -> bool:
    """True if a token found on the machine may go to a URL: https, and a host of the Hub's."""
    parts = urlsplit(url)
    hub = urlsplit(environment.read_url("HF_ENDPOINT") or "")
    # A mirror of the Hub gets the Hub's token, on whatever scheme and port it was named with.
    if hub.hostname and (parts.scheme, parts.netloc) == (hub.scheme, hub.netloc):
        return True  # the owner of the environment named this host as the Hub
    return parts.scheme == "https" and is_trusted_host(parts.hostname or "")


def basic_auth(user: str, password: str) -> str:
    """Return the header's value for a name and a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise ConfigurationError for a header that HTTP cannot carry; its value is not shown."""
    for name, value in headers.items():
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise errors.ConfigurationError(
                f"The header {name!r} cannot be sent: its value must be printable ASCII text."
            )


def _check_sendable(value: str, source: str) -> str:
    # The value stays out of the message: it may be a real token with a stray character.
    if not value.isascii() or not value.isprintable() or " " in value:
        raise errors.ConfigurationError(
            f"The token from {source} has characters that no token has (blanks, line ends or "
            "letters beyond ASCII).",
            advice="Copy it again.",
        )
    return value


def _strip_line_ends(value: str) -> str:
    return environment.clean_value(value.replace("\r", "").replace("\n", ""))


def _read_token_file() -> Token | None:
    path = token_path()
    try:
        data = path.read_bytes()
    except OSError:
        return None
    lines = (environment.clean_value(line) for line in _decode_token_file(path, data).splitlines())
    value = next(filter(None, lines), "")
    return Token(value, "the token file") if value else None


def _decode_token_file(path: Path, data: bytes) -> str:
    """Return the file's text, whatever encoding an editor or PowerShell's `>` gave it."""
    # PowerShell's `>` writes UTF-16 with a mark, older tools without one, Notepad UTF-8 with one.
    # A token is ASCII, so in UTF-16 every second byte is zero.
    mark, encoding = next(
        (known for known in _BYTE_ORDER_MARKS if data.startswith(known[0])),
        (b"", "utf-16-le" if data[1:2] == b"\0" else "utf-8"),
    )
    try:
        return data.removeprefix(mark).decode(encoding)
    except UnicodeDecodeError:
        raise errors.ConfigurationError(
            f"The token file {path} is not a text file.",
            advice="Write your token into it as plain text, or set HF_TOKEN.",
        ) from None


def _read_colab_secret() -> Token | None:
    """Return a Colab secret; only inside Colab, since the look-up waits for its front end."""
    if "COLAB_RELEASE_TAG" not in os.environ:
        return None
    try:
        userdata = importlib.import_module("google.colab.userdata")
        value = _strip_line_ends(userdata.get("HF_TOKEN") or "")
    except Exception:  # its errors have no common class: no secret, no access, no front end
        return None
    return Token(value, "the Colab secret HF_TOKEN") if value else None
