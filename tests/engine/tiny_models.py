"""Build tiny models with random weights: their answers have the right shapes but no meaning.

All are built here, tokenizers included, from configurations of a few numbers, without downloads.
"""

import json
import os
from pathlib import Path
from typing import Any

# Threads only slow down tiny networks. Engines that the tests start inherit this.
os.environ["OMP_NUM_THREADS"] = "1"

import diffusers
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

_TEXT_WORDS = "ann went to rome the ferry leaves at noon paris is a good day ? . :"
_PROMPT_WORDS = "summarize translate english german"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_TEXT_WORDS.split(), *_PROMPT_WORDS.split()]
SMALL: dict[str, Any] = {
    "vocab_size": len(WORDS),
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 64,
}
LABELS = {0: "calm", 1: "rough", 2: "stormy"}
NLI = {0: "contradiction", 1: "neutral", 2: "entailment"}
ENDS = {0: "start", 1: "end"}
SIDE = {"height": 16, "width": 16}
PAIR: dict[str, Any] = {
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 16,
    "decoder_ffn_dim": 16,
}
T5 = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}


def label_config(labels: dict[int, str] = LABELS) -> dict[str, Any]:
    """Return the configuration that names a model's classes."""
    return {"id2label": labels, "label2id": {label: index for index, label in labels.items()}}


def save_model(folder: Path, *parts: Any) -> str:
    """Save the parts of a model in a folder."""
    for part in parts:
        part.save_pretrained(folder)
    return str(folder)


def make_network(kind: type[Any], config: Any) -> Any:
    """Make a network with the same random weights each time."""
    torch.manual_seed(0)
    return kind(config)


def word_tokenizer(cls: str = "[CLS] $A [SEP]", pair: str = "[CLS] $A [SEP] $B:1 [SEP]:1") -> Any:
    """Make a tokenizer of whole words."""
    vocabulary = {word: index for index, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = [(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=cls, pair=pair, special_tokens=special
    )
    names = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=64,
        **{f"{name}_token": token for name, token in names.items()},
    )


def bert(folder: Path, kind: str, labels: dict[int, str] = LABELS) -> str:
    """Build a BERT of this class with its tokenizer."""
    config = transformers.BertConfig(**SMALL, **label_config(labels))
    tokenizer = transformers.BertTokenizer(vocab={word: i for i, word in enumerate(WORDS)})
    tokenizer.model_max_length = 64
    return save_model(folder, make_network(getattr(transformers, kind), config), tokenizer)


def sentences(folder: Path) -> str:
    """Build a sentence model: the first token's vector, scaled to length 1."""
    parts = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    modules = [
        {"idx": index, "path": path, "type": f"sentence_transformers.models.{kind}"}
        for index, (path, kind) in enumerate(parts.items())
    ]
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "modules.json").write_text(json.dumps(modules))
    pooling = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    prompts = {"prompts": {"query": "a good day : "}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    return bert(folder, "BertModel")


def t5(folder: Path) -> str:
    """Build a T5 with prefixes for summaries and one translation."""
    special = {
        "summarization": {"prefix": "summarize : ", "max_length": 8, "num_beams": 2},
        "translation_en_to_de": {"prefix": "translate english to german : ", "max_length": 6},
    }
    config = transformers.T5Config(
        vocab_size=len(WORDS),
        **T5,
        decoder_start_token_id=0,
        eos_token_id=3,
        pad_token_id=0,
        task_specific_params=special,
    )
    network = make_network(transformers.T5ForConditionalGeneration, config)
    return save_model(folder, network, word_tokenizer("$A [SEP]"))


def nllb(folder: Path) -> str:
    """Build an NLLB: an M2M-100 with another tokenizer."""
    vocabulary = ["<s>", "<pad>", "</s>", "<unk>", "▁", *"abcdefghilmnoprstuwy"]
    tokenizer = transformers.NllbTokenizer(
        vocab={token: index for index, token in enumerate(vocabulary)}, merges=[]
    )
    config = transformers.M2M100Config(
        vocab_size=len(tokenizer),
        **PAIR,
        max_position_embeddings=64,
    )
    network = make_network(transformers.M2M100ForConditionalGeneration, config)
    network.generation_config.max_length = 12
    return save_model(folder, network, tokenizer)


def tapas(folder: Path) -> str:
    """Build a TAPAS that selects cells and an aggregation."""
    config = transformers.TapasConfig(
        **{**SMALL, "max_position_embeddings": 128},
        num_aggregation_labels=4,
        aggregation_labels={0: "NONE", 1: "SUM", 2: "AVERAGE", 3: "COUNT"},
    )
    network = make_network(transformers.TapasForQuestionAnswering, config)
    (folder).mkdir()
    (folder / "vocab.txt").write_text("\n".join([*WORDS, "[EMPTY]"]))
    tokenizer = transformers.TapasTokenizer(str(folder / "vocab.txt"))
    tokenizer.model_max_length = 128
    return save_model(folder, network, tokenizer)


TEMPLATE = (
    "{% for message in messages %}{{ message.role }} : {{ message.content }} . {% endfor %}"
    "{% if add_generation_prompt %}ann :{% endif %}"
)


def gpt(folder: Path, template: str | None = TEMPLATE, positions: int = 64) -> str:
    """Build a Llama that writes words, with a chat template."""
    shape = {**SMALL, "max_position_embeddings": positions}
    config = transformers.LlamaConfig(**shape, eos_token_id=3, pad_token_id=0, bos_token_id=2)
    tokenizer = word_tokenizer("$A", "$A $B")
    tokenizer.model_max_length = positions
    tokenizer.chat_template = template
    return save_model(folder, make_network(transformers.LlamaForCausalLM, config), tokenizer)


def letter_tokenizer(folder: Path) -> Any:
    """Make a CLIP tokenizer of single letters."""
    letters = "abcdefghijklmnopqrstuvwxyz."
    listed = [*letters, *(f"{letter}</w>" for letter in letters), BEGIN, END]
    tokenizer = transformers.CLIPTokenizer(
        vocab={token: index for index, token in enumerate(listed)}, merges=[]
    )
    tokenizer.model_max_length = 32
    return tokenizer


BEGIN, END = "<|startoftext|>", "<|endoftext|>"
CLIP_TEXT = {
    "vocab_size": 56,
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 32,
    "bos_token_id": 54,
    "eos_token_id": 55,
}
VISION = {"image_size": 16, "patch_size": 8}


def vit(folder: Path) -> str:
    """Build a ViT that classifies images of 16 x 16."""
    small = {name: SMALL[name] for name in list(SMALL)[1:5]}
    config = transformers.ViTConfig(**small, **VISION, **label_config())
    network = make_network(transformers.ViTForImageClassification, config)
    return save_model(folder, network, transformers.ViTImageProcessorPil(size=SIDE))


def clip(folder: Path) -> str:
    """Build a CLIP that compares images with texts."""
    vision = {**VISION, **{name: CLIP_TEXT[name] for name in list(CLIP_TEXT)[1:5]}}
    config = transformers.CLIPConfig(text_config=CLIP_TEXT, vision_config=vision, projection_dim=16)
    image_processor = transformers.CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size=SIDE)
    return save_model(
        folder,
        make_network(transformers.CLIPModel, config),
        image_processor,
        letter_tokenizer(folder),
    )


