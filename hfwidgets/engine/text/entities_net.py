"""Run the named-entity network of en_core_web_sm 2.2.5 in numpy, from its own file.

Four hashed tables map a token's normal form, first letter, ending and shape to a vector; five
maxout layers mix it with its neighbors'; a transition system then reads the tokens from left to
right and chooses what each is to an entity (begin, in, last, unit, out). Sources: the file's own
dimensions, and the papers and sources of spaCy 2 and thinc 7 for the hashes.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.text.entities_text import SpacyToken

Array = NDArray[np.float32]

# A hand-written network, because spaCy's current versions cannot open a model of 2.2.5, and spaCy
# itself would add 200 MB and compiled dependencies for a model of 4 MB.
_MASK = (1 << 64) - 1
_TABLES = ((37, 14), (38, 15), (36, 16), (29, 17))  # index in the file and hash seed, by feature
_LAYERS = ((30, 19), (31, 21), (32, 23), (33, 25), (34, 27))  # maxout layer, its normalization
_LOWER, _UPPER = 2, 3
_PADDING = 4
BEGIN, IN, LAST, UNIT, OUT = 1, 2, 3, 4, 5

# spaCy numbers these strings instead of hashing them (its symbols.pxd): from 84 and from 380 on.
_PARTS_OF_SPEECH = (
    "ADJ ADP ADV AUX CONJ CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X EOL SPACE"
)
_LABELS = (
    "PERSON NORP FACILITY ORG GPE LOC PRODUCT EVENT WORK_OF_ART LANGUAGE LAW DATE TIME PERCENT "
    "MONEY QUANTITY ORDINAL CARDINAL acomp advcl advmod agent amod appos attr aux auxpass cc ccomp "
    "complm conj cop csubj csubjpass dep det dobj expl hmod hyph infmod intj iobj mark meta neg "
    "nmod nn npadvmod nsubj nsubjpass num number oprd obj obl parataxis partmod pcomp pobj poss "
    "possessive preconj prep prt punct quantmod relcl rcmod root xcomp acl"
)
_SYMBOLS = {name: 84 + place for place, name in enumerate(_PARTS_OF_SPEECH.split())} | {
    name: 380 + place for place, name in enumerate(_LABELS.split())
}


@dataclass(frozen=True, slots=True)
class TokenAction:
    """What one token is: the kind of action, the entity's label ("" for OUT), and its
    probability."""

    kind: int
    label: str
    score: float


class EntityNetwork:
    """The loaded network."""

    def __init__(self, model: Path, moves: Path) -> None:
        layers = msgspec.msgpack.decode(model.read_bytes())[b"weights"]
        self._tables = [(_layer_arrays(layers[at])["vectors"], seed) for at, seed in _TABLES]
        self._layers = [
            (_layer_arrays(layers[at]), _layer_arrays(layers[norm])) for at, norm in _LAYERS
        ]
        self._lower, self._upper = _layer_arrays(layers[_LOWER]), _layer_arrays(layers[_UPPER])
        self._moves = _read_moves(moves)
        # Words repeat, and a vector from the tables does not depend on the neighbors.
        self._cached_vector = lru_cache(20_000)(self._embed_token)

    def classify(self, words: list[SpacyToken]) -> list[TokenAction]:
        """Return the action for each token."""
        if not words:
            return []
        encoded = self._encode_tokens(words)
        # The lower layer is linear, so each token's share in each of the six slots around the
        # reader is computed once, shape (tokens, 6, 64, 2), and only summed up in the loop below.
        shares = np.einsum("ti,fopi->tfop", encoded, self._lower["W"])
        actions: list[TokenAction] = []
        start = -1
        for at in range(len(words)):
            slots = _context_positions(at, start, len(words))
            previous = actions[-1] if actions else None
            actions.append(self._choose_action(shares, slots, previous, at + 1 == len(words)))
            if actions[-1].kind in (BEGIN, UNIT):
                start = at
        return actions

    def _encode_tokens(self, words: list[SpacyToken]) -> Array:
        """Return each token's vector in context, shape (tokens, 96)."""
        padding = np.stack([self._cached_vector("", "")] * _PADDING)
        # The network was trained with empty tokens around each text.
        x = np.vstack(
            [padding, *(self._cached_vector(word.text, word.norm) for word in words), padding]
        )
        # The first layer reads each token alone, from its four hashed features.
        x = _maxout(x, *self._layers[0])
        none = np.zeros((1, x.shape[1]), np.float32)
        for layer in self._layers[1:]:  # each sees one neighbor more on both sides
            around = np.hstack([np.vstack([none, x[:-1]]), x, np.vstack([x[1:], none])])
            x = x + _maxout(around, *layer)
        return x[_PADDING:-_PADDING]

    def _embed_token(self, text: str, norm: str) -> Array:
        """Look up a token's four features in their tables; shape (384,)."""
        features = (norm, text[:1], text[-3:], _word_shape(text))
        rows = []
        for feature, (table, seed) in zip(features, self._tables, strict=True):
            # Four rows per feature: two features that share one row rarely share all four.
            keys = [key % len(table) for key in _hash_keys(_string_id(feature), seed)]
            rows.append(table[keys].sum(0))
        return np.concatenate(rows)

    def _choose_action(
        self, shares: Array, slots: list[int], previous: TokenAction | None, final: bool
    ) -> TokenAction:
        """Return the likeliest action among those that are valid here."""
        pad = self._lower["pad"][0]
        # Slots without a token have learned stand-ins, one for each slot.
        hidden = self._lower["b"] + sum(
            shares[at, slot] if at >= 0 else pad[slot] for slot, at in enumerate(slots)
        )
        scores = self._upper["W"] @ hidden.max(1) + self._upper["b"]
        inside = previous.label if previous and previous.kind in (BEGIN, IN) else ""
        possible = [
            index for index, move in enumerate(self._moves) if _is_possible(*move, inside, final)
        ]
        # The score is the probability among valid actions only, as spaCy computes it.
        raised = np.exp(scores[possible] - scores[possible].max())
        best = int(raised.argmax())
        return TokenAction(*self._moves[possible[best]], float(raised[best] / raised.sum()))


