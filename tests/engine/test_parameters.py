"""Each declared parameter of each served task changes the answer or is refused by its name.

Every served task stands in the table with every parameter that its declaration has: with arguments
that must change the answer to the task's plain inputs (or to those and `others`), or with a value
that must be refused. A parameter that is missing here, or ignored by the engine, is a failure.
"""

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from hfwidgets import InferenceClient, engine_process, errors
from hfwidgets.engine.registry import list_served_tasks
from hfwidgets.tasks import TASKS
from tests.engine import samples

pytestmark = pytest.mark.usefixtures("full_weights")

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """A value that changes the answer, with the other arguments that it needs."""

    value: Any
    others: Arguments = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """A value that is refused; the error names the parameter, or its content."""

    value: Any
    named: str = ""
    others: Arguments = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """A value that changes how the answer travels; the client's result stays the same."""

    value: Any


TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
ASK = [{"role": "user", "content": "What is the capital of France?"}]
RAIN = [{"role": "user", "content": "What is the weather in Paris?"}]
HOT = {"temperature": 1.8, "seed": 3}
FREE = {"do_sample": True, "temperature": 1.8, "seed": 3}
ARTICLE = (
    "Honey bees live in large colonies. The queen lays all the eggs. Worker bees collect nectar "
    "from flowers near the hive. When a worker finds flowers it dances to show the others where "
    "they are. My cousin has a bicycle."
)
STARS = {"Repository": ["Transformers", "Tokenizers"], "Stars": ["36542", "3934"]}
IRIS = {
    "sepal length (cm)": ["5.1"],
    "sepal width (cm)": ["3.5"],
    "petal length (cm)": ["1.4"],
    "petal width (cm)": ["0.2"],
}
PATIENT = dict(
    zip(
        ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"),
        ([str(value)] for value in (59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8, 87)),
        strict=True,
    )
)

INPUTS: dict[str, Callable[[], Arguments]] = {
    "audio-classification": lambda: {"audio": samples.encode_audio(samples.make_noise(1), 16_000)},
    "audio-to-audio": lambda: {"audio": samples.encode_audio(samples.make_noise(1), 16_000)},
    "chat-completion": lambda: {"messages": ASK, "max_tokens": 24},
    "document-question-answering": lambda: {
        "image": samples.encode_image(
            samples.draw_text(["Ann Lee and Bob Ray live in Rome, near Milan"])
        ),
        "question": "Who lives in Rome?",
    },
    "feature-extraction": lambda: {"text": "apple " * 300 + "the end"},
    "fill-mask": lambda: {"text": "The capital of France is <mask>."},
    "image-classification": lambda: {"image": samples.encode_image(samples.draw_person())},
    "image-segmentation": lambda: {"image": samples.encode_image(samples.draw_face(300))},
    "image-to-image": lambda: {
        "image": samples.encode_image(samples.draw_shapes().resize((60, 40)))
    },
    "image-to-text": lambda: {"image": samples.encode_image(samples.draw_text(["Hello"]))},
    "object-detection": lambda: {"image": samples.encode_image(samples.draw_face(200))},
    "question-answering": lambda: {
        "question": "Where was Marie Curie born?",
        "context": "Marie Curie was born in the old city of Warsaw in 1867. She moved to Paris.",
    },
    "sentence-similarity": lambda: {"sentence": "a dog", "other_sentences": ["a cat", "a car"]},
    "summarization": lambda: {"text": ARTICLE},
    "table-question-answering": lambda: {"table": STARS, "query": "How many stars in all?"},
    "tabular-classification": lambda: {"table": IRIS},
    "tabular-regression": lambda: {"table": PATIENT},
    "text-classification": lambda: {"text": "I love this phone!"},
    "text-generation": lambda: {"prompt": "The capital of France is", "max_new_tokens": 12},
    "text-to-speech": lambda: {"text": "Good morning."},
    "token-classification": lambda: {"text": "Maria Lopez moved to New York in 2019."},
    "zero-shot-classification": lambda: {
        "text": "Simmer the onions in butter.",
        "candidate_labels": ["cooking", "sports"],
    },
    "zero-shot-image-classification": lambda: {
        "image": samples.encode_image(samples.draw_person()),
        "candidate_labels": ["a man", "a boat"],
    },
}

