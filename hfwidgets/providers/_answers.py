"""Read providers' answers: a missing value becomes an error that shows the answer."""

from typing import Any

from hfwidgets import errors, media
from hfwidgets.core.flow import Flow, Infer, Reply
from hfwidgets.core.surrogates import repair_json
from hfwidgets.errors.excerpt import make_excerpt


def get_value(raw: Any, *path: str | int) -> Any:
    """Return the value at a path of names and indices; OutputError without one."""
    found = raw
    for step in path:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            found = None
        if found is None:
            where = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in path).lstrip(".")
            raise errors.OutputError(
                f"The answer has no {where}; it is {make_excerpt(raw)}.",
                advice="The model may not serve this task, or the provider changed its answers.",
            )
    return found


def parse_json(reply: Reply) -> Any:
    """Return a reply's JSON, whatever its type says; halves of characters are repaired.

    Raises:
        OutputError: It is not JSON.
    """
    try:
        found = reply.json()
        # Well-formed UTF-8 has no halves, so only an escape can bring one; nearly all answers have
        # none and are spared the walk through their values.
        has_escapes = b"\\ud" in reply.content.lower() if reply.content else False
        return repair_json(found) if has_escapes else found
    except (ValueError, RecursionError) as error:
        kind = reply.headers.get("content-type", "").partition(";")[0].strip() or "no type"
        raise errors.OutputError(
            f"The server's answer ({kind}) is not JSON: {make_excerpt(reply.content)!r}.",
            advice="Check the URL and that the model serves the task.",
        ) from error


def decode_base64_answer(text: object) -> bytes:
    """Decode a base64 text, with or without the head of a data URL."""
    try:
        # Base64 has no comma: what follows the last one is a data URL's data, or the whole text.
        return media.decode_base64(str(text).rpartition(",")[2])
    except ValueError as error:
        raise errors.OutputError(f"The answer's base64 is damaged: {error}.") from error


def fetch_file(request: Infer, url: Any) -> Flow[bytes]:
    """Download the file that an answer points to, without credentials."""
    return media.download(url, base=request.base)


def job_error(provider: str, request: Infer, why: object) -> errors.ProviderJobError:
    """Build the error for a job that was accepted and then failed."""
    reason = _failure_reason(why) or "no reason given"
    return errors.ProviderJobError(f"The job of {request.model} at {provider} failed: {reason}")


def _failure_reason(why: object) -> str:
    if isinstance(why, dict):
        why = why.get("message") or why.get("error") or make_excerpt(why)
    return str(why) if why else ""
