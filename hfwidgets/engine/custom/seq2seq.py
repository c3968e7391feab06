"""Summarize and translate with encoder-decoder models such as T5, BART, Marian and NLLB."""

import functools
from typing import Any, Literal

from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.custom.generation_config import GenerationParameters
from hfwidgets.engine.custom.model import NetworkModel, Text, custom_task
from hfwidgets.errors import did_you_mean

_TRANSLATION_PREFIX = "translation_"
Truncation = Literal["do_not_truncate", "longest_first", "only_first"]


class Seq2SeqModel(NetworkModel):
    """Open an encoder-decoder model.

    Its configuration may name defaults per task: T5 has a prefix for each, and lengths.
    """

    model_class = "AutoModelForSeq2SeqLM"

    def __init__(self) -> None:
        super().__init__()
        self.default_language = getattr(self.tokenizer, "src_lang", None)
        """The default source language of a multilingual model."""

    @property
    def language_pair(self) -> list[str]:
        """Return the source and target that Marian's tokenizer names; "?" if it names none."""
        return [
            getattr(self.tokenizer, name, None) or "?" for name in ("source_lang", "target_lang")
        ]

    @property
    def target_languages(self) -> list[str]:
        """Return the target languages of a Marian model with several."""
        markers = getattr(self.tokenizer, "supported_language_codes", None) or []
        return [marker.strip("<>") for marker in markers]

    @property
    def translation_tasks(self) -> list[str]:
        """Return the translations that T5's configuration names, such as translation_en_to_de."""
        known = getattr(self.net.config, "task_specific_params", None) or {}
        return [name for name in known if name.startswith(_TRANSLATION_PREFIX)]

    @functools.cached_property
    def language_tokens(self) -> dict[str, str]:
        """Return a multilingual model's language codes with their tokens."""
        if tokens := getattr(self.tokenizer, "lang_code_to_token", None):  # M2M-100: en -> __en__
            return dict(tokens)
        # NLLB and mBART: the code is the token, among other special ones such as <pad> or [MASK].
        known = {*self.tokenizer.all_special_tokens, *self.tokenizer.get_added_vocab()}
        return {name: name for name in known if name[:1] not in "<["}

    @functools.cached_property
    def _language_token_ids(self) -> set[int]:
        """Return the ids of a multilingual model's language tokens."""
        # Decoding skips special tokens, but M2M-100's language tokens may not be special.
        if self.default_language is None:
            return set()
        return set(self.tokenizer.convert_tokens_to_ids([*self.language_tokens.values()]))

    def task_defaults(self, name: str) -> dict[str, Any] | None:
        """Return the configuration's defaults for a task; None for a task it doesn't name."""
        known = getattr(self.net.config, "task_specific_params", None) or {}
        defaults: dict[str, Any] | None = known.get(name)
        return defaults

    def generate_text(
        self, text: str, truncation: Truncation | None, clean: bool | None, settings: dict[str, Any]
    ) -> str:
        """Generate a text from a text; a 400 if it is too long and not truncated."""
        limit = getattr(self.net.config, "max_position_embeddings", None)
        length = min(limit or self.tokenizer.model_max_length, self.tokenizer.model_max_length)
        options = (
            {"truncation": truncation, "max_length": length} if _is_truncating(truncation) else {}
        )
        ids = self.tokenizer(text, return_tensors="pt", **options)
        count = ids["input_ids"].shape[1]
        # Models with relative positions, such as T5, state no limit and read longer texts as well.
        if limit is not None and count > limit:
            raise bad_request(
                f"The text has {count} tokens; the model reads {limit}. Shorten it, or cut it with "
                "truncation='longest_first'.",
                "truncation",
            )
        output = self.net.generate(**ids.to(self.net.device), **settings)
        ids = [token for token in output[0].tolist() if token not in self._language_token_ids]
        options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": clean}
        return str(self.tokenizer.decode(ids, **options)).strip()

    def build_settings(
        self, defaults: dict[str, Any], parameters: GenerationParameters | None
    ) -> dict[str, Any]:
        """Return a generation's settings: the request's parameters over the task's defaults."""
        # The defaults of a task hold more than settings, such as its prefix.
        known = self.net.generation_config.to_dict()
        defaults = {name: value for name, value in defaults.items() if name in known}
        requested = parameters or GenerationParameters()
        if requested.max_new_tokens is not None:
            defaults.pop("max_length", None)  # transformers lets max_new_tokens win with a warning
        return requested.build_settings(self.net, defaults)


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
    """Summarize a text."""
    defaults = model.task_defaults("summarization") or {}
    settings = model.build_settings(defaults, generate_parameters)
    text = defaults.get("prefix", "") + inputs
    summary = model.generate_text(text, truncation, clean_up_tokenization_spaces, settings)
    return [{"summary_text": summary}]


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
    """Translate a text; languages use the model's own codes."""
    if (src_lang is None) != (tgt_lang is None):
        raise bad_request(
            "Pass both src_lang and tgt_lang, or neither.", "tgt_lang" if src_lang else "src_lang"
        )
    defaults, forced = _resolve_direction(model, inputs, src_lang, tgt_lang)
    settings = model.build_settings(defaults, generate_parameters) | forced
    text = defaults.get("prefix", "") + inputs
    translated = model.generate_text(text, truncation, clean_up_tokenization_spaces, settings)
    return [{"translation_text": translated}]