TABLE: dict[str, dict[str, Change | Form | Refused]] = {
    "audio-classification": {
        "top_k": Change(1),
        "function_to_apply": Change("none"),
    },
    "audio-to-audio": {},
    "automatic-speech-recognition": {
        "return_timestamps": Change(True),
        "generation_parameters": Change({"max_new_tokens": 3}),
        "extra_body": Refused({"language": "de"}, "language"),
    },
    "chat-completion": {
        "stream": Change(True),
        "frequency_penalty": Change(2.0),
        "logit_bias": Change({"2": -100}),  # never the token that ends the turn
        "logprobs": Change(True),
        "max_tokens": Change(2),
        "n": Change(2),
        "presence_penalty": Change(2.0),
        "response_format": Change({"type": "json_object"}),
        "seed": Change(4, {"temperature": 1.8}),
        "stop": Change(["Paris"]),
        "stream_options": Change({"include_usage": True}, {"stream": True}),
        "temperature": Change(1.8, {"seed": 3}),
        "tool_choice": Change("none", {"tools": [TOOL], "messages": RAIN}),
        "tool_prompt": Refused("Tools:"),
        "tools": Change([TOOL], {"messages": RAIN}),
        "top_logprobs": Change(2, {"logprobs": True}),
        "top_p": Change(0.01, HOT),
        "extra_body": Refused({"min_k": 3}, "min_k"),
        "extra": Refused(3, "extra"),
    },
    "document-question-answering": {
        "doc_stride": Refused(2),
        "handle_impossible_answer": Refused(True),
        "lang": Refused("fr"),
        "max_answer_len": Change(1),
        "max_question_len": Refused(9),
        "max_seq_len": Refused(9),
        "top_k": Change(2, {"image": samples.encode_image(samples.draw_text(samples.INVOICE[:3]))}),
        "word_boxes": Refused([[0, 0, 1, 1]]),
    },
    "feature-extraction": {
        "normalize": Change(False),
        "prompt_name": Refused("query"),
        "truncate": Refused(False),
        "truncation_direction": Change("left"),
        "dimensions": Refused(8),
        "encoding_format": Form("base64"),
    },
    "fill-mask": {"targets": Change(["green", "blue"]), "top_k": Change(1)},
    "image-classification": {"function_to_apply": Change("sigmoid"), "top_k": Change(1)},
    "image-segmentation": {
        "mask_threshold": Change(0.95),
        "overlap_mask_area_threshold": Refused(0.5),
        "subtask": Refused("panoptic"),
        "threshold": Change(1.0),
    },
    "image-to-image": {
        "negative_prompt": Refused("rain"),
        "num_inference_steps": Refused(9),
        "guidance_scale": Refused(2.0),
        "target_size": Change({"width": 30, "height": 20}),
        "kwargs": Refused(3, "kwargs"),
    },
    "image-to-text": {},
    "object-detection": {"threshold": Change(1.0)},
    "question-answering": {
        "align_to_words": Refused(False),
        "doc_stride": Refused(2),
        "handle_impossible_answer": Refused(True),
        "max_answer_len": Change(1),
        "max_question_len": Refused(9),
        "max_seq_len": Refused(9),
        "top_k": Change(2),
    },
    "sentence-similarity": {},
    "summarization": {
        "clean_up_tokenization_spaces": Refused(True),
        "generate_parameters": Change({"max_length": 8}),
        "truncation": Refused("only_first"),
        "parameters": Refused({"beams": 3}, "beams"),
    },
    "table-question-answering": {
        "padding": Refused("longest"),
        "sequential": Refused(True),
        "truncation": Refused(True),
    },
    "tabular-classification": {},
    "tabular-regression": {},
    "text-classification": {"top_k": Change(1), "function_to_apply": Change("none")},
    "text-generation": {
        "details": Change(True),
        "stream": Change(True),
        "adapter_id": Refused("a/b"),
        "best_of": Refused(2),
        "decoder_input_details": Refused(True, others={"details": True}),
        "do_sample": Change(False, {"temperature": 1.8, "seed": 3}),
        "frequency_penalty": Change(2.0),
        "grammar": Change({"type": "json", "value": {"type": "integer"}}),
        "max_new_tokens": Change(2),
        "repetition_penalty": Change(3.0),
        "return_full_text": Change(True),
        "seed": Change(4, {"do_sample": True, "temperature": 1.8}),
        "stop": Change(["Paris"]),
        "stop_sequences": Change(["Paris"]),
        "temperature": Change(1.8, {"do_sample": True, "seed": 3}),
        "top_k": Change(1, FREE),
        "top_n_tokens": Change(2, {"details": True}),
        "top_p": Change(0.01, FREE),
        "truncate": Change(2),
        "typical_p": Change(0.01, FREE),
        "watermark": Refused(True),
        "extra_body": Refused({"min_k": 3}, "min_k"),
    },
    "text-to-speech": {
        "do_sample": Change(False),
        **{
            name: Refused(value)
            for name, value in {
                "early_stopping": True,
                "epsilon_cutoff": 0.1,
                "eta_cutoff": 0.1,
                "max_length": 9,
                "max_new_tokens": 9,
                "min_length": 9,
                "min_new_tokens": 9,
                "num_beam_groups": 2,
                "num_beams": 2,
                "penalty_alpha": 0.1,
                "top_k": 2,
                "top_p": 0.5,
                "typical_p": 0.5,
                "use_cache": False,
            }.items()
        },
        "temperature": Change(0.0),
        "extra_body": Refused({"pitch": 3}, "pitch"),
    },
    "token-classification": {
        "aggregation_strategy": Change("none"),
        "ignore_labels": Change(["PERSON"]),
        "stride": Refused(2),
    },
    "zero-shot-classification": {
        "multi_label": Change(True),
        "hypothesis_template": Change("Nobody likes {}."),
        "labels": Refused(["a"]),  # the same as candidate_labels, which are passed, too
    },
    "zero-shot-image-classification": {
        "hypothesis_template": Change("Nobody likes {}."),
        "labels": Refused(["a"]),
    },
}