def owl(folder: Path) -> str:
    """Build an OWL-ViT that detects objects by labels."""
    vision = {**VISION, **{name: CLIP_TEXT[name] for name in list(CLIP_TEXT)[1:5]}}
    text = {**CLIP_TEXT, "max_position_embeddings": 16}
    config = transformers.OwlViTConfig(text_config=text, vision_config=vision, projection_dim=16)
    image_processor = transformers.OwlViTImageProcessorPil(size=SIDE, crop_size=SIDE)
    tokenizer = letter_tokenizer(folder)
    tokenizer.model_max_length = 16
    network = make_network(transformers.OwlViTForObjectDetection, config)
    return save_model(folder, network, transformers.OwlViTProcessor(image_processor, tokenizer))


def yolos(folder: Path) -> str:
    """Build a YOLOS that detects objects."""
    small = {name: SMALL[name] for name in list(SMALL)[1:5]}
    config = transformers.YolosConfig(
        **small, image_size=[16, 16], patch_size=8, num_detection_tokens=4, **label_config()
    )
    image_processor = transformers.YolosImageProcessorPil(size=SIDE)
    return save_model(
        folder, make_network(transformers.YolosForObjectDetection, config), image_processor
    )


def segformer(folder: Path) -> str:
    """Build a SegFormer, which labels each pixel."""
    config = transformers.SegformerConfig(
        num_encoder_blocks=2,
        depths=[1, 1],
        sr_ratios=[2, 1],
        hidden_sizes=[8, 16],
        patch_sizes=[7, 3],
        strides=[4, 2],
        num_attention_heads=[1, 2],
        mlp_ratios=[1, 1],
        decoder_hidden_size=8,
        **label_config(),
    )
    network = make_network(transformers.SegformerForSemanticSegmentation, config)
    return save_model(folder, network, transformers.SegformerImageProcessorPil(size=SIDE))


