"""The Hub tokens of this machine: which is in use, and those that are stored by name.

`stored_tokens` lies beside the token file and is the Hub's own: a section for each name, in which
`hf_token` is the token. Names are shown, tokens never.
"""

import configparser
import getpass
import os
from pathlib import Path

from hfwidgets import providers
from hfwidgets.client import InferenceClient
from hfwidgets.core import auth
from hfwidgets.core.flow import Flow, Send
from hfwidgets.errors import ConfigurationError, near
from hfwidgets.notebook.listing import Listing

KEPT = "before-switch"
"""The name under which a token is stored that had none when another took its place."""


def login(token: str | None = None) -> Path:
    """Ask for a Hub token without showing it, and keep it in the token file.

    Raises:
        ConfigurationError: a token was given as an argument, or nothing was typed.
    """
    if token is not None:
        raise ConfigurationError(
            "A token is never an argument: it stays in the history and in the notebook. Revoke "
            "it at huggingface.co/settings/tokens, make another, and give it when login asks."
        )
    typed = getpass.getpass("Token (it is not shown): ").strip()
    if not typed:
        raise ConfigurationError("No token was typed; nothing was changed.")
    return auth.save(typed)


def logout() -> bool:
    """Remove the token file; False when there was none. Variables of the environment stay."""
    return auth.forget()


def token_source() -> str | None:
    """Where the token that calls use comes from, never the token; None when there is none."""
    token = auth.found()
    return token.source if token else None


def whoami() -> str:
    """The account that the machine's token belongs to, asked of the Hub.

    Raises:
        ConfigurationError: there is no token.
        AuthenticationError: the Hub does not accept it.
    """
    token = auth.found()
    if token is None:
        raise ConfigurationError("No token was found. %hf auth login asks for one.")
    answer = InferenceClient(timeout=30)._run(None, _asked(token))
    return f"{answer.get('name', 'unknown')} (token from {token.source})"


def _asked(token: auth.Token) -> Flow[dict[str, str]]:
    headers = {"authorization": f"Bearer {token.value}"}
    reply = yield Send("GET", f"{providers.Hosts().hub}/api/whoami-v2", headers=headers)
    found: dict[str, str] = reply.json()
    return found


def switch(name: str | None = None) -> Listing:
    """Make the token that is stored under a name the one in use; without a name, list the names.

    Raises:
        ConfigurationError: nothing is stored under this name, or the file cannot be read.
    """
    stored = _stored()
    if name is not None:
        if not stored.has_option(name, "hf_token"):
            raise ConfigurationError(
                f"No token is stored as {name!r}.{near(name, stored.sections())} Stored are: "
                f"{', '.join(stored.sections()) or 'none'}. `hf auth login` stores one by its name."
            )
        _keep_unnamed(stored)
        auth.save(stored[name]["hf_token"])
    rows = ({"token": each, "in use": _in_use(stored, each)} for each in stored.sections())
    return Listing(rows, "No tokens are stored. `hf auth login` stores one by its name.")


def token_names() -> list[str]:
    """The names under which tokens are stored."""
    return _stored().sections()


def _in_use(stored: configparser.ConfigParser, name: str) -> str:
    token = auth.found()
    used = token is not None and stored.get(name, "hf_token", fallback="") == token.value
    return "yes" if used else ""


def _path() -> Path:
    return auth.token_path().parent / "stored_tokens"


def _stored() -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None)
    try:
        found.read(_path(), "utf-8")
    except (configparser.Error, UnicodeDecodeError):
        raise ConfigurationError(
            f"The file of stored tokens, {_path().name} beside the token file, cannot be read. "
            "Mend it, or delete it and log in again."
        ) from None
    return found


def _keep_unnamed(stored: configparser.ConfigParser) -> None:
    """Store the token file's token, which another will take the place of, where it has no name."""
    try:
        value = auth.token_path().read_text().strip()
    except OSError:
        return
    known = (stored.get(name, "hf_token", fallback="") for name in stored.sections())
    if not value or value in known:
        return
    stored[KEPT] = {"hf_token": value}
    path = _path()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        stored.write(file)
    path.chmod(0o600)