def _is_possible(kind: int, label: str, inside: str, final: bool) -> bool:
    """True if an action is valid: an open entity continues or ends, and ends with the text."""
    if kind in (IN, LAST):
        return bool(inside) and label == inside and not (kind == IN and final)
    return not inside and not (kind == BEGIN and final)


def _context_positions(at: int, start: int, count: int) -> list[int]:
    """Return the six tokens that the reader looks at; -1 stands for none.

    They are the current one, the one before and the one after, then the same of the last entity.
    """
    first = start if 0 < start + 1 < count else -1
    after = at + 1 if at + 1 < count else -1
    follows = first + 1 if first >= 0 and first + 1 < count else -1
    return [at, at - 1, after, first, first - 1 if first >= 1 else -1, follows]


def _maxout(x: Array, layer: dict[str, Array], norm: dict[str, Array]) -> Array:
    """Return the largest of each output's three pieces, normalized over the outputs."""
    outputs, pieces, inputs = layer["W"].shape
    y = (x @ layer["W"].reshape(outputs * pieces, inputs).T).reshape(-1, outputs, pieces)
    y = (y + layer["b"]).max(2)
    scaled = (y - y.mean(1, keepdims=True)) / np.sqrt(y.var(1, keepdims=True) + 1e-8)
    return np.asarray(scaled * norm["G"] + norm["b"], np.float32)


def _layer_arrays(layer: dict[Any, Any]) -> dict[str, Array]:
    """Return a layer's arrays; the file holds raw little-endian 32-bit floats and their shapes."""
    return {
        param[b"name"]: np.frombuffer(param[b"value"][b"data"], "<f4").reshape(
            param[b"value"][b"shape"]
        )
        for param in layer[b"params"]
    }


def _read_moves(path: Path) -> list[tuple[int, str]]:
    """Return (action, label) in the order of the outputs: by action, then by falling count."""
    counts = json.loads(msgspec.msgpack.decode(path.read_bytes())["moves"])
    return [
        (int(action), label)
        for action in sorted(counts, key=int)
        for label in sorted(counts[action], key=lambda label: -counts[action][label])
    ]


def _word_shape(text: str) -> str:
    """Return a token's shape, such as "Xxxxx" or "dd.d"; runs are cut after four."""
    if len(text) >= 100:
        return "LONG"
    shape: list[str] = []
    for letter in text:
        kind = "d" if letter.isdigit() else letter
        if letter.isalpha():
            kind = "X" if letter.isupper() else "x"
        if shape[-4:] != [kind] * 4:
            shape.append(kind)
    return "".join(shape)


def _string_id(text: str) -> int:
    """Return spaCy's number of a string: a symbol's own, else MurmurHash64A with seed 1."""
    if not text:
        return 0
    return _SYMBOLS.get(text) or _murmur64a(text.encode())


def _murmur64a(data: bytes, seed: int = 1) -> int:
    mix = 0xC6A4A7935BD1E995
    value = (seed ^ (len(data) * mix)) & _MASK
    whole = len(data) // 8 * 8
    for at in range(0, whole, 8):
        block = int.from_bytes(data[at : at + 8], "little") * mix & _MASK
        value = (value ^ ((block ^ (block >> 47)) * mix & _MASK)) * mix & _MASK
    if data[whole:]:
        value = (value ^ int.from_bytes(data[whole:], "little")) * mix & _MASK
    value = (value ^ (value >> 47)) * mix & _MASK
    return value ^ (value >> 47)


def _hash_keys(value: int, seed: int) -> tuple[int, int, int, int]:
    """Return the four table rows of a number: thinc's MurmurHash3, in 32-bit parts."""
    # The constants and shifts are MurmurHash3_x64_128's, for one block of 8 bytes.
    high = _rotate_left(value * 0x87C37B91114253D5 & _MASK, 31) * 0x4CF5AD432745937F & _MASK
    high, low = high ^ seed ^ 8, seed ^ 8
    high = (high + low) & _MASK
    low = (low + high) & _MASK
    high, low = _mix_final(high), _mix_final(low)
    high = (high + low) & _MASK
    low = (low + high) & _MASK
    return high & 0xFFFFFFFF, high >> 32, low & 0xFFFFFFFF, low >> 32


def _rotate_left(value: int, by: int) -> int:
    return ((value << by) | (value >> (64 - by))) & _MASK


def _mix_final(value: int) -> int:
    value = (value ^ (value >> 33)) * 0xFF51AFD7ED558CCD & _MASK
    value = (value ^ (value >> 33)) * 0xC4CEB9FE1A85EC53 & _MASK
    return value ^ (value >> 33)