@pytest.fixture(scope="module")
def client(engine: engine_process.EngineState) -> Iterator[InferenceClient]:
    with InferenceClient(provider="local", timeout=120) as opened:
        yield opened


@pytest.fixture(scope="module")
def speech(client: InferenceClient, full_weights: Path) -> bytes:
    """Let the engine speak a sentence."""
    return bytes(client.text_to_speech("The library is closed on Sundays.", do_sample=False))


def call_task(client: InferenceClient, task: str, arguments: Arguments) -> bytes:
    """Return the answer of a call as bytes, to compare it with others."""
    answer = getattr(client, TASKS[task].method)(**arguments)
    if arguments.get("stream"):
        answer = list(answer)
    return normalize_answer(answer)


_CALLED: dict[bytes, bytes] = {}


def call_once(client: InferenceClient, task: str, arguments: Arguments) -> bytes:
    """Return the answer of a call that several tests compare with; called once."""
    key = pickle.dumps((task, arguments))
    if key not in _CALLED:
        _CALLED[key] = call_task(client, task, arguments)
    return _CALLED[key]


def normalize_answer(answer: Any) -> bytes:
    """Return the content of an answer, without the ids and times that always differ."""
    if hasattr(answer, "tobytes"):
        return b"%s %s" % (repr(getattr(answer, "size", "")).encode(), answer.tobytes())
    if isinstance(answer, dict):
        parts = [(name, normalize_answer(value)) for name, value in answer.items()]
        return pickle.dumps([part for part in parts if part[0] not in ("id", "created")])
    if isinstance(answer, list | tuple):
        return pickle.dumps([normalize_answer(part) for part in answer])
    return bytes(answer) if isinstance(answer, bytes) else repr(answer).encode()


CASES = [(task, name, case) for task, row in TABLE.items() for name, case in row.items()]


@pytest.mark.parametrize(
    ("task", "name", "case"), CASES, ids=[f"{task}-{name}" for task, name, _ in CASES]
)
def test_parameter_changes_the_answer_or_is_refused(
    client: InferenceClient, request: pytest.FixtureRequest, task: str, name: str, case: Any
) -> None:
    speaks = task == "automatic-speech-recognition"
    inputs = {"audio": request.getfixturevalue("speech")} if speaks else INPUTS[task]()
    if isinstance(case, Refused):
        with pytest.raises((errors.HfWidgetsError, TypeError)) as caught:
            call_task(client, task, inputs | case.others | {name: case.value})
        assert (case.named or name) in str(caught.value)
    elif isinstance(case, Form):
        assert call_task(client, task, inputs | {name: case.value}) == call_once(
            client, task, inputs
        )
    else:
        plain = inputs | case.others
        assert call_task(client, task, plain | {name: case.value}) != call_once(client, task, plain)


CHANCE = {("text-to-speech", "do_sample"), ("text-to-speech", "temperature")}
"""Tasks whose plain calls differ by themselves: test_full_audio.py tests their parameters."""


@pytest.mark.parametrize("task", [*INPUTS, "automatic-speech-recognition"])
def test_plain_calls_repeat_their_answer(
    client: InferenceClient, request: pytest.FixtureRequest, task: str
) -> None:
    """Answers only differ if a parameter differs: what the other tests rely on."""
    if any(task == chance for chance, _ in CHANCE):
        return
    speaks = task == "automatic-speech-recognition"
    inputs = {"audio": request.getfixturevalue("speech")} if speaks else INPUTS[task]()
    assert call_task(client, task, inputs) == call_once(client, task, inputs)


def test_table_is_complete(client: InferenceClient) -> None:
    assert set(TABLE) == set(list_served_tasks()) - {"translation"}
    for task, row in TABLE.items():
        declared = TASKS[task].signature.parameters.keys() - TASKS[task].inputs - {"model"}
        assert row.keys() == declared, task


@pytest.mark.parametrize("task", TABLE)
def test_unknown_models_are_refused(client: InferenceClient, task: str) -> None:
    arguments = INPUTS.get(task, INPUTS["audio-to-audio"])()
    with pytest.raises(errors.NotFoundError, match="some/model"):
        call_task(client, task, arguments | {"model": "some/model"})


def test_options_of_older_hub_clients(engine: engine_process.EngineState) -> None:
    url = f"{engine.url}/models/default/pipeline/text-classification"
    headers = {"Authorization": f"Bearer {engine.key}"}

    def post_options(options: Any) -> httpx.Response:
        return httpx.post(url, json={"inputs": "I love it", "options": options}, headers=headers)

    assert (
        post_options({"wait_for_model": True, "use_cache": False, "use_gpu": True}).status_code
        == 200
    )
    assert "'wait_for_modle'" in post_options({"wait_for_modle": True}).json()["error"]
    assert post_options("none").status_code == 400
