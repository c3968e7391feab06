"""Build more tiny models with random weights, like `tiny_models.py`: families with peculiarities.

SentencePiece tokenizers are trained here, on three sentences, to single letters.
"""

import io
import json
from pathlib import Path
from typing import Any

import sentencepiece
import transformers

from tests.engine.tiny_models import (
    PAIR,
    SIDE,
    SMALL,
    T5,
    VISION,
    WORDS,
    encodec,
    make_network,
    save_model,
    word_tokenizer,
)

_SENTENCES = ("ann went to rome", "the ferry leaves at noon", "paris is a good day")
_SMALL = {name: SMALL[name] for name in list(SMALL)[1:5]}
# With smaller weights, all texts get the same answer.
_PAIR = {**PAIR, "max_position_embeddings": 64, "init_std": 1.0}


def _train_letters(folder: Path, *names: str) -> list[str]:
    """Train a SentencePiece model, save it under each of these names, and return its letters."""
    folder.mkdir()
    model_file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_SENTENCES),
        model_writer=model_file,
        model_type="char",
        vocab_size=40,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    for name in names:
        (folder / name).write_bytes(model_file.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model_file.getvalue())
    pieces = [str(processor.id_to_piece(index)) for index in range(len(processor))]
    return [piece for piece in pieces if not piece.startswith("<")]


def _write_vocabulary(folder: Path, tokens: list[str]) -> str:
    """Write a file of tokens with their ids."""
    file = folder / "vocab.json"
    file.write_text(json.dumps({token: index for index, token in enumerate(tokens)}))
    return str(file)


def marian(folder: Path, codes: tuple[str, ...] = ()) -> str:
    """Build a Marian model from English to German, or to the languages of these codes."""
    letters = _train_letters(folder, "source.spm", "target.spm")
    tokens = ["</s>", "<unk>", *(f">>{code}<<" for code in codes), *letters, "<pad>"]
    tokenizer = transformers.MarianTokenizer(
        str(folder / "source.spm"),
        str(folder / "target.spm"),
        _write_vocabulary(folder, tokens),
        source_lang="en",
        target_lang="ROMANCE" if codes else "de",
    )
    pad = len(tokens) - 1
    ids = {"pad_token_id": pad, "eos_token_id": 0, "decoder_start_token_id": pad}
    config = transformers.MarianConfig(vocab_size=len(tokens), **_PAIR, **ids)
    network = make_network(transformers.MarianMTModel, config)
    never = [[pad], *([2 + index] for index in range(len(codes)))]
    network.generation_config.update(max_length=12, bad_words_ids=never)
    return save_model(folder, network, tokenizer)


def t5(folder: Path) -> str:
    """Build a T5 that translates in two directions, with a prefix for each."""
    special = {
        "translation_en_to_de": {"prefix": "translate english : ", "max_length": 9},
        "translation_de_to_en": {"prefix": "translate german : ", "max_length": 9},
    }
    ids = {"decoder_start_token_id": 0, "eos_token_id": 3, "pad_token_id": 0}
    config = transformers.T5Config(vocab_size=len(WORDS), **T5, **ids, task_specific_params=special)
    network = make_network(transformers.T5ForConditionalGeneration, config)
    return save_model(folder, network, word_tokenizer("$A [SEP]"))


def m2m(folder: Path, **settings: Any) -> str:
    """Build an M2M-100 that never writes a language token by itself."""
    letters = _train_letters(folder, "sentencepiece.bpe.model")
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *letters]
    tokenizer = transformers.M2M100Tokenizer(
        _write_vocabulary(folder, tokens), str(folder / "sentencepiece.bpe.model"), src_lang="en"
    )
    languages = [tokenizer.get_lang_id(code) for code in tokenizer.lang_code_to_token]
    config = transformers.M2M100Config(vocab_size=len(tokens) + len(languages) + 8, **_PAIR)
    network = make_network(transformers.M2M100ForConditionalGeneration, config)
    never = [[token] for token in languages]
    network.generation_config.update(max_length=12, bad_words_ids=never, **settings)
    return save_model(folder, network, tokenizer)


def blip(folder: Path, kind: str) -> str:
    """Build a BLIP of this class: a captioner, or one that answers questions."""
    ids = {"bos_token_id": 2, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0}
    sizes = {"encoder_hidden_size": 16, "projection_dim": 16, "initializer_range": 1.0}
    text = {**SMALL, **ids, **sizes}
    config = transformers.BlipConfig(
        text_config=text,
        vision_config={**_SMALL, **VISION, "projection_dim": 16},
        projection_dim=16,
        image_text_hidden_size=16,
    )
    tokenizer = transformers.BertTokenizer(vocab={word: i for i, word in enumerate(WORDS)})
    tokenizer.model_max_length = 64
    processor = transformers.BlipProcessor(transformers.BlipImageProcessorPil(size=SIDE), tokenizer)
    return save_model(folder, make_network(getattr(transformers, kind), config), processor)


def donut(folder: Path, *, ends: bool = True) -> str:
    """Build a Donut that answers about pages; with `ends=False` its answers never end."""
    tokenizer = word_tokenizer("$A", "$A $B")
    marks = ["<s_docvqa>", "<s_question>", "</s_question>", "<s_answer>", "</s_answer>"]
    tokenizer.add_special_tokens({"additional_special_tokens": marks})
    tokenizer.eos_token = "[SEP]"
    end_token = tokenizer.convert_tokens_to_ids("</s_answer>")
    encoder = transformers.DonutSwinConfig(
        image_size=[32, 32], patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[1, 2]
    )
    encoder.window_size = 2
    cross = {"is_decoder": True, "add_cross_attention": True, "is_encoder_decoder": False}
    decoder = transformers.MBartConfig(vocab_size=len(tokenizer), **_PAIR, **cross)
    config = transformers.VisionEncoderDecoderConfig(
        encoder=encoder.to_dict(), decoder=decoder.to_dict()
    )
    network = make_network(transformers.VisionEncoderDecoderModel, config)
    last = {"forced_eos_token_id": end_token} if ends else {"bad_words_ids": [[end_token]]}
    network.generation_config.update(
        decoder_start_token_id=2, eos_token_id=end_token, pad_token_id=0, **last
    )
    image_processor = transformers.DonutImageProcessorPil(size={"height": 32, "width": 32})
    return save_model(folder, network, transformers.DonutProcessor(image_processor, tokenizer))


def dac(folder: Path) -> str:
    """Build a DAC at 16 kHz."""
    config = transformers.DacConfig(
        encoder_hidden_size=4,
        downsampling_ratios=[4, 8],
        decoder_hidden_size=16,
        n_codebooks=2,
        codebook_size=16,
        codebook_dim=4,
    )
    extractor = transformers.DacFeatureExtractor(sampling_rate=16_000, hop_length=32)
    return save_model(folder, make_network(transformers.DacModel, config), extractor)


def mimi(folder: Path) -> str:
    """Build a Mimi at 24 kHz."""
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
    extractor = transformers.EncodecFeatureExtractor(sampling_rate=24_000)
    return save_model(folder, make_network(transformers.MimiModel, config), extractor)


def stereo_encodec(folder: Path) -> str:
    """Build an EnCodec at 48 kHz, with two channels and chunks of one second."""
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
