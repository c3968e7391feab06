"""Pictures, sounds and films on their way in and out. No HTTP; Pillow and numpy only when needed.

A task calls `load` and hands the `Media` to the provider's route. The route takes what its wire
wants: `as_bytes` (then the media itself is a request's `content`, or a leaf of its `json`, where it
stands for its base64 text) or `as_url`. `download` fetches a URL that came back in an answer.
"""

from hfwidgets.media._arrays import encode_wav
from hfwidgets.media._body import Body, json_body
from hfwidgets.media._check import open_upright
from hfwidgets.media._download import OUTPUT_LIMIT, download
from hfwidgets.media._load import (
    INPUT_LIMIT,
    decode_base64,
    decode_data_url,
    ensure_bytes,
    load,
    to_url,
)
from hfwidgets.media._media import InlineDataUrl, Media
from hfwidgets.media._sniff import HEAD_SIZE, sniff

__all__ = [
    "HEAD_SIZE",
    "INPUT_LIMIT",
    "OUTPUT_LIMIT",
    "Body",
    "InlineDataUrl",
    "Media",
    "decode_base64",
    "decode_data_url",
    "download",
    "encode_wav",
    "ensure_bytes",
    "json_body",
    "load",
    "open_upright",
    "sniff",
    "to_url",
]
