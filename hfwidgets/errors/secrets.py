"""The one table of what looks like a secret, and the functions that find and mask it.

Errors, dry runs, snippets, recordings, resume files and the scan of notebooks all call this module;
the others have no patterns. Three questions are answered here:

    redact(text), redact_data(value)    mask the secrets in a text or in plain data
    find_tokens(text)                   list the tokens in a text
    is_secret_name(name)                judge a header or parameter by its name

`Secret` is the type of a secret from the moment it is passed until a header is written.
"""

import base64
import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, NoReturn, Self, TypeVar
from urllib.parse import quote

MASK = "…"
"""Stands in place of what was masked."""

MIN_SECRET_LENGTH = 8
"""A known secret of this many characters is masked wherever it occurs; see `redact`."""

MIN_WORD_SECRET_LENGTH = 4
"""Shorter secrets are never searched for: they are common in any text."""

MIN_CUT_LENGTH = 6
"""Characters of a known secret's beginning that are masked where a text was cut."""

T = TypeVar("T")

_Match = re.Match[str]


class Secret(str):
    """A text that holds its value, and shows none of it.

    `str()`, `repr()`, formatting, tracebacks and data classes show dots; it cannot be pickled. As
    an argument of functions that take texts it is its value: `encode` gives the bytes for a header.
    To put it into another text, use `reveal`, and wrap that text again.
    """

    __slots__ = ()

    def __new__(cls, value: str) -> Self:
        # `str` would ask a secret for its text, which is the mask.
        return super().__new__(cls, reveal(value))

    def reveal(self) -> str:
        """Return the value as a plain text."""
        return str.__str__(self)

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return repr(str(self))

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret cannot be pickled.")


class SecretUrl(Secret):
    """An address with a key in it, which shows the address alone."""

    __slots__ = ()

    def __str__(self) -> str:
        return redact(self.reveal())


def reveal(text: str) -> str:
    """Return a text as a plain one, be it secret or not."""
    return text.reveal() if isinstance(text, Secret) else text


def hide_url(url: str) -> str:
    """Return an address, as a `SecretUrl` if there is a key in it."""
    return SecretUrl(url) if redact(url) != url else url


def hide_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers whose values are of the type `Secret` where their names are of secrets."""
    return {
        name: Secret(value) if is_secret_name(name) else value for name, value in headers.items()
    }


def redact_headers(headers: Mapping[str, str], secrets: Iterable[str] = ()) -> Mapping[str, str]:
    """Return the headers of a reply, masked as in `redact`; the type of the mapping stays."""
    secrets = tuple(secrets)
    make: Any = type(headers)  # a type whose constructor takes a dict, as all of them do
    found: Mapping[str, str] = make(
        {name: _to_ascii(redact(value, secrets)) for name, value in headers.items()}
    )
    return found


def _to_ascii(value: str) -> str:
    """Return a header's value as ASCII, which headers are but for those of odd servers."""
    return value.replace(MASK, "...").encode("ascii", "backslashreplace").decode()


C = TypeVar("C", bound=type)


def mask_repr(cls: C) -> C:
    """Make the repr of a data class mask the secrets in its fields (class decorator)."""
    show: Callable[[object], str] = vars(cls)["__repr__"]

    def show_masked(self: object) -> str:
        return redact(show(self))

    setattr(cls, "__repr__", show_masked)  # noqa: B010 - a plain assignment is an error of types
    return cls


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Prefixes that services give to their tokens. The first two are searched for at any length.
_SHORT_PREFIXES = ("hf_", "sk-")
_PREFIXES = (
    *("r8_", "gsk_", "xai-", "fal_", "key_", "fw_", "nvapi-", "csk-", "pplx-", "tgp_", "jina_"),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "npm_", "pypi-", "dop_v1_"),
    *("sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_", "esecret_", "lin_api_"),
    *("xoxb-", "xoxp-", "xoxa-", "xoxo-", "xoxs-", "xoxr-", "ya29.", "api_org_", "nscale_"),
)
MIN_TOKEN_BODY = 6
"""Characters after one of the prefixes that are not searched for at any length."""

MIN_GLUED_BODY = 16
"""Characters of a token right after a letter, and of a word too long for a name in code."""

# Names in code and prose that begin like a token.
_CODE_WORDS = _words(
    "api bucket cache client config dataset datasets dir endpoint endpoints file hash home hub id "
    "ill image inference key learn model models name names org path pipeline repo space spaces "
    "term terms token tokenizer tokens transfer url user xet SK ID"
)
# Words that people write into the tokens of their tests, and vendors into real ones.
_TOKEN_WORDS = _words(
    "abc abcd abcdef admin ant bar demo dummy example fake foo live mine my or pass private proj "
    "secret secrets sentinel short svcacct test testing xxx xxxx xxxxx xyz your"
)

