"""Inputs and parameters of every task, drawn by hypothesis."""

from typing import Any

from hypothesis import strategies as st

from tests.plugins.sample_media import encode_image, make_image, make_wav

WORDS = st.text(min_size=1, max_size=12)
WHOLE = st.integers(1, 512)
SEED = st.integers(0, 2**64)
SHARE = st.floats(0, 2, allow_nan=False)
FLAG = st.booleans()
LIST = st.lists(WORDS, max_size=3)
SIZE = st.fixed_dictionaries({"width": WHOLE, "height": WHOLE})
EXTRA = st.dictionaries(
    st.sampled_from(["x_one", "x_two", "x_three"]),
    st.one_of(WHOLE, WORDS, FLAG, st.lists(WHOLE, max_size=2), st.dictionaries(WORDS, WHOLE)),
    max_size=3,
)


PICTURE = make_image((3, 2))
PNG, JPEG, WAV = encode_image(PICTURE), encode_image(PICTURE, "JPEG"), make_wav(0.01)
PICTURES = st.sampled_from([PNG, JPEG])

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
NAMED = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
LOOSE = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
TOOL = {
    "type": "function",
    "function": {"name": "f", "description": "does f", "parameters": SCHEMA},
}
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
MESSAGES = st.sampled_from(
    [
        [{"role": "user", "content": "Hello"}],
        [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Grüße 🙂"}],
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
                ],
            }
        ],
        [
            {"role": "user", "content": "Use f"},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "1", "content": "2"},
        ],
    ]
)


