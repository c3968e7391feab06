"""More tiny models with random weights, as `tiny.py` has them: families with ways of their own.

Tokenizers of SentencePiece are trained here, on three sentences, to know single letters.
"""

import io
import json
from pathlib import Path
from typing import Any

import sentencepiece
import transformers

from tests.engine.tiny_models import (
    PAIR,
    SEES,
    SIDE,
    SMALL,
    T5,
    WORDS,
    encodec,
    saved,
    seeded,
    words,
)

_SENTENCES = ("ann went to rome", "the ferry leaves at noon", "paris is a good day")
_SMALL = {name: SMALL[name] for name in list(SMALL)[1:5]}
# With smaller weights all texts come to the same.
_PAIR = {**PAIR, "max_position_embeddings": 64, "init_std": 1.0}


def _letters(folder: Path, *names: str) -> list[str]:
    """The letters of a SentencePiece model that is written under each of these names."""
    folder.mkdir()
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_SENTENCES),
        model_writer=made,
        model_type="char",
        vocab_size=40,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    for name in names:
        (folder / name).write_bytes(made.getvalue())
    read = sentencepiece.SentencePieceProcessor(model_proto=made.getvalue())
    pieces = [str(read.id_to_piece(index)) for index in range(len(read))]
    return [piece for piece in pieces if not piece.startswith("<")]


def _vocabulary(folder: Path, tokens: list[str]) -> str:
    """A file of tokens with their ids."""
    file = folder / "vocab.json"
    file.write_text(json.dumps({token: index for index, token in enumerate(tokens)}))
    return str(file)


def marian(folder: Path, codes: tuple[str, ...] = ()) -> str:
    """A Marian model from English into German, or into the languages of these codes."""
    letters = _letters(folder, "source.spm", "target.spm")
    tokens = ["</s>", "<unk>", *(f">>{code}<<" for code in codes), *letters, "<pad>"]
    tokenizer = transformers.MarianTokenizer(
        str(folder / "source.spm"),
        str(folder / "target.spm"),
        _vocabulary(folder, tokens),
        source_lang="en",
        target_lang="ROMANCE" if codes else "de",
    )
    pad = len(tokens) - 1
    ids = {"pad_token_id": pad, "eos_token_id": 0, "decoder_start_token_id": pad}
    config = transformers.MarianConfig(vocab_size=len(tokens), **_PAIR, **ids)
    network = seeded(transformers.MarianMTModel, config)
    never = [[pad], *([2 + index] for index in range(len(codes)))]
    network.generation_config.update(max_length=12, bad_words_ids=never)
    return saved(folder, network, tokenizer)


def t5(folder: Path) -> str:
    """A T5 that translates both ways, each by a prefix."""
    special = {
        "translation_en_to_de": {"prefix": "translate english : ", "max_length": 9},
        "translation_de_to_en": {"prefix": "translate german : ", "max_length": 9},
    }
    ids = {"decoder_start_token_id": 0, "eos_token_id": 3, "pad_token_id": 0}
    config = transformers.T5Config(vocab_size=len(WORDS), **T5, **ids, task_specific_params=special)
    network = seeded(transformers.T5ForConditionalGeneration, config)
    return saved(folder, network, words("$A [SEP]"))


def m2m(folder: Path, **settings: Any) -> str:
    """An M2M-100 with its hundred languages, none of which it writes by itself."""
    letters = _letters(folder, "sentencepiece.bpe.model")
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *letters]
    tokenizer = transformers.M2M100Tokenizer(
        _vocabulary(folder, tokens), str(folder / "sentencepiece.bpe.model"), src_lang="en"
    )
    languages = [tokenizer.get_lang_id(code) for code in tokenizer.lang_code_to_token]
    config = transformers.M2M100Config(vocab_size=len(tokens) + len(languages) + 8, **_PAIR)
    network = seeded(transformers.M2M100ForConditionalGeneration, config)
    never = [[token] for token in languages]
    network.generation_config.update(max_length=12, bad_words_ids=never, **settings)
    return saved(folder, network, tokenizer)


