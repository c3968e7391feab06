"""Translate with Apertium where it is installed: rules and dictionaries for language pairs."""

import asyncio
import functools
import re
import shutil
import subprocess
from typing import Annotated, TypedDict

import msgspec

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import RefusedError, bad_request

_PAIR = re.compile(r"([a-z]{2,3})(?:_\w+)?-([a-z]{2,3})(?:_\w+)?")
_THREE_LETTER_CODES = {
    "en": "eng",
    "es": "spa",
    "fr": "fra",
    "de": "deu",
    "it": "ita",
    "pt": "por",
    "ca": "cat",
}
_TIMEOUT_SECONDS = 60

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]


class Translation(TypedDict):
    """A translation, as the Hub's wire has it."""

    translation_text: str


async def translation(
    models: LoadedModels, inputs: Text, *, src_lang: str | None = None, tgt_lang: str | None = None
) -> list[Translation]:
    """Translate the text; without languages from English to Spanish, or by the first pair."""
    pair = _choose_pair(src_lang, tgt_lang)
    # "-u" leaves out the marks that Apertium puts before words it does not know.
    process = await asyncio.create_subprocess_exec(
        *("apertium", "-u", pair),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            output, errors = await process.communicate(inputs.encode())
    # The client may leave, or the time run out, while Apertium still works.
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise RefusedError(500, f"Apertium failed: {errors.decode('utf-8', 'replace').strip()}")
    return [{"translation_text": output.decode("utf-8", "replace").strip()}]


def _choose_pair(source: str | None, target: str | None) -> str:
    """Return the name of the installed pair for two languages."""
    known = list_pairs()
    if source is None and target is None:
        return "eng-spa" if "eng-spa" in known else known[0]
    if source is None or target is None:
        raise bad_request("Pass both src_lang and tgt_lang, or neither.", "src_lang")
    # Apertium names pairs by three-letter codes; clients use those of many other models.
    pair = f"{_language_code(source)}-{_language_code(target)}"
    if pair not in known:
        raise bad_request(
            f"Apertium has no pair {pair} here; it has {', '.join(known)}.", "tgt_lang"
        )
    return pair


def _language_code(language: str) -> str:
    """Return a language's three-letter code, from forms such as "en", "en_XX", "eng_Latn"."""
    short = re.split(r"[_-]", language.strip().lower())[0]
    return _THREE_LETTER_CODES.get(short, short)


@functools.cache
def list_pairs() -> list[str]:
    """Return the installed language pairs; empty when Apertium is not installed."""
    program = shutil.which("apertium")
    if program is None:
        return []
    listed = subprocess.run(  # noqa: S603 (the program found on the path, no user input)
        [program, "-l"], capture_output=True, text=True, timeout=20, check=False
    )
    return [line.strip() for line in listed.stdout.splitlines() if _PAIR.fullmatch(line.strip())]


def explain_missing_apertium() -> str | None:
    """Return why translation is unavailable; None if a pair is installed."""
    return None if list_pairs() else "Apertium is not installed on this machine"


CAPABILITY = Capability(
    name="translate",
    model="apertium/apertium",
    serves={"translation": translation},
    weights=(),
    license="GPL-2.0-or-later (a separate program, installed separately)",
    languages=(),
    limits="Rule-based and rough; only the installed language pairs, such as English-Spanish.",
    why_unavailable=explain_missing_apertium,
)
