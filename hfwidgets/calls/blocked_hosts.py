"""Addresses that are not called: hosts that were switched off, and the Hub in offline mode."""

import os
from urllib.parse import urlsplit

from hfwidgets import errors
from hfwidgets.core import auth

RETIRED_HOST = "api-inference.huggingface.co"
OLD_PROXY = "huggingface.co/api/inference-proxy/"
HUB_DOMAINS = ("huggingface.co", "hf.co")


def check_not_blocked(url: str, hub: str) -> None:
    """Refuse an address before anything is sent.

    Args:
        url: What is about to be called.
        hub: The Hub's address, which may be another one than the usual.

    Raises:
        RetiredHostError: The host was switched off.
        OfflineModeIsEnabled: HF_HUB_OFFLINE is set and the host is the Hub's.
    """
    if RETIRED_HOST in url or OLD_PROXY in url:
        raise errors.RetiredHostError(_retired_message(url))
    if os.environ.get("HF_HUB_OFFLINE", "").strip().lower() in auth.TRUE_VALUES and _is_hub_url(
        url, hub
    ):
        raise errors.OfflineModeIsEnabled(
            f"HF_HUB_OFFLINE is set, so {urlsplit(url).netloc} is not called. Unset it, or use "
            "provider='local', which needs no network."
        )


def _retired_message(url: str) -> str:
    model = url.partition("/models/")[2].partition("?")[0].rstrip("/")
    instead = f"model={model!r}" if model.count("/") == 1 else "model= with the model's id"
    return (
        f"{urlsplit(url).netloc} was switched off in 2025: every call of the old addresses ends in "
        f"404. Pass {instead} instead of the URL: calls then go through router.huggingface.co. "
        "Unset HF_INFERENCE_ENDPOINT if it names this host."
    )


def _is_hub_url(url: str, hub: str) -> bool:
    host = urlsplit(url).hostname or ""
    usual = host in HUB_DOMAINS or host.endswith(tuple(f".{name}" for name in HUB_DOMAINS))
    return usual or host == urlsplit(hub).hostname
