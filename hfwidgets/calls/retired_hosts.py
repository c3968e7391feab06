"""Addresses that are not called: hosts that were switched off, and the Hub in offline mode."""

from urllib.parse import urlsplit

from hfwidgets import errors
from hfwidgets.core import environment
from hfwidgets.errors.hub_hosts import is_hub_host

RETIRED_HOST = "api-inference.huggingface.co"
OLD_PROXY = "huggingface.co/api/inference-proxy/"


def check_not_blocked(url: str, hub: str) -> None:
    """Refuse an address before anything is sent.

    Args:
        url: What is about to be called.
        hub: The Hub's address, which a user may have changed.

    Raises:
        RetiredHostError: The host was switched off.
        OfflineModeIsEnabled: HF_HUB_OFFLINE is set and the host is the Hub's.
    """
    if RETIRED_HOST in url or OLD_PROXY in url:
        raise _retired_error(url)
    if environment.is_offline():
        check_online(url, hub)


def check_online(url: str, hub: str) -> None:
    """Refuse the Hub's own addresses, for when HF_HUB_OFFLINE is set."""
    host = urlsplit(url).hostname or ""
    if is_hub_host(host) or host == urlsplit(hub).hostname:
        raise errors.OfflineModeIsEnabled(
            f"HF_HUB_OFFLINE is set, so {urlsplit(url).netloc} is not called.",
            advice="Unset it, or use provider='local', which needs no network.",
        )


def _retired_error(url: str) -> errors.RetiredHostError:
    model = url.partition("/models/")[2].partition("?")[0].rstrip("/")
    instead = f"model={model!r}" if model.count("/") == 1 else "model= with the model's id"
    return errors.RetiredHostError(
        f"{urlsplit(url).netloc} was switched off in 2025: every call of the old addresses ends in "
        "404.",
        advice=f"Pass {instead} instead of the URL: calls then go through router.huggingface.co. "
        "Unset HF_INFERENCE_ENDPOINT if it names this host.",
    )