_SECRET_WORDS = _words(
    "apikey auth authentication authorization bearer cookie cookies cred credential credentials "
    "creds hmac jwt key keys otp pass passphrase passwd password passwords pat policy pwd secret "
    "secrets session sid sig signature token"
)
_SECRET_ENDINGS = ("key", "token", "secret", "password", "auth", "signature", "credential")
_SECRET_QUERY_NAMES = frozenset({"code", "googleaccessid", "keypairid", "accesskeyid"})


_SCHEMES = _words("bearer basic key token apikey digest")
_SCHEME_WORDS = _words(
    "and auth authentication authorization format header is key keys missing of or realm scheme "
    "token tokens was"
)
"""Words after `Bearer` in sentences about bearer tokens."""


def _looks_random(text: str) -> bool:
    """True if a text has the mix of letters and digits, or of cases, that words lack."""
    has_digit = any(letter.isdigit() for letter in text)
    has_letter = any(letter.isalpha() for letter in text)
    return (has_digit and has_letter) or re.search(r"[a-z][A-Z]", text) is not None


def _is_prefixed_token(match: _Match) -> bool:
    """True if what follows a prefix is a token's body, not the rest of a name in code."""
    prefix, body = match["prefix"], match["body"]
    # Three characters hold what may come before a token: %22, \n, or the end of a word.
    before = match.string[max(0, match.start() - 3) : match.start()]
    if re.search(r"\w\Z", before) and not re.search(r"(?:%[0-9A-Fa-f]{2}|\\[nrt])\Z", before):
        # Not the start of a word: only a long random body counts. `task-` ends in a prefix.
        return prefix != "sk-" and len(body) >= MIN_GLUED_BODY and _looks_random(body)
    if body in _CODE_WORDS or (prefix not in _SHORT_PREFIXES and len(body) < MIN_TOKEN_BODY):
        return False
    words = re.split(r"[_\-.:]+", body)
    if not _TOKEN_WORDS.isdisjoint(words) or max(map(len, words)) >= MIN_GLUED_BODY:
        return True
    if all(re.fullmatch(r"[a-z]+|\d{1,2}[a-z]?", word) for word in words) and body[0].isalpha():
        # One lower-case word, or several as in hf_hub_download: a name, except for the prefixes
        # that begin no word of any language.
        return len(words) == 1 and prefix != "key_" and (prefix != "sk-" or len(body) >= 6)
    return True


def _is_scheme_value(match: _Match) -> bool:
    """True if what follows `Bearer` is a value, not a word of a sentence about bearer tokens."""
    return match["body"].lower().rstrip(".:") not in _SCHEME_WORDS


def _is_assigned_value(match: _Match) -> bool:
    """True if the value after `api_key=` is a literal, not code that computes it."""
    body = match["body"]
    return body.strip(".") != "" and (bool(match["quote"]) or _looks_random(body))


class _Form(NamedTuple):
    """One form of secrets: its group `body` is masked, the rest of the match stays.

    Attributes:
        pattern: The form; compiled when a text is first searched.
        hint: A text that each match has, for a quick look.
        accept: Decides what the pattern alone cannot.
        in_url: Whether the form belongs to addresses.
    """

    pattern: str
    hint: str = ""
    accept: Callable[[_Match], bool] | None = None
    in_url: bool = False


_NAMES = (
    r"(?:x[-_])?api[-_]?key|access[-_]?key(?:[-_]?id)?|secret(?:[-_]access)?[-_]?key|"
    r"client[-_]?secret|(?:auth|access|refresh|session|security|id)[-_]?token|private[-_]?key|"
    r"pass(?:word|wd|phrase)"
)
_SECRET_KEYS = rf"(?i)(?:{_NAMES}|(?:proxy[-_])?authorization)"
_SECRET_VARIABLES = (
    r"(?i)(?:^|_)(?:token|secret|password|passwd|api_?key|access_?key|credentials?)s?$"  # noqa: S105
)
# A word begins here, the `n` of a line end that JSON escaped set aside.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
_VALUE = r"[A-Za-z0-9\-._~+/=:]"