def maskformer(folder: Path) -> str:
    """Build a MaskFormer, which segments objects as well as areas."""
    backbone = transformers.SwinConfig(
        image_size=32,
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 1, 1],
        window_size=2,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    decoder = transformers.DetrConfig(
        d_model=16,
        num_queries=4,
        encoder_layers=1,
        decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=16,
    )
    config = transformers.MaskFormerConfig(
        backbone_config=backbone,
        decoder_config=decoder,
        fpn_feature_size=32,
        mask_feature_size=16,
        **label_config(),
    )
    image_processor = transformers.MaskFormerImageProcessorPil(size={"height": 64, "width": 64})
    return save_model(
        folder,
        make_network(transformers.MaskFormerForInstanceSegmentation, config),
        image_processor,
    )


def captioner(folder: Path) -> str:
    """Build a captioner from a ViT and a BERT, without a processor config."""
    small = {name: SMALL[name] for name in list(SMALL)[1:5]}
    encoder = transformers.ViTConfig(**small, **VISION)
    decoder = transformers.BertConfig(**SMALL, is_decoder=True, add_cross_attention=True)
    config = transformers.VisionEncoderDecoderConfig(
        encoder=encoder.to_dict(), decoder=decoder.to_dict()
    )
    network = make_network(transformers.VisionEncoderDecoderModel, config)
    network.generation_config.update(
        decoder_start_token_id=2, eos_token_id=3, pad_token_id=0, max_length=8
    )
    return save_model(
        folder, network, transformers.ViTImageProcessorPil(size=SIDE), word_tokenizer()
    )


def vilt(folder: Path) -> str:
    """Build a ViLT with three answers."""
    config = transformers.ViltConfig(**SMALL, **VISION, **label_config())
    image_processor = transformers.ViltImageProcessorPil(size={"shortest_edge": 16}, size_divisor=8)
    tokenizer = transformers.BertTokenizer(vocab={word: i for i, word in enumerate(WORDS)})
    tokenizer.model_max_length = 40
    network = make_network(transformers.ViltForQuestionAnswering, config)
    return save_model(folder, network, transformers.ViltProcessor(image_processor, tokenizer))


IMAGE_TEMPLATE = (
    "{% for message in messages %}{% for part in message.content %}"
    "{% if part.type == 'image' %}<image>{% else %} {{ part.text }} {% endif %}"
    "{% endfor %}{% endfor %}"
)


def llava(folder: Path) -> str:
    """Build a LLaVA that converses about images."""
    tokenizer = word_tokenizer("$A", "$A $B")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    vision = {**VISION, **{name: CLIP_TEXT[name] for name in list(CLIP_TEXT)[1:5]}}
    text = {**SMALL, "vocab_size": len(tokenizer), "eos_token_id": 3, "pad_token_id": 0}
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**vision),
        text_config=transformers.LlamaConfig(**text),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    image_processor = transformers.CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size=SIDE)
    processor = transformers.LlavaProcessor(
        image_processor,
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=IMAGE_TEMPLATE,
    )
    network = make_network(transformers.LlavaForConditionalGeneration, config)
    network.generation_config.max_new_tokens = 6
    return save_model(folder, network, processor)


def layoutlm(folder: Path) -> str:
    """Build a LayoutLM that answers from a page's words and their boxes."""
    config = transformers.LayoutLMConfig(**SMALL, num_labels=2)
    tokenizer = transformers.LayoutLMTokenizer(vocab={word: i for i, word in enumerate(WORDS)})
    tokenizer.model_max_length = 64
    network = make_network(transformers.LayoutLMForQuestionAnswering, config)
    return save_model(folder, network, tokenizer)


def wav2vec(folder: Path, kind: str) -> str:
    """Build a Wav2Vec2 of this class, at 16 kHz."""
    letters = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4, "A": 5, "B": 6, "C": 7}
    config = transformers.Wav2Vec2Config(
        **{**SMALL, "vocab_size": len(letters)},
        conv_dim=[16, 16],
        conv_stride=[10, 16],
        conv_kernel=[10, 16],
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        classifier_proj_size=16,
        **label_config(),
    )
    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps(letters))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json"))
    network = make_network(getattr(transformers, kind), config)
    return save_model(folder, network, transformers.Wav2Vec2FeatureExtractor(), tokenizer)


