"""The Hub tokens of this machine: the one in use, and those that are stored by name.

`stored_tokens` is the file of huggingface_hub next to the token file: a section per name, in which
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
from hfwidgets.errors import ConfigurationError, did_you_mean
from hfwidgets.errors.secrets import Secret
from hfwidgets.notebook.listing import Listing

UNNAMED_TOKEN = "before-switch"  # noqa: S105
"""The name of a token that had none when another one replaced it."""


def login(token: str | None = None) -> Path:
    """Ask for a Hub token without showing it, and save it in the token file.

    Raises:
        ConfigurationError: a token was passed as an argument, or nothing was typed.
    """
    if token is not None:
        raise ConfigurationError(
            "A token must not be an argument: it stays in the history and in the notebook. Revoke "
            "it at huggingface.co/settings/tokens, create another, and type it when login asks."
        )
    try:
        typed = getpass.getpass("Token (not shown): ").strip()
    except (
        EOFError,
        OSError,
        NotImplementedError,
    ) as error:  # no terminal, or a kernel without input
        raise ConfigurationError(
            "No token can be typed here. Run `hf auth login` in a terminal, or set HF_TOKEN."
        ) from error
    if not typed:
        raise ConfigurationError("No token was typed; nothing was changed.")
    return auth.save_token(typed)


def logout() -> bool:
    """Remove the token file; False if it does not exist. Environment variables stay."""
    return auth.forget_token()


def token_source() -> str | None:
    """Return where the token that calls use comes from, not the token; None without a token."""
    token = auth.find_machine_token()
    return token.source if token else None


def whoami() -> str:
    """Ask the Hub for the account that the machine's token belongs to.

    Raises:
        ConfigurationError: no token was found.
        AuthenticationError: the Hub does not accept it.
    """
    token = auth.find_machine_token()
    if token is None:
        raise ConfigurationError("No token was found. %hf auth login asks for one.")
    answer = InferenceClient(timeout=30)._run(None, _fetch_account(token))
    return f"{answer.get('name', 'unknown')} (token from {token.source})"


def _fetch_account(token: auth.Token) -> Flow[dict[str, str]]:
    # A Secret, so that no traceback or error of the request shows it.
    headers = {"authorization": Secret(f"Bearer {token.value}")}
    reply = yield Send("GET", f"{providers.Hosts().hub}/api/whoami-v2", headers=headers)
    found: dict[str, str] = reply.json()
    return found


def switch(name: str | None = None) -> Listing:
    """Use the token that is stored under a name; without a name, list the names.

    Raises:
        ConfigurationError: the name is unknown, or the file cannot be read.
    """
    stored = _read_stored_tokens()
    if name is not None:
        if not stored.has_option(name, "hf_token"):
            raise ConfigurationError(
                f"No token is stored as {name!r}.{did_you_mean(name, stored.sections())} Stored "
                f"tokens: {', '.join(stored.sections()) or 'none'}. `hf auth login` stores one by "
                "its name."
            )
        _store_unnamed_token(stored)
        auth.save_token(stored[name]["hf_token"])
    rows = ({"token": each, "in use": _in_use_label(stored, each)} for each in stored.sections())
    return Listing(rows, "No tokens are stored. `hf auth login` stores one by its name.")


def token_names() -> list[str]:
    """Return the names under which tokens are stored."""
    return _read_stored_tokens().sections()


def _in_use_label(stored: configparser.ConfigParser, name: str) -> str:
    token = auth.find_machine_token()
    # By value: an environment variable may hold one of the stored tokens.
    used = token is not None and stored.get(name, "hf_token", fallback="") == token.value
    return "yes" if used else ""


def _stored_tokens_path() -> Path:
    return auth.token_path().parent / "stored_tokens"


def _read_stored_tokens() -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None)  # a token may contain a percent sign
    try:
        found.read(_stored_tokens_path(), "utf-8")
    except (configparser.Error, UnicodeDecodeError):
        raise ConfigurationError(
            f"The file of stored tokens, {_stored_tokens_path().name} next to the token file, "
            "cannot be read. Fix it, or delete it and log in again."
        ) from None
    return found


def _store_unnamed_token(stored: configparser.ConfigParser) -> None:
    """Store the token file's token under a name if it has none, before another replaces it."""
    try:
        value = auth.token_path().read_text().strip()
    except OSError:
        return
    known = (stored.get(name, "hf_token", fallback="") for name in stored.sections())
    if not value or value in known:
        return
    stored[UNNAMED_TOKEN] = {"hf_token": value}
    path = _stored_tokens_path()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        stored.write(file)
    path.chmod(0o600)  # a file that existed before keeps its mode otherwise
