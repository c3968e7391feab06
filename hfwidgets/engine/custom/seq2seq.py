"""Summaries and translations by encoder-decoder models: T5, BART, Marian, NLLB and their kin."""

import functools
from typing import Any, Literal

from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.custom.generation_config import GenerationParameters
from hfwidgets.engine.custom.model import NetworkModel, Text, custom_task
from hfwidgets.errors import did_you_mean

_TRANSLATION_PREFIX = "translation_"
Truncation = Literal["do_not_truncate", "longest_first", "only_first"]


class Seq2SeqModel(NetworkModel):
    """An encoder-decoder model; what its configuration says of a task holds where nothing else
    is asked for (T5 has a prefix for each, and lengths)."""

    model_class = "AutoModelForSeq2SeqLM"

    def __init__(self) -> None:
        super().__init__()
        self.default_language = getattr(self.tokenizer, "src_lang", None)
        """The language that it reads unless told otherwise, where it knows several."""

    @property
    def language_pair(self) -> list[str]:
        """The languages that Marian's tokenizer names; "?" for those that none does."""
        return [
            getattr(self.tokenizer, name, None) or "?" for name in ("source_lang", "target_lang")
        ]

    @property
    def target_languages(self) -> list[str]:
        """The languages that a Marian model of several writes."""
        marks = getattr(self.tokenizer, "supported_language_codes", None) or []
        return [mark.strip("<>") for mark in marks]

    @property
    def translation_tasks(self) -> list[str]:
        """The translations that the configuration names (T5), as translation_en_to_de."""
        known = getattr(self.net.config, "task_specific_params", None) or {}
        return [name for name in known if name.startswith(_TRANSLATION_PREFIX)]

    @functools.cached_property
    def language_tokens(self) -> dict[str, str]:
        """The languages of a model of many, with their tokens."""
        if spelt := getattr(self.tokenizer, "lang_code_to_token", None):  # M2M-100: en -> __en__
            return dict(spelt)
        known = {*self.tokenizer.all_special_tokens, *self.tokenizer.get_added_vocab()}
        return {name: name for name in known if name[:1] not in "<["}

    @functools.cached_property
    def _language_token_ids(self) -> set[int]:
        """The ids of the languages' tokens: M2M-100's may be no special ones, which are left out
        of a text by themselves."""
        several = self.default_language is not None
        return (
            set(self.tokenizer.convert_tokens_to_ids([*self.language_tokens.values()]))
            if several
            else set()
        )

    def task_defaults(self, name: str) -> dict[str, Any] | None:
        """What the model's configuration says of a task; None when it does not name it."""
        known = getattr(self.net.config, "task_specific_params", None) or {}
        found: dict[str, Any] | None = known.get(name)
        return found

    def generate_text(
        self, text: str, truncation: Truncation | None, clean: bool | None, settings: dict[str, Any]
    ) -> str:
        """The text that the model makes of a text."""
        limit = getattr(self.net.config, "max_position_embeddings", None)
        most = min(limit or self.tokenizer.model_max_length, self.tokenizer.model_max_length)
        options = (
            {"truncation": truncation, "max_length": most} if _is_truncating(truncation) else {}
        )
        ids = self.tokenizer(text, return_tensors="pt", **options)
        count = ids["input_ids"].shape[1]
        if limit is not None and count > limit:
            raise bad_request(
                f"The text has {count} tokens; the model reads {limit}. Shorten it, or have it cut "
                "by truncation='longest_first'.",
                "truncation",
            )
        written = self.net.generate(**ids.to(self.net.device), **settings)
        ids = [one for one in written[0].tolist() if one not in self._language_token_ids]
        options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": clean}
        return str(self.tokenizer.decode(ids, **options)).strip()

    def build_settings(
        self, usual: dict[str, Any], asked: GenerationParameters | None
    ) -> dict[str, Any]:
        """The settings of a generation: the task's usual ones under those that are asked for."""
        known = self.net.generation_config.to_dict()
        usual = {name: value for name, value in usual.items() if name in known}
        wanted = asked or GenerationParameters()
        if wanted.max_new_tokens is not None:
            usual.pop("max_length", None)
        return wanted.build_settings(self.net, usual)


def _is_truncating(truncation: Truncation | None) -> bool:
    return truncation not in (None, "do_not_truncate")