def whisper(folder: Path) -> str:
    """Build a Whisper that writes words, with times on request."""
    text = [*"abcdefgh", "Ġ"]
    special = [END, "<|startoftranscript|>", "<|en|>", "<|de|>", "<|translate|>"]
    special += ["<|transcribe|>", "<|startofprev|>", "<|notimestamps|>"]
    special += [f"<|{index * 0.02:.2f}|>" for index in range(1501)]
    tokenizer = transformers.WhisperTokenizer(
        vocab={token: index for index, token in enumerate(text)},
        merges=[],
        unk_token=END,
        bos_token=END,
        eos_token=END,
        additional_special_tokens=special[1:],
    )
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in special}
    config = transformers.WhisperConfig(
        vocab_size=len(tokenizer),
        **PAIR,
        max_source_positions=100,
        max_target_positions=32,
        num_mel_bins=8,
        decoder_start_token_id=ids[special[1]],
        bos_token_id=ids[END],
        eos_token_id=ids[END],
        pad_token_id=ids[END],
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    network = make_network(transformers.WhisperForConditionalGeneration, config)
    network.generation_config._from_model_config = False
    vars(network.generation_config).update(
        is_multilingual=True,
        lang_to_id={name: ids[name] for name in ("<|en|>", "<|de|>")},
        task_to_id={name: ids[f"<|{name}|>"] for name in ("transcribe", "translate")},
        no_timestamps_token_id=ids["<|notimestamps|>"],
        prev_sot_token_id=ids["<|startofprev|>"],
        max_length=16,
        alignment_heads=[[0, 0]],
    )
    return save_model(
        folder,
        network,
        transformers.WhisperFeatureExtractor(feature_size=8, chunk_length=2),
        tokenizer,
    )


def vits(folder: Path) -> str:
    """Build a VITS that speaks letters."""
    letters = {letter: index for index, letter in enumerate("_ abcdefghilmnoprstuw")}
    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps(letters))
    tokenizer = transformers.VitsTokenizer(
        str(folder / "vocab.json"), pad_token="_", unk_token=" ", phonemize=False
    )
    config = transformers.VitsConfig(
        vocab_size=len(letters),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        ffn_dim=16,
        flow_size=16,
        spectrogram_bins=9,
        upsample_initial_channel=16,
        upsample_rates=[4, 4],
        upsample_kernel_sizes=[8, 8],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1]],
        prior_encoder_num_wavenet_layers=1,
        posterior_encoder_num_wavenet_layers=1,
        duration_predictor_num_flows=1,
        depth_separable_num_layers=1,
        prior_encoder_num_flows=1,
        wavenet_layers=1,
    )
    return save_model(folder, make_network(transformers.VitsModel, config), tokenizer)


def encodec(folder: Path, extractor: Any = None, **settings: Any) -> str:
    """Build an EnCodec, at 24 kHz unless `extractor` and `settings` change it."""
    sizes = {"num_filters": 4, "hidden_size": 8, "codebook_dim": 8, "codebook_size": 16}
    shape = {**sizes, "upsampling_ratios": [4, 4], "num_lstm_layers": 1}
    config = transformers.EncodecConfig(**{**shape, "target_bandwidths": [24.0], **settings})
    extractor = extractor or transformers.EncodecFeatureExtractor()
    return save_model(folder, make_network(transformers.EncodecModel, config), extractor)


CLIP_SHAPE = {"hidden_act": "quick_gelu", "projection_dim": 16}


def stable_diffusion(folder: Path) -> str:
    """Build a Stable Diffusion that generates 32 x 32 pixels."""
    torch.manual_seed(0)
    unet = diffusers.UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(4, 8),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=2,
        norm_num_groups=2,
    )
    vae = diffusers.AutoencoderKL(
        block_out_channels=[4, 8],
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        latent_channels=4,
        norm_num_groups=2,
    )
    text = transformers.CLIPTextModel(transformers.CLIPTextConfig(**CLIP_TEXT))
    return save_model(
        folder,
        diffusers.StableDiffusionPipeline(
            vae=vae,
            text_encoder=text,
            tokenizer=letter_tokenizer(folder),
            unet=unet,
            scheduler=diffusers.DDIMScheduler(steps_offset=1, clip_sample=False),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        ),
    )


def ltx(folder: Path, kind: str) -> str:
    """Build an LTX-Video pipeline of this class: videos from texts or from images."""
    torch.manual_seed(0)
    transformer = diffusers.LTXVideoTransformer3DModel(
        in_channels=8,
        out_channels=8,
        num_attention_heads=2,
        attention_head_dim=8,
        cross_attention_dim=16,
        num_layers=1,
        caption_channels=16,
    )
    vae = diffusers.AutoencoderKLLTXVideo(
        latent_channels=8,
        block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, False, False),
        decoder_spatio_temporal_scaling=(True, True, False, False),
        decoder_inject_noise=(False, False, False, False, False),
        upsample_residual=(False, False, False, False),
        upsample_factor=(1, 1, 1, 1),
        timestep_conditioning=False,
        patch_size=1,
        patch_size_t=1,
        encoder_causal=True,
        decoder_causal=False,
    )
    vae.use_framewise_encoding = vae.use_framewise_decoding = False
    text = transformers.T5EncoderModel(transformers.T5Config(vocab_size=len(WORDS), **T5))
    pipeline = getattr(diffusers, kind)(
        transformer=transformer,
        vae=vae,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        text_encoder=text,
        tokenizer=word_tokenizer("$A [SEP]"),
    )
    return save_model(folder, pipeline)