def some(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any choice of these keywords."""
    return st.fixed_dictionaries({}, optional=strategies)


CHAT = some(
    frequency_penalty=SHARE,
    logit_bias=st.lists(SHARE, max_size=2),
    logprobs=FLAG,
    max_tokens=WHOLE,
    n=WHOLE,
    presence_penalty=SHARE,
    response_format=st.sampled_from([NAMED, LOOSE, {"type": "text"}, {"type": "json_object"}]),
    seed=SEED,
    stop=LIST,
    stream=FLAG,
    stream_options=st.just({"include_usage": True}),
    temperature=SHARE,
    tool_choice=st.sampled_from(["auto", "none", "required", {"function": {"name": "f"}}]),
    tools=st.just([TOOL]),
    top_logprobs=WHOLE,
    top_p=SHARE,
    extra_body=EXTRA,
)

GENERATION = some(
    details=FLAG,
    adapter_id=WORDS,
    best_of=WHOLE,
    do_sample=FLAG,
    frequency_penalty=SHARE,
    grammar=st.just({"type": "json", "value": SCHEMA}),
    max_new_tokens=WHOLE,
    repetition_penalty=SHARE,
    return_full_text=FLAG,
    seed=SEED,
    stop=LIST,
    stream=FLAG,
    temperature=SHARE,
    top_k=WHOLE,
    top_n_tokens=WHOLE,
    top_p=SHARE,
    truncate=WHOLE,
    typical_p=SHARE,
    watermark=FLAG,
)

EMBEDDING = some(
    normalize=FLAG,
    prompt_name=WORDS,
    truncate=FLAG,
    truncation_direction=st.sampled_from(["left", "right"]),
    dimensions=WHOLE,
    encoding_format=st.sampled_from(["float", "base64"]),
)

DRAWING = some(
    negative_prompt=WORDS,
    height=WHOLE,
    width=WHOLE,
    num_inference_steps=WHOLE,
    guidance_scale=SHARE,
    scheduler=WORDS,
    seed=SEED,
    extra_body=EXTRA,
)

REDRAWING = some(
    prompt=WORDS,
    negative_prompt=WORDS,
    num_inference_steps=WHOLE,
    guidance_scale=SHARE,
    target_size=SIZE,
)

FILMING = some(
    guidance_scale=SHARE,
    negative_prompt=LIST,
    num_frames=WHOLE,
    num_inference_steps=WHOLE,
    seed=SEED,
    extra_body=EXTRA,
)

FILMING_FROM = some(
    prompt=WORDS,
    negative_prompt=WORDS,
    num_frames=WHOLE,
    num_inference_steps=WHOLE,
    guidance_scale=SHARE,
    seed=SEED,
    target_size=SIZE,
)

SPEAKING = some(
    do_sample=FLAG,
    max_new_tokens=WHOLE,
    num_beams=WHOLE,
    temperature=SHARE,
    top_k=WHOLE,
    use_cache=FLAG,
    extra_body=EXTRA,
)

ANSWERING = some(
    align_to_words=FLAG,
    doc_stride=WHOLE,
    handle_impossible_answer=FLAG,
    max_answer_len=WHOLE,
    max_question_len=WHOLE,
    max_seq_len=WHOLE,
    top_k=WHOLE,
)
PAPERS = some(
    doc_stride=WHOLE,
    handle_impossible_answer=FLAG,
    lang=WORDS,
    max_answer_len=WHOLE,
    max_question_len=WHOLE,
    max_seq_len=WHOLE,
    top_k=WHOLE,
)
LABELS = st.lists(WORDS, min_size=2, max_size=3, unique=True)
REWRITING = some(
    clean_up_tokenization_spaces=FLAG,
    generate_parameters=st.just({"num_beams": 2}),
    truncation=st.sampled_from(["do_not_truncate", "longest_first"]),
)
TABLE = st.just({"Name": ["Ada", "Bob"], "Age": ["36", "41"]})
TRANSFORM = st.sampled_from(["sigmoid", "softmax", "none"])

TASKS: dict[str, tuple[st.SearchStrategy[Any], st.SearchStrategy[dict[str, Any]]]] = {
    "chat-completion": (st.tuples(MESSAGES), CHAT),
    "text-generation": (st.tuples(WORDS), GENERATION),
    "feature-extraction": (st.tuples(st.one_of(WORDS, st.lists(WORDS, min_size=1))), EMBEDDING),
    "text-to-image": (st.tuples(WORDS), DRAWING),
    "image-to-image": (st.tuples(PICTURES), REDRAWING),
    "text-to-video": (st.tuples(WORDS), FILMING),
    "image-to-video": (st.tuples(PICTURES), FILMING_FROM),
    "text-to-speech": (st.tuples(WORDS), SPEAKING),
    "automatic-speech-recognition": (st.tuples(st.just(WAV)), some(extra_body=EXTRA)),
    "image-segmentation": (
        st.tuples(PICTURES),
        some(
            mask_threshold=SHARE,
            overlap_mask_area_threshold=SHARE,
            subtask=st.sampled_from(["instance", "panoptic", "semantic"]),
            threshold=SHARE,
        ),
    ),
    "audio-classification": (
        st.tuples(st.just(WAV)),
        some(top_k=WHOLE, function_to_apply=TRANSFORM),
    ),
    "audio-to-audio": (st.tuples(st.just(WAV)), st.just({})),
    "document-question-answering": (st.tuples(PICTURES, WORDS), PAPERS),
    "fill-mask": (st.tuples(WORDS), some(targets=LIST, top_k=WHOLE)),
    "image-classification": (st.tuples(PICTURES), some(function_to_apply=TRANSFORM, top_k=WHOLE)),
    "image-to-text": (st.tuples(PICTURES), st.just({})),
    "object-detection": (st.tuples(PICTURES), some(threshold=SHARE)),
    "question-answering": (st.tuples(WORDS, WORDS), ANSWERING),
    "sentence-similarity": (st.tuples(WORDS, st.lists(WORDS, min_size=1)), st.just({})),
    "summarization": (st.tuples(WORDS), REWRITING),
    "table-question-answering": (
        st.tuples(TABLE, WORDS),
        some(
            padding=st.sampled_from(["do_not_pad", "longest", "max_length"]),
            sequential=FLAG,
            truncation=FLAG,
        ),
    ),
    "tabular-classification": (st.tuples(TABLE), st.just({})),
    "text-classification": (st.tuples(WORDS), some(top_k=WHOLE, function_to_apply=TRANSFORM)),
    "token-classification": (
        st.tuples(WORDS),
        some(
            aggregation_strategy=st.sampled_from(["none", "simple", "first", "average", "max"]),
            ignore_labels=LIST,
            stride=WHOLE,
        ),
    ),
    "translation": (
        st.tuples(WORDS),
        st.one_of(
            REWRITING,
            st.fixed_dictionaries({"src_lang": WORDS, "tgt_lang": WORDS}),
        ),
    ),
    "visual-question-answering": (st.tuples(PICTURES, WORDS), some(top_k=WHOLE)),
    "zero-shot-classification": (
        st.tuples(WORDS, LABELS),
        some(multi_label=FLAG, hypothesis_template=WORDS),
    ),
    "zero-shot-image-classification": (
        st.tuples(PICTURES, LABELS),
        some(hypothesis_template=WORDS),
    ),
}
"""The positional inputs and the keywords of each task that the peer has."""
