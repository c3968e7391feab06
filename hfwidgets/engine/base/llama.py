"""Run llama.cpp's server as a child process: started on demand, stopped when idle.

Every generation is streamed from it, even when the caller wants one answer: llama.cpp abandons a
stream as soon as its connection closes, but runs any other request to its end.
"""

import asyncio
import json
import logging
import secrets
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from hfwidgets import engine_process
from hfwidgets.core.event_stream import EventStream
from hfwidgets.engine.base.http_errors import RefusedError, bad_request

DEFAULT_CONTEXT = 4096
PARALLEL_REQUESTS = 2
DEFAULT_THREADS = 1
CHILD_SCRIPT = Path(__file__).with_name("_llama_child.py")
_START_SECONDS = 120
_IMPOSSIBLE = -100.0
"""The log-probability taken for a token that cannot be generated; finite, to be compared."""

_decode_json = msgspec.json.Decoder().decode

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ChatStyle:
    """Defaults that suit one chat model, for requests that leave them open."""

    system: str = ""
    """The system message for a conversation without one; empty leaves it to the template."""
    repeat_penalty: float = 1.0
    """Penalty against repetition; not applied to JSON, which repeats by nature."""
    threads: int = DEFAULT_THREADS


class Llama:
    """A chat model in a child process.

    Args:
        model: finds its file; MissingWeightsError when it is not installed.
        name: its id in replies.
        style: defaults for requests that leave them open.
        context: tokens of all parallel conversations together.
        projector: the file that lets it read images, if any.
    """

    def __init__(
        self,
        model: Callable[[], Path],
        name: str,
        style: ChatStyle = ChatStyle(),
        *,
        context: int = DEFAULT_CONTEXT,
        projector: Path | None = None,
    ) -> None:
        self.name = name
        self.style = style
        self.context = context // PARALLEL_REQUESTS
        """Tokens of one conversation, prompt and answer together."""
        self._model = model
        self._projector = projector
        # Guards the start and the end of the child, not requests, which run side by side.
        self._lock = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._http: httpx.AsyncClient | None = None
        self._busy = 0
        self._last_used = time.monotonic()

    @property
    def is_running(self) -> bool:
        """True if the child process runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def reads_images(self) -> bool:
        """True if it reads images."""
        return self._projector is not None

    @property
    def pid(self) -> int | None:
        """Return the child's process id while it runs."""
        return self._process.pid if self._process and self.is_running else None

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """Yield the events of one generation; closing the generator ends it at once."""
        # Nothing is awaited between this and the count, so close() cannot end the child in between.
        http = await self._ensure_client()
        self._busy += 1
        try:
            # The child notices a closed connection only when it writes to it. Progress events make
            # it write after each batch of the prompt, so a stopped prompt is abandoned as well.
            content = msgspec.json.encode({**body, "stream": True, "return_progress": True})
            async with http.stream("POST", path, content=content) as reply:
                if reply.status_code != 200:
                    raise self._to_refused_error(_decode_json(await reply.aread()))
                async for event in _parse_events(reply):
                    if "error" in event:
                        raise self._to_refused_error(event)
                    if "prompt_progress" not in event:
                        yield event
        # Without a read timeout, a failed connection to loopback usually means a dead child.
        except httpx.HTTPError as error:
            raise await self._crash_error() from error
        finally:
            self._busy -= 1
            self._last_used = time.monotonic()

    async def request_json(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the whole answer to a short request, such as the tokens of a text."""
        http = await self._ensure_client()
        self._busy += 1
        try:
            reply = await http.post(path, content=msgspec.json.encode(body))
        except httpx.HTTPError as error:
            raise await self._crash_error() from error
        finally:
            self._busy -= 1
            self._last_used = time.monotonic()
        answer: dict[str, Any] = _decode_json(reply.content)
        if reply.status_code != 200:
            raise self._to_refused_error(answer)
        return answer

    async def tokenize(self, text: str) -> list[int]:
        """Return the token ids of a text; what looks like a special token is read as plain text."""
        request = {"content": text, "add_special": False, "parse_special": False}
        answer = await self.request_json("/tokenize", request)
        return list(answer["tokens"])

    async def end_token_id(self) -> int:
        """Return the id of the token that ends a turn."""
        http = await self._ensure_client()
        # /props has the token's text alone, which is one token only if read as a special one.
        token = (await http.get("/props")).json()["eos_token"]
        return int(
            (await self.request_json("/tokenize", {"content": token, "parse_special": True}))[
                "tokens"
            ][0]
        )

    async def detokenize(self, tokens: list[int]) -> str:
        """Return the text of token ids."""
        return str((await self.request_json("/detokenize", {"tokens": tokens}))["content"])

    async def score_continuation(self, prompt: str, ids: list[int]) -> float:
        """Return log P(ids | prompt) in nats, for the token ids of a continuation.

        Tokens that are only part of a character are not reported by the server, so not counted.
        """
        # The server reports no probabilities of a prompt, but does for what it generates, before a
        # grammar restricts it: so a grammar of exactly these tokens makes it generate them. The
        # grammar names token ids, because a string in it may be spelled with other tokens than the
        # usual ones.
        request = {
            "prompt": prompt,
            "grammar": "root ::= " + " ".join(f"<[{token}]>" for token in ids),
            "n_predict": len(ids),
            "temperature": 0,
            "n_probs": 1,
            # The prompt is not read again for further continuations of it.
            "cache_prompt": True,
        }
        try:
            tokens = await self._generate_tokens(request)
        except RefusedError as refusal:
            # Some tokens, such as NUL, are accepted by no grammar, so they are never generated.
            if "grammar" in refusal.message:
                return _IMPOSSIBLE * len(ids)
            raise
        return float(sum(token["logprob"] for token in tokens))

    async def next_tokens(self, prompt: str, count: int) -> dict[int, tuple[str, float]]:
        """Return the `count` likeliest next tokens, likeliest first: id -> (text,
        log-probability)."""
        request = {
            "prompt": prompt,
            "n_predict": 1,
            "temperature": 0,
            "n_probs": count,
            # The probabilities are those before a grammar restricts the token, which this one does
            # to plain text: of a token that is part of a character none are reported.
            "grammar": "root ::= [ -~\\n]+",
        }
        [token] = await self._generate_tokens(request)
        likely = token["top_logprobs"]
        return {token["id"]: (token["token"], token["logprob"]) for token in likely}

    async def _generate_tokens(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the generated tokens with their probabilities.

        Streamed, though the answer is short: the prompt may be long, and a client may leave
        while it is read.
        """
        async with aclosing(self.stream("/completion", request)) as events:
            return [
                token
                async for event in events
                for token in event.get("completion_probabilities", ())
            ]

    async def close(self, idle: float = 0) -> None:
        """End the child, unless a request runs or came within the last `idle` seconds."""
        async with self._lock:
            if idle and (self._busy or time.monotonic() - self._last_used < idle):
                return
            await self._stop_process()

    async def _ensure_client(self) -> httpx.AsyncClient:
        """Return a client for the running child; starts one if none runs or it has crashed."""
        async with self._lock:
            self._last_used = time.monotonic()
            if self._http is None or not self.is_running:
                # A crashed child leaves an open client and pipes, which must be closed first.
                await self._stop_process()
                self._http = await self._start_process()
            return self._http

    async def _start_process(self) -> httpx.AsyncClient:
        model = self._model()
        self._process = await asyncio.create_subprocess_exec(
            # -P leaves the script's folder out of the import path, where modules such as `schema`
            # and `audio` would hide installed packages of these names.
            *(sys.executable, "-P", str(CHILD_SCRIPT)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=engine_process.engine_environment(),
        )
        key = secrets.token_urlsafe(24)
        address = await self._handshake(self._process, self.child_settings(model, key))
        return httpx.AsyncClient(
            base_url=address,
            headers={
                "Authorization": f"Bearer {key}",
                "Content-Type": "application/json",
                # Its server drops kept connections by its own count and clock, sometimes just as
                # the next request arrives; a new loopback connection costs a fraction of a token.
                "Connection": "close",
            },
            # Reading has no limit: how long an answer takes depends on the prompt and the machine.
            timeout=httpx.Timeout(None, connect=10),
            trust_env=False,  # a proxy must never come between the engine and its own child
        )

    def child_settings(self, model: Path, key: str) -> dict[str, Any]:
        """Return the settings that the child reads from its standard input."""
        return {
            "model": str(model),
            "projector": str(self._projector) if self._projector else None,
            "name": self.name,
            "key": key,
            "threads": self.style.threads,
            "context": self.context * PARALLEL_REQUESTS,
            "parallel": PARALLEL_REQUESTS,
        }

    async def _handshake(self, child: asyncio.subprocess.Process, settings: dict[str, Any]) -> str:
        """Send the settings to the child and return the address it listens on."""
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(settings).encode() + b"\n")
        # A child that dies early breaks the pipe; its exit status, read below, says more than that.
        async with asyncio.timeout(_START_SECONDS):
            with suppress(ConnectionError):
                await child.stdin.drain()
            line = await child.stdout.readline()
        if not line:
            files = " with ".join(settings[key] for key in ("model", "projector") if settings[key])
            raise RefusedError(
                500,
                f"The chat model's process did not start ({await self._describe_exit()}): "
                f"llama.cpp cannot load {files}. A file may be cut off, of an unsupported kind, or "
                "too large for the memory; or the two files do not belong together.",
                kind="model_broken",
            )
        return str(json.loads(line)["address"])

    async def _stop_process(self) -> None:
        """Close the connection and the child, which ends by itself when its input closes."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None
        # Cleared before the waiting below, so that the child no longer counts as running.
        child, self._process = self._process, None
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        try:
            async with asyncio.timeout(5):
                await child.wait()
        except TimeoutError:
            # A child that still loads its model does not notice the end of its input.
            child.kill()
            await child.wait()

    async def _crash_error(self) -> RefusedError:
        """Build the error for a request whose connection to the child broke."""
        exit_status = await self._describe_exit()
        log.error("the chat model's process: %s", exit_status)
        return RefusedError(
            500,
            f"The chat model's process ended during the request ({exit_status}). Try again: the "
            "next request starts it again.",
            kind="generation",
        )

    async def _describe_exit(self) -> str:
        """Return how the child ended, in words."""
        if self._process is None:
            return "it was stopped"
        try:
            async with asyncio.timeout(5):
                # The connection breaks a moment before the system reports the exit.
                status = await self._process.wait()
        except TimeoutError:
            return "it does not respond"
        return f"signal {-status}" if status < 0 else f"status {status}"

    def _to_refused_error(self, answer: Mapping[str, Any]) -> RefusedError:
        """Translate the server's error."""
        error = answer.get("error", answer)
        if error.get("type") == "exceed_context_size_error":
            return bad_request(
                f"The text has {error['n_prompt_tokens']} tokens; {self.name} holds "
                f"{error['n_ctx']} together with its answer. Shorten it, or leave out old messages."
            )
        message = str(error.get("message", error))
        if error.get("code") == 400:
            return bad_request(f"The chat model refused the request: {message}")
        return RefusedError(500, f"The chat model failed: {message}", kind="generation")


async def _parse_events(reply: httpx.Response) -> AsyncGenerator[dict[str, Any]]:
    """Yield the JSON of each event of a streamed reply."""
    events = EventStream()
    async for data in reply.aiter_raw():
        for event in events.feed(data):
            yield _decode_json(event)
