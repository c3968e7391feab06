"""Pictures, sounds and films on their way in and out. No HTTP; Pillow and numpy only when needed.

A task calls `load` and hands the `Media` to the provider's route. The route takes what its wire
wants: `as_bytes` (then the media itself is a request's `content`, or a leaf of its `json`, where it
stands for its base64 text) or `as_url`. `download` fetches a URL that came back in an answer.
"""

from hfwidgets.media._arrays import sound_bytes
from hfwidgets.media._body import Body, json_body
from hfwidgets.media._check import upright
from hfwidgets.media._download import OUTPUT_LIMIT, download
from hfwidgets.media._load import INPUT_LIMIT, as_bytes, as_url, load, unbase64
from hfwidgets.media._media import Inline, Media
from hfwidgets.media._sniff import HEAD, sniff

__all__ = [
    "HEAD",
    "INPUT_LIMIT",
    "OUTPUT_LIMIT",
    "Body",
    "Inline",
    "Media",
    "as_bytes",
    "as_url",
    "download",
    "json_body",
    "load",
    "sniff",
    "sound_bytes",
    "unbase64",
    "upright",
]
