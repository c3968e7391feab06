"""What a page asks for; `do` messages carry the arguments of an action and are read by hand."""

import msgspec


class Hello(msgspec.Struct, tag_field="k", tag="hello"):
    """The page has every patch up to `seq` and asks for what it lacks."""

    seq: int = -1


class ChunkRequest(msgspec.Struct, tag_field="k", tag="chunk"):
    """The page needs a chunk of the front end."""

    name: str


class MediaRequest(msgspec.Struct, tag_field="k", tag="media"):
    """The page needs a file that the document names."""

    id: str


PageMessage = Hello | ChunkRequest | MediaRequest
