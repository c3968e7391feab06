"""Subtitles: SubRip and WebVTT (W3C, WebVTT, section 4.1)."""

from collections.abc import Iterable
from typing import TypeAlias

Cue: TypeAlias = tuple[float, float, str]
"""Start and end in seconds, and the text."""


def clock(seconds: float, comma: str = ".") -> str:
    """A moment as hours, minutes, seconds and thousandths: 00:01:02.345."""
    whole = round(max(0.0, seconds) * 1000)
    minutes, rest = divmod(whole, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{comma}{rest % 1000:03}"


def srt(cues: Iterable[Cue]) -> str:
    """The cues in SubRip's form; a cue's text is one line."""
    blocks = (
        f"{number}\n{clock(start, ',')} --> {clock(end, ',')}\n{_line(text)}\n"
        for number, (start, end, text) in enumerate(cues, 1)
    )
    return "\n".join(blocks)


def vtt(cues: Iterable[Cue]) -> str:
    """The cues in WebVTT's form; markup in the text is escaped."""
    blocks = (
        f"{clock(start)} --> {clock(end)}\n{_escaped(_line(text))}\n" for start, end, text in cues
    )
    return "\n".join(["WEBVTT\n", *blocks])


def _escaped(text: str) -> str:
    import html  # as in _show: only when something is written

    return html.escape(text, quote=False)


def _line(text: str) -> str:
    """The text without line breaks, which would end a cue."""
    return " ".join(text.split())