def _resolve_direction(
    model: Seq2SeqModel, text: str, source: str | None, target: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the configuration's defaults for a direction, and the settings that force it."""
    # Families name a direction in their own ways: multilingual models (M2M, mBART, NLLB) by the
    # answer's first token, Marian by its pair or a marker in the text, T5 by a prefix.
    if hasattr(model.tokenizer, "src_lang"):
        return {}, _set_languages(model, source, target)
    if source is None or target is None:
        return _default_direction(model, text), {}
    if [source, target] == model.language_pair:
        return model.task_defaults("translation") or {}, {}
    if source == model.language_pair[0] and target in model.target_languages:
        return {"prefix": f"{_language_marker(target)} "}, {}
    defaults = model.task_defaults(f"translation_{source}_to_{target}")
    if defaults is None:
        message = f"The model {model.name} does not translate {source} to {target}; it supports"
        raise bad_request(f"{message} {_describe_directions(model)}.", "src_lang")
    return defaults, {}


def _default_direction(model: Seq2SeqModel, text: str) -> dict[str, Any]:
    """Return the defaults of a model's only direction, or of the one that the text starts with.

    Raises a 400 for a model with several directions if the text has no prefix or marker of one.
    """
    directions = [model.task_defaults(name) or {} for name in model.translation_tasks]
    for direction in directions:
        if direction.get("prefix") and text.startswith(direction["prefix"]):
            return {**direction, "prefix": ""}
    is_marked = text.startswith(tuple(map(_language_marker, model.target_languages)))
    if len(directions) + len(model.target_languages) > 1 and not is_marked:
        message = f"The model {model.name} needs src_lang and tgt_lang"
        raise bad_request(f"{message}; it supports {_describe_directions(model)}.", "tgt_lang")
    return directions[0] if directions else model.task_defaults("translation") or {}


def _language_marker(target: str) -> str:
    return f">>{target}<<"


def _describe_directions(model: Seq2SeqModel) -> str:
    """List a model's directions for an error message."""
    targets = " or ".join(model.target_languages[:12]) or model.language_pair[1]
    directions = [
        name.removeprefix(_TRANSLATION_PREFIX).replace("_to_", " to ")
        for name in model.translation_tasks
    ]
    return ", ".join(directions) or f"{model.language_pair[0]} to {targets}"


def _set_languages(model: Seq2SeqModel, source: str | None, target: str | None) -> dict[str, Any]:
    """Set the tokenizer's source language; return the setting that forces the target."""
    if source is None or target is None:
        if model.net.generation_config.forced_bos_token_id is None:
            raise bad_request(f"The model {model.name} needs src_lang and tgt_lang.", "tgt_lang")
        if model.default_language is not None:  # undo the setting of an earlier request
            model.tokenizer.src_lang = model.default_language
        return {}
    _check_language(model, source, "src_lang")
    _check_language(model, target, "tgt_lang")
    model.tokenizer.src_lang = source
    token = model.tokenizer.convert_tokens_to_ids(model.language_tokens[target])
    return {"forced_bos_token_id": int(token)}


def _check_language(model: Seq2SeqModel, language: str, parameter: str) -> None:
    """Raise a 400 for a language that the model doesn't support."""
    if language not in model.language_tokens:
        codes = sorted(model.language_tokens)
        message = f"The model {model.name} does not support the language {language!r}."
        hint = did_you_mean(language, codes) or f" It supports {', '.join(codes[:12])}, and others."
        raise bad_request(message + hint, parameter)
