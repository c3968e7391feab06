"""Summaries and translations by encoder-decoder models: T5, BART, Marian, NLLB and their kin."""

import functools
from typing import Any, Literal

from hfwidgets.engine.base.http_errors import bad
from hfwidgets.engine.custom.generation_config import Writing
from hfwidgets.engine.custom.model import Network, Text, task
from hfwidgets.errors import near

_NAMED = "translation_"
Truncation = Literal["do_not_truncate", "longest_first", "only_first"]


class Rewriter(Network):
    """An encoder-decoder model; what its configuration says of a task holds where nothing else
    is asked for (T5 has a prefix for each, and lengths)."""

    kind = "AutoModelForSeq2SeqLM"

    def __init__(self) -> None:
        super().__init__()
        self.reads = getattr(self.read, "src_lang", None)
        """The language that it reads unless told otherwise, where it knows several."""

    @property
    def pair(self) -> list[str]:
        """The languages that Marian's tokenizer names; "?" for those that none does."""
        return [getattr(self.read, name, None) or "?" for name in ("source_lang", "target_lang")]

    @property
    def targets(self) -> list[str]:
        """The languages that a Marian model of several writes."""
        marks = getattr(self.read, "supported_language_codes", None) or []
        return [mark.strip("<>") for mark in marks]

    @property
    def directions(self) -> list[str]:
        """The translations that the configuration names (T5), as translation_en_to_de."""
        known = getattr(self.net.config, "task_specific_params", None) or {}
        return [name for name in known if name.startswith(_NAMED)]

    @functools.cached_property
    def tongues(self) -> dict[str, str]:
        """The languages of a model of many, with their tokens."""
        if spelt := getattr(self.read, "lang_code_to_token", None):  # M2M-100: en -> __en__
            return dict(spelt)
        known = {*self.read.all_special_tokens, *self.read.get_added_vocab()}
        return {name: name for name in known if name[:1] not in "<["}

    @functools.cached_property
    def _marks(self) -> set[int]:
        """The ids of the languages' tokens: M2M-100's may be no special ones, which are left out
        of a text by themselves."""
        several = self.reads is not None
        return set(self.read.convert_tokens_to_ids([*self.tongues.values()])) if several else set()

    def usual(self, name: str) -> dict[str, Any] | None:
        """What the model's configuration says of a task; None when it does not name it."""
        known = getattr(self.net.config, "task_specific_params", None) or {}
        found: dict[str, Any] | None = known.get(name)
        return found

    def write(
        self, text: str, truncation: Truncation | None, clean: bool | None, settings: dict[str, Any]
    ) -> str:
        """The text that the model makes of a text."""
        limit = getattr(self.net.config, "max_position_embeddings", None)
        most = min(limit or self.read.model_max_length, self.read.model_max_length)
        options = {"truncation": truncation, "max_length": most} if _cuts(truncation) else {}
        ids = self.read(text, return_tensors="pt", **options)
        count = ids["input_ids"].shape[1]
        if limit is not None and count > limit:
            raise bad(
                f"The text has {count} tokens; the model reads {limit}. Shorten it, or have it cut "
                "by truncation='longest_first'.",
                "truncation",
            )
        written = self.net.generate(**ids.to(self.net.device), **settings)
        ids = [one for one in written[0].tolist() if one not in self._marks]
        options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": clean}
        return str(self.read.decode(ids, **options)).strip()

    def settings(self, usual: dict[str, Any], asked: Writing | None) -> dict[str, Any]:
        """The settings of a generation: the task's usual ones under those that are asked for."""
        known = self.net.generation_config.to_dict()
        usual = {name: value for name, value in usual.items() if name in known}
        wanted = asked or Writing()
        if wanted.max_new_tokens is not None:
            usual.pop("max_length", None)
        return wanted.settings(self.net, usual)


def _cuts(truncation: Truncation | None) -> bool:
    return truncation not in (None, "do_not_truncate")


