"""Write subtitles as SubRip and WebVTT (W3C, WebVTT, section 4.1)."""

from collections.abc import Iterable
from typing import TypeAlias

Cue: TypeAlias = tuple[float, float, str]
"""Start and end in seconds, and the text."""


def format_time(seconds: float, comma: str = ".") -> str:
    """Format a time as hours, minutes, seconds and thousandths: 00:01:02.345."""
    # Rounded before it is split, so that 59.9996 s becomes a full minute and not 60 s.
    whole = round(max(0.0, seconds) * 1000)
    minutes, rest = divmod(whole, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{comma}{rest % 1000:03}"


def to_srt(cues: Iterable[Cue]) -> str:
    """Return the cues as SubRip; each cue's text becomes one line."""
    blocks = (
        f"{number}\n{format_time(start, ',')} --> {format_time(end, ',')}\n{_join_lines(text)}\n"
        for number, (start, end, text) in enumerate(cues, 1)
    )
    return "\n".join(blocks)


def to_vtt(cues: Iterable[Cue]) -> str:
    """Return the cues as WebVTT; markup in the text is escaped."""
    blocks = (
        f"{format_time(start)} --> {format_time(end)}\n{_escape(_join_lines(text))}\n"
        for start, end, text in cues
    )
    return "\n".join(["WEBVTT\n", *blocks])


def _escape(text: str) -> str:
    import html  # loads all of HTML's entities, so only when something is written

    return html.escape(text, quote=False)


def _join_lines(text: str) -> str:
    """Return the text without line breaks, which would end a cue."""
    return " ".join(text.split())