def blip(folder: Path, kind: str) -> str:
    """A BLIP of this kind: one that captions pictures, or one that answers about them."""
    ids = {"bos_token_id": 2, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0}
    sizes = {"encoder_hidden_size": 16, "projection_dim": 16, "initializer_range": 1.0}
    text = {**SMALL, **ids, **sizes}
    config = transformers.BlipConfig(
        text_config=text,
        vision_config={**_SMALL, **SEES, "projection_dim": 16},
        projection_dim=16,
        image_text_hidden_size=16,
    )
    tokenizer = transformers.BertTokenizer(vocab={word: i for i, word in enumerate(WORDS)})
    tokenizer.model_max_length = 64
    reads = transformers.BlipProcessor(transformers.BlipImageProcessorPil(size=SIDE), tokenizer)
    return saved(folder, seeded(getattr(transformers, kind), config), reads)


def donut(folder: Path, *, ends: bool = True) -> str:
    """A Donut that answers about pages; its answers come to an end, or never do."""
    tokenizer = words("$A", "$A $B")
    marks = ["<s_docvqa>", "<s_question>", "</s_question>", "<s_answer>", "</s_answer>"]
    tokenizer.add_special_tokens({"additional_special_tokens": marks})
    tokenizer.eos_token = "[SEP]"
    over = tokenizer.convert_tokens_to_ids("</s_answer>")
    sees = transformers.DonutSwinConfig(
        image_size=[32, 32], patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[1, 2]
    )
    sees.window_size = 2
    cross = {"is_decoder": True, "add_cross_attention": True, "is_encoder_decoder": False}
    writes = transformers.MBartConfig(vocab_size=len(tokenizer), **_PAIR, **cross)
    config = transformers.VisionEncoderDecoderConfig(
        encoder=sees.to_dict(), decoder=writes.to_dict()
    )
    network = seeded(transformers.VisionEncoderDecoderModel, config)
    last = {"forced_eos_token_id": over} if ends else {"bad_words_ids": [[over]]}
    network.generation_config.update(
        decoder_start_token_id=2, eos_token_id=over, pad_token_id=0, **last
    )
    see = transformers.DonutImageProcessorPil(size={"height": 32, "width": 32})
    return saved(folder, network, transformers.DonutProcessor(see, tokenizer))


def dac(folder: Path) -> str:
    """A DAC at 16 kHz."""
    config = transformers.DacConfig(
        encoder_hidden_size=4,
        downsampling_ratios=[4, 8],
        decoder_hidden_size=16,
        n_codebooks=2,
        codebook_size=16,
        codebook_dim=4,
    )
    hears = transformers.DacFeatureExtractor(sampling_rate=16_000, hop_length=32)
    return saved(folder, seeded(transformers.DacModel, config), hears)


def mimi(folder: Path) -> str:
    """A Mimi at 24 kHz."""
    config = transformers.MimiConfig(
        hidden_size=16,
        num_filters=4,
        upsampling_ratios=[4, 4],
        codebook_size=16,
        codebook_dim=8,
        num_quantizers=2,
        vector_quantization_hidden_dimension=8,
        upsample_groups=16,
        num_hidden_layers=1,
        intermediate_size=16,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        frame_rate=750,
    )
    hears = transformers.EncodecFeatureExtractor(sampling_rate=24_000)
    return saved(folder, seeded(transformers.MimiModel, config), hears)


def encodec_of_two_channels(folder: Path) -> str:
    """An EnCodec at 48 kHz, which hears two channels, a second at a time."""
    times = {"sampling_rate": 48_000, "chunk_length_s": 1.0, "overlap": 0.01}
    return encodec(
        folder,
        transformers.EncodecFeatureExtractor(feature_size=2, **times),
        target_bandwidths=[48.0],
        audio_channels=2,
        normalize=True,
        use_causal_conv=False,
        norm_type="time_group_norm",
        **times,
    )