@task(Rewriter)
def summarization(
    model: Rewriter,
    inputs: Text,
    *,
    clean_up_tokenization_spaces: bool | None = None,
    generate_parameters: Writing | None = None,
    truncation: Truncation | None = None,
) -> Any:
    """The text, shorter."""
    usual = model.usual("summarization") or {}
    settings = model.settings(usual, generate_parameters)
    text = usual.get("prefix", "") + inputs
    written = model.write(text, truncation, clean_up_tokenization_spaces, settings)
    return [{"summary_text": written}]


@task(Rewriter)
def translation(
    model: Rewriter,
    inputs: Text,
    *,
    src_lang: Text | None = None,
    tgt_lang: Text | None = None,
    clean_up_tokenization_spaces: bool | None = None,
    generate_parameters: Writing | None = None,
    truncation: Truncation | None = None,
) -> Any:
    """The text in another language: languages are named as the model names them."""
    if (src_lang is None) != (tgt_lang is None):
        raise bad("src_lang and tgt_lang come together.", "tgt_lang" if src_lang else "src_lang")
    usual, more = _direction(model, inputs, src_lang, tgt_lang)
    settings = model.settings(usual, generate_parameters) | more
    text = usual.get("prefix", "") + inputs
    written = model.write(text, truncation, clean_up_tokenization_spaces, settings)
    return [{"translation_text": written}]


def _direction(
    model: Rewriter, text: str, source: str | None, target: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a model's configuration says of a direction, and the settings that it takes."""
    if hasattr(model.read, "src_lang"):  # one of many languages: M2M, mBART, NLLB
        return {}, _tongues(model, source, target)
    if source is None or target is None:
        return _only(model, text), {}
    if [source, target] == model.pair:  # Marian
        return model.usual("translation") or {}, {}
    if source == model.pair[0] and target in model.targets:
        return {"prefix": f"{_mark(target)} "}, {}
    usual = model.usual(f"translation_{source}_to_{target}")  # T5
    if usual is None:
        said = f"The model {model.name} does not translate {source} to {target}; it does"
        raise bad(f"{said} {_pairs(model)}.", "src_lang")
    return usual, {}


def _only(model: Rewriter, text: str) -> dict[str, Any]:
    """What a model does that is told no direction; a 400 for one that does several, unless the text
    itself begins with the words or the mark for one."""
    usual = [model.usual(name) or {} for name in model.directions]
    for one in usual:
        if one.get("prefix") and text.startswith(one["prefix"]):
            return {**one, "prefix": ""}
    marked = text.startswith(tuple(map(_mark, model.targets)))
    if len(usual) + len(model.targets) > 1 and not marked:
        said = f"The model {model.name} needs src_lang and tgt_lang"
        raise bad(f"{said}; it does {_pairs(model)}.", "tgt_lang")
    return usual[0] if usual else model.usual("translation") or {}


def _mark(target: str) -> str:
    return f">>{target}<<"


def _pairs(model: Rewriter) -> str:
    """The directions that a model is known to do, in words."""
    several = " or ".join(model.targets[:12]) or model.pair[1]
    named = [name.removeprefix(_NAMED).replace("_to_", " to ") for name in model.directions]
    return ", ".join(named) or f"{model.pair[0]} to {several}"


def _tongues(model: Rewriter, source: str | None, target: str | None) -> dict[str, Any]:
    """Set the language that is read; the setting for the one that is written."""
    if source is None or target is None:
        if model.net.generation_config.forced_bos_token_id is None:
            raise bad(f"The model {model.name} needs src_lang and tgt_lang.", "tgt_lang")
        if model.reads is not None:  # it still has what the request before has set
            model.read.src_lang = model.reads
        return {}
    _check_tongue(model, source, "src_lang")
    _check_tongue(model, target, "tgt_lang")
    model.read.src_lang = source
    token = model.read.convert_tokens_to_ids(model.tongues[target])
    return {"forced_bos_token_id": int(token)}


def _check_tongue(model: Rewriter, language: str, parameter: str) -> None:
    """Refuse a language that the model does not know."""
    if language not in model.tongues:
        codes = sorted(model.tongues)
        said = f"The model {model.name} does not know the language {language!r}."
        hint = near(language, codes) or f" Among those it knows: {', '.join(codes[:12])}."
        raise bad(said + hint, parameter)
