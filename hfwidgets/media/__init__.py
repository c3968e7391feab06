"""Images, audio and video on their way in and out. No HTTP; Pillow and numpy only when needed.

A task calls `load` and hands the `Media` to the provider's route. The route takes what its wire
needs: `ensure_bytes` (then the media itself is a request's `content`, or a leaf of its `json`,
where it becomes its base64 text) or `to_url`. `download` fetches a URL that came back in an answer.

Everything that other packages use is imported from here.
"""

from hfwidgets.media._arrays import encode_wav, mix_channels, parse_samples
from hfwidgets.media._body import Body, json_body
from hfwidgets.media._check import open_upright
from hfwidgets.media._download import OUTPUT_LIMIT, download, read_content
from hfwidgets.media._images import MAX_SIDE, to_eight_bits, to_rgb, turn_upright
from hfwidgets.media._load import decode_base64, decode_data_url, ensure_bytes, load, to_url
from hfwidgets.media._media import InlineDataUrl, Media
from hfwidgets.media._objects import holds_file
from hfwidgets.media._readers import INPUT_LIMIT
from hfwidgets.media._sniff import HEAD_SIZE, DeclaredBytes, declare_type, find_type, sniff

__all__ = [
    "HEAD_SIZE",
    "INPUT_LIMIT",
    "MAX_SIDE",
    "OUTPUT_LIMIT",
    "Body",
    "DeclaredBytes",
    "InlineDataUrl",
    "Media",
    "declare_type",
    "decode_base64",
    "decode_data_url",
    "download",
    "encode_wav",
    "ensure_bytes",
    "find_type",
    "holds_file",
    "json_body",
    "load",
    "mix_channels",
    "open_upright",
    "parse_samples",
    "read_content",
    "sniff",
    "to_eight_bits",
    "to_rgb",
    "to_url",
    "turn_upright",
]
