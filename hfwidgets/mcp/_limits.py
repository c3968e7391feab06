"""Hold an MCP server to limits: time, pages, sizes, names. What it sends is untrusted."""

import codecs
import json
import re
from typing import TYPE_CHECKING

from hfwidgets import errors

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

START_TIMEOUT = 60.0
"""Seconds for a server to start and to list its tools, unless `timeout` says otherwise."""

CALL_TIMEOUT = 300.0
"""Seconds for a tool to answer, unless `timeout` says otherwise."""

CLOSE_TIMEOUT = 15.0
"""Seconds for a connection to end before it is abandoned."""

PATIENCE = 0.2
"""Seconds that a server which has failed already gets for its end, which goes on without us."""

MAX_ANSWER_SIZE = 10 * 1024 * 1024
"""Bytes of one message of a server, a tool's answer included."""

MAX_RESULT_CHARS = 200_000
"""Characters of a tool's answer that the model is shown."""

MAX_PAGES = 100
MAX_TOOLS = 1000
MAX_DESCRIPTION_CHARS = 10_000
MAX_SCHEMA_CHARS = 100_000

_TOOL_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,128}")


class MCPServerError(errors.HfWidgetsError, RuntimeError):
    """An MCP server that did not start, ended, or broke a limit."""


def why_unusable(name: object, schema: object) -> str | None:
    """Return why a tool is left out, None if it can be used.

    Args:
        name: The tool's name; services accept 1 to 128 letters, digits, `_`, `-` and `.`.
        schema: Its parameters as a JSON schema.
    """
    if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
        return "its name is not 1 to 128 letters, digits, _, - or ."
    if not isinstance(schema, dict):
        return "its parameters are not a JSON schema"
    if len(json.dumps(schema, default=str)) > MAX_SCHEMA_CHARS:
        return f"the schema of its parameters has more than {MAX_SCHEMA_CHARS:,} characters"
    return None


def shorten_result(text: str) -> str:
    """Return a tool's answer, cut where it would fill a model's whole context."""
    if len(text) <= MAX_RESULT_CHARS:
        return text
    return f"{text[:MAX_RESULT_CHARS]}\n[{len(text) - MAX_RESULT_CHARS:,} characters left out]"


# The `mcp` library reads a program's output as lines of text and puts no limit on a line; the one
# thing of that reading that a caller chooses is the encoding. So the limit is an encoding: UTF-8
# whose decoder drops what exceeds the limit, and puts an error reply to the same request in place
# of the line, for which the client would wait otherwise.
LINE_ENCODING = "hfwidgets-limited-lines"

_REQUEST_ID = re.compile(r'"id"\s*:\s*(\d+|"[^"\\]{0,100}")')


class LimitedLineDecoder(codecs.IncrementalDecoder):
    """Decodes UTF-8 lines of at most `MAX_ANSWER_SIZE` characters."""

    def __init__(self, errors: str = "strict") -> None:
        # Strict decoding would end the reading of all messages at the first byte that is not UTF-8.
        super().__init__("replace")
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._length = 0
        self._head = ""
        self._is_dropping = False

    def decode(self, input: "ReadableBuffer", final: bool = False) -> str:  # noqa: A002 - the base class's name
        # A chunk ends anywhere: in a line, in a character.
        first, *others = self._utf8.decode(input, final).split("\n")
        pieces = [self._continue_line(first)]
        for line in others:
            pieces += [self._end_line(), "\n"]
            self._length, self._head, self._is_dropping = 0, "", False
            pieces.append(self._continue_line(line))
        return "".join(pieces)

    def _continue_line(self, text: str) -> str:
        self._length += len(text)
        # The error reply needs the request's id, which stands near a message's start.
        self._head = (self._head + text[:300])[:300]
        if self._is_dropping or self._length > MAX_ANSWER_SIZE:
            self._is_dropping = True
            return ""
        return text

    def _end_line(self) -> str:
        """Return what is put at the end of a line: for one that was cut, an error reply."""
        found = _REQUEST_ID.search(self._head)
        if not self._is_dropping or not found:
            return ""
        message = f"the answer is larger than {MAX_ANSWER_SIZE:,} bytes"
        reply = json.dumps({"code": -32000, "message": message})
        # The beginning of the cut line was passed on already; alone, it is a line that is not JSON.
        return f'\n{{"jsonrpc": "2.0", "id": {found[1]}, "error": {reply}}}'


def _find_codec(name: str) -> codecs.CodecInfo | None:
    # Python looks codecs up by a normalized name, with underscores in place of hyphens.
    if name != LINE_ENCODING.replace("-", "_"):
        return None
    utf8 = codecs.lookup("utf-8")
    return codecs.CodecInfo(
        utf8.encode, utf8.decode, incrementaldecoder=LimitedLineDecoder, name=LINE_ENCODING
    )


codecs.register(_find_codec)