@custom_task(Seq2SeqModel)
def summarization(
    model: Seq2SeqModel,
    inputs: Text,
    *,
    clean_up_tokenization_spaces: bool | None = None,
    generate_parameters: GenerationParameters | None = None,
    truncation: Truncation | None = None,
) -> Any:
    """The text, shorter."""
    usual = model.task_defaults("summarization") or {}
    settings = model.build_settings(usual, generate_parameters)
    text = usual.get("prefix", "") + inputs
    written = model.generate_text(text, truncation, clean_up_tokenization_spaces, settings)
    return [{"summary_text": written}]


@custom_task(Seq2SeqModel)
def translation(
    model: Seq2SeqModel,
    inputs: Text,
    *,
    src_lang: Text | None = None,
    tgt_lang: Text | None = None,
    clean_up_tokenization_spaces: bool | None = None,
    generate_parameters: GenerationParameters | None = None,
    truncation: Truncation | None = None,
) -> Any:
    """The text in another language: languages are named as the model names them."""
    if (src_lang is None) != (tgt_lang is None):
        raise bad_request(
            "src_lang and tgt_lang come together.", "tgt_lang" if src_lang else "src_lang"
        )
    usual, more = _resolve_direction(model, inputs, src_lang, tgt_lang)
    settings = model.build_settings(usual, generate_parameters) | more
    text = usual.get("prefix", "") + inputs
    written = model.generate_text(text, truncation, clean_up_tokenization_spaces, settings)
    return [{"translation_text": written}]


def _resolve_direction(
    model: Seq2SeqModel, text: str, source: str | None, target: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a model's configuration says of a direction, and the settings that it takes."""
    if hasattr(model.tokenizer, "src_lang"):  # one of many languages: M2M, mBART, NLLB
        return {}, _set_languages(model, source, target)
    if source is None or target is None:
        return _default_direction(model, text), {}
    if [source, target] == model.language_pair:  # Marian
        return model.task_defaults("translation") or {}, {}
    if source == model.language_pair[0] and target in model.target_languages:
        return {"prefix": f"{_language_marker(target)} "}, {}
    usual = model.task_defaults(f"translation_{source}_to_{target}")  # T5
    if usual is None:
        said = f"The model {model.name} does not translate {source} to {target}; it does"
        raise bad_request(f"{said} {_describe_directions(model)}.", "src_lang")
    return usual, {}


def _default_direction(model: Seq2SeqModel, text: str) -> dict[str, Any]:
    """What a model does that is told no direction; a 400 for one that does several, unless the text
    itself begins with the words or the mark for one."""
    usual = [model.task_defaults(name) or {} for name in model.translation_tasks]
    for one in usual:
        if one.get("prefix") and text.startswith(one["prefix"]):
            return {**one, "prefix": ""}
    marked = text.startswith(tuple(map(_language_marker, model.target_languages)))
    if len(usual) + len(model.target_languages) > 1 and not marked:
        said = f"The model {model.name} needs src_lang and tgt_lang"
        raise bad_request(f"{said}; it does {_describe_directions(model)}.", "tgt_lang")
    return usual[0] if usual else model.task_defaults("translation") or {}


def _language_marker(target: str) -> str:
    return f">>{target}<<"


def _describe_directions(model: Seq2SeqModel) -> str:
    """The directions that a model is known to do, in words."""
    several = " or ".join(model.target_languages[:12]) or model.language_pair[1]
    named = [
        name.removeprefix(_TRANSLATION_PREFIX).replace("_to_", " to ")
        for name in model.translation_tasks
    ]
    return ", ".join(named) or f"{model.language_pair[0]} to {several}"


def _set_languages(model: Seq2SeqModel, source: str | None, target: str | None) -> dict[str, Any]:
    """Set the language that is read; the setting for the one that is written."""
    if source is None or target is None:
        if model.net.generation_config.forced_bos_token_id is None:
            raise bad_request(f"The model {model.name} needs src_lang and tgt_lang.", "tgt_lang")
        if model.default_language is not None:  # it still has what the request before has set
            model.tokenizer.src_lang = model.default_language
        return {}
    _check_language(model, source, "src_lang")
    _check_language(model, target, "tgt_lang")
    model.tokenizer.src_lang = source
    token = model.tokenizer.convert_tokens_to_ids(model.language_tokens[target])
    return {"forced_bos_token_id": int(token)}


def _check_language(model: Seq2SeqModel, language: str, parameter: str) -> None:
    """Refuse a language that the model does not know."""
    if language not in model.language_tokens:
        codes = sorted(model.language_tokens)
        said = f"The model {model.name} does not know the language {language!r}."
        hint = did_you_mean(language, codes) or f" Among those it knows: {', '.join(codes[:12])}."
        raise bad_request(said + hint, parameter)