_FORMS = (
    # Private keys: all of the block, and all that follows where its end is missing.
    _Form(
        r"(?P<body>-----BEGIN [A-Z ]{0,30}PRIVATE KEY"
        r"(?:.*?-----END [A-Z ]{0,30}PRIVATE KEY-----|.*))",
        "PRIVATE KEY",
    ),
    # Users and passwords in addresses. A password may hold `#` or `@` that should be escaped, so
    # that the last `@` before the path ends it.
    _Form(r"://(?P<body>[^\s/?\"'<>\\]+)@", "@", in_url=True),
    # Keys in queries, and in fragments, where sign-in pages put them; `&amp;` ends in `;`.
    _Form(
        r"[?&;#](?P<name>[A-Za-z][\w\-.]{0,60})=(?P<body>[^&#\s'\"<>\\]+)",
        "=",
        lambda match: is_secret_name(match["name"], in_query=True),
        in_url=True,
    ),
    # Before the schemes: `Bearer hf_...` keeps the prefix, which says whose token it was.
    _Form(
        rf"(?P<prefix>{'|'.join(map(re.escape, (*_SHORT_PREFIXES, *_PREFIXES)))})"
        r"(?P<body>[A-Za-z0-9_\-]+(?:[.:][A-Za-z0-9_\-]+)*)",
        "",
        _is_prefixed_token,
    ),
    _Form(
        rf"(?i){_START}authorization[\"']?\s{{0,9}}[:=]\s{{0,9}}[\"']?"
        rf"(?:(?:{'|'.join(sorted(_SCHEMES))})\s{{1,9}})?(?P<body>{_VALUE}+)",
        "",
        # A scheme whose value is masked already is not a value itself.
        lambda match: match["body"].lower() not in _SCHEMES,
    ),
    _Form(rf"(?i){_START}Bearer\s{{1,9}}(?P<body>{_VALUE}+)", "", _is_scheme_value),
    _Form(
        rf"{_START}(?:Key|Token|Basic|ApiKey|key|token|basic)\s{{1,9}}(?P<body>{_VALUE}{{8,}})",
        " ",
        lambda match: _looks_random(match["body"]),
    ),
    _Form(
        rf"(?i){_START}(?:{_NAMES})[\"']?\s{{0,9}}[:=]\s{{0,9}}"
        rf"(?P<quote>[\"']?)(?P<body>{_VALUE}{{4,}})",
        "",
        _is_assigned_value,
    ),
    # Forms without a prefix that would be unique: AWS, Google, ElevenLabs, JSON web tokens, fal.
    _Form(rf"{_START}(?:AKIA|ASIA)(?P<body>[0-9A-Z]{{16}})\b"),
    _Form(rf"{_START}(?P<body>AIza[\w\-]{{30,}}|sk_[A-Za-z0-9]{{20,}}|org_[A-Za-z]{{30,}})"),
    _Form(rf"{_START}(?P<body>eyJ[\w\-]{{10,}}\.[\w\-]{{4,}}(?:\.[\w\-]*)?)", "eyJ"),
    _Form(
        rf"{_START}(?P<body>[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}:[0-9a-f]{{16,}})\b",
        ":",
    ),
)


@functools.cache
def _compile(form: _Form) -> re.Pattern[str]:
    return re.compile(form.pattern, re.DOTALL)


def _iter_matches(form: _Form, text: str) -> Iterator[_Match]:
    if form.hint in text:
        for match in _compile(form).finditer(text):
            # A form that matches up to the mask of another one would mask that mask.
            is_masked = MASK in text[match.start("body") : match.end("body") + 1]
            if not is_masked and (form.accept is None or form.accept(match)):
                yield match


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Mask everything in a text that looks like a secret.

    Args:
        text: Any text; what is not secret in it stays unchanged.
        secrets: Secrets that are known, of whatever form. From `MIN_SECRET_LENGTH` characters on
            they are masked wherever they occur; shorter ones as whole words, if they have a
            character that words lack.

    Returns:
        The text with each secret replaced by dots. A token keeps its prefix and an address its
        parameters' names, so that a reader sees what was there.
    """
    # First what is known exactly: a pattern may match a part of it only.
    text = mask_known(reveal(text), secrets)
    for form in _FORMS:
        pieces, end = [], 0
        for match in _iter_matches(form, text):
            pieces += [text[end : match.start("body")], MASK]
            end = match.end("body")
        text = "".join([*pieces, text[end:]]) if pieces else text
    return text


def mask_known(text: str, secrets: Iterable[str]) -> str:
    """Mask known secrets in a text, and nothing else; see `redact`."""
    # The longest first: one secret may be part of another.
    for secret in sorted({*map(reveal, filter(None, secrets))}, key=len, reverse=True):
        if len(secret) >= MIN_SECRET_LENGTH:
            for form in _encode_secret(secret):
                text = text.replace(form, MASK)
            text = _mask_cut(text, secret)
        elif len(secret) >= MIN_WORD_SECRET_LENGTH and not secret.isalpha():
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)
    return text


@functools.lru_cache(maxsize=64)
def _encode_secret(secret: str) -> tuple[str, ...]:
    """Return a secret as it is, and as it stands in an address, in JSON, in hex and in base64."""
    data = secret.encode("utf-8", "surrogatepass")
    forms = [secret, quote(secret, safe="", errors="surrogatepass"), json.dumps(secret)[1:-1]]
    forms.append(data.hex())
    # In base64, three bytes become four characters. So there are three forms, by what comes before;
    # the characters at both ends, which hold bits of the neighbors too, are left out.
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + data).decode()
        end = (before + len(data)) * 8 // 6
        forms.append(encoded[(0, 2, 3)[before] : end])
        forms.append(forms[-1].translate(_URL_ALPHABET))
    return tuple(dict.fromkeys(forms))


_URL_ALPHABET = str.maketrans("+/", "-_")


def _mask_cut(text: str, secret: str) -> str:
    """Mask the beginning of a secret at the end of a text, or of a quotation, that was cut."""
    # Errors repeat the first 200 characters or so of a body, and may end within a secret.
    if secret[:MIN_CUT_LENGTH] not in text:
        return text
    for length in range(len(secret) - 1, MIN_CUT_LENGTH - 1, -1):
        text = re.sub(rf"{re.escape(secret[:length])}(?=[\"'…]|\.\.\.|\.?\Z)", MASK, text)
    return text


def redact_data(value: T, secrets: Iterable[str] = ()) -> T:
    """Mask the secrets in plain data (dicts, lists, tuples and texts), keys included.

    Args:
        value: The data; what is neither a container nor a text is returned unchanged.
        secrets: As in `redact`.
    """
    return _redact_item(value, tuple(secrets))  # type: ignore[return-value]


def _redact_item(value: object, secrets: tuple[str, ...]) -> object:
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, dict):
        return {
            redact(key, secrets) if isinstance(key, str) else key: (
                MASK if _is_secret_entry(key, item) else _redact_item(item, secrets)
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_redact_item(item, secrets) for item in value]
    if isinstance(value, tuple):
        return tuple(_redact_item(item, secrets) for item in value)
    return value


def _is_secret_entry(key: object, item: object) -> bool:
    return (
        isinstance(key, str)
        and isinstance(item, str)
        and re.fullmatch(_SECRET_KEYS, key) is not None
    )


def find_tokens(text: str, *, in_urls: bool = True) -> list[str]:
    """List the tokens, keys and private keys in a text, each once, in the order of the table.

    Stricter than `redact`, which rather masks too much: after a prefix, one short word (`hf_short`)
    is not reported.

    Args:
        text: Any text.
        in_urls: Whether to look for keys in addresses' user parts and queries too.
    """
    forms = (form for form in _FORMS if in_urls or not form.in_url)
    matches = (match for form in forms for match in _iter_matches(form, text))
    return list(dict.fromkeys(_whole_token(match) for match in matches if _is_reported(match)))


def _whole_token(match: _Match) -> str:
    return match["prefix"] + match["body"] if "prefix" in match.groupdict() else match["body"]


def _is_reported(match: _Match) -> bool:
    body = match["body"]
    is_word = body.islower() and not any(letter.isdigit() for letter in body)
    return "prefix" not in match.groupdict() or not is_word or len(body) >= MIN_GLUED_BODY


def is_secret_name(name: str, *, in_query: bool = False) -> bool:
    """True if a header or parameter of this name holds a secret, as far as names tell.

    Args:
        name: The name, in any case: `x-api-key`, `accessToken`, `X-Amz-Signature`.
        in_query: Whether it stands in an address's query, where `code` holds a key too.
    """
    # `accessToken` and `access_token` are the same words.
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    words = [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]
    if in_query and "".join(words) in _SECRET_QUERY_NAMES:
        return True
    return any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDINGS) for word in words)


def is_secret_variable(name: str) -> bool:
    """True if a variable of this name holds a secret: `HF_TOKEN`, `api_key`, `db_password`.

    Narrower than `is_secret_name`: programs call much a key, a session or a policy.
    """
    return re.search(_SECRET_VARIABLES, name) is not None
