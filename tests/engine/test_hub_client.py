"""The Hub's official client, unchanged, through every task that the engine serves."""

import json
from typing import Any

import httpx
import huggingface_hub
import numpy as np
import pytest
from huggingface_hub.errors import HfHubHTTPError, ValidationError

from tests.engine.conftest import Server

Hub = huggingface_hub.InferenceClient


def test_chat(server: Server) -> None:
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    client = Hub(base_url=server.url, api_key=server.key)
    answer = client.chat_completion(messages, max_tokens=30, temperature=0)
    assert "Paris" in answer.choices[0].message.content
    assert answer.model == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_streamed_chat(server: Server) -> None:
    client = Hub(base_url=f"{server.url}/v1", api_key=server.key)
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    chunks = list(
        client.chat.completions.create(
            messages, stream=True, max_tokens=30, stream_options={"include_usage": True}
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "Paris" in text
    assert chunks[-1].usage.completion_tokens > 3
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"


def test_text_generation_with_details(hub: Hub, server: Server) -> None:
    output = hub.text_generation(
        "The capital of France is",
        model=server.task("text-generation"),
        max_new_tokens=4,
        details=True,
        return_full_text=True,
        top_n_tokens=2,
        seed=3,
        do_sample=False,
    )
    assert output.generated_text.startswith("The capital of France is Paris")
    assert output.details.finish_reason == "length"
    assert output.details.generated_tokens == len(output.details.tokens) == 4
    assert output.details.seed == 3
    assert "".join(token.text for token in output.details.tokens).startswith(" Paris")
    assert all(token.logprob <= 0 and token.id > 0 for token in output.details.tokens)
    assert [len(rivals) for rivals in output.details.top_tokens] == [2, 2, 2, 2]


def test_streamed_text_generation(hub: Hub, server: Server) -> None:
    events = list(
        hub.text_generation(
            "The capital of France is",
            model=server.task("text-generation"),
            max_new_tokens=5,
            stream=True,
            details=True,
            do_sample=False,
        )
    )
    assert len(events) == 5
    assert [event.generated_text for event in events[:-1]] == [None] * 4
    assert events[-1].generated_text == "".join(event.token.text for event in events)
    assert events[-1].details.finish_reason == "length"
    assert events[-1].details.input_length == 5


def test_text_generation_stop_sequences(hub: Hub, server: Server) -> None:
    output = hub.text_generation(
        "One, two, three, four,",
        model=server.task("text-generation"),
        max_new_tokens=40,
        stop=["seven"],
        details=True,
        do_sample=False,
    )
    assert output.generated_text.strip().startswith("five, six")
    assert "seven" not in output.generated_text
    assert output.details.finish_reason == "stop_sequence"


def test_text_generation_under_a_schema(hub: Hub, server: Server) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
        "required": ["city", "people"],
    }
    text = hub.text_generation(
        "A city and how many people live there, as JSON: ",
        model=server.task("text-generation"),
        max_new_tokens=200,
        grammar={"type": "json", "value": schema},
    )
    city = json.loads(text)
    assert isinstance(city["city"], str)
    assert isinstance(city["people"], int)


def test_truncated_prompts(hub: Hub, server: Server) -> None:
    events = list(
        hub.text_generation(
            "Nothing of this is read. The capital of France is",
            model=server.task("text-generation"),
            max_new_tokens=2,
            truncate=5,
            stream=True,
            details=True,
        )
    )
    assert events[-1].details.input_length == 5


def test_feature_extraction(hub: Hub, server: Server) -> None:
    url = server.task("feature-extraction")
    one = hub.feature_extraction("That is a happy person", model=url)
    assert one.shape == (384,)
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    raw = hub.feature_extraction("That is a happy person", model=url, normalize=False)
    assert np.linalg.norm(raw) != pytest.approx(1, abs=0.01)
    assert raw / np.linalg.norm(raw) == pytest.approx(one, abs=1e-5)
    both = hub.feature_extraction(["That is a happy person", "x"], model=url)
    assert both.shape == (2, 384)
    assert both[0] == pytest.approx(one, abs=1e-5)


def test_truncation(hub: Hub, server: Server) -> None:
    url = server.task("feature-extraction")
    long = "apple " * 300 + "the end"
    ends = [
        hub.feature_extraction(long, model=url, truncate=True, truncation_direction=direction)
        for direction in ("left", "right")
    ]
    assert not np.allclose(*ends)
    with pytest.raises(HfHubHTTPError, match="256 tokens"):
        hub.feature_extraction(long, model=url, truncate=False)


def test_sentence_similarity(hub: Hub, server: Server) -> None:
    others = ["That is a happy dog", "That is a very happy person", "Today is a sunny day"]
    near = hub.sentence_similarity(
        "That is a happy person", others, model=server.task("sentence-similarity")
    )
    # the values on the model's card, which are of 32-bit weights
    assert near == pytest.approx([0.695, 0.943, 0.257], abs=0.005)


def test_text_classification(hub: Hub, server: Server) -> None:
    url = server.task("text-classification")
    good = hub.text_classification("I love this phone!", model=url)
    assert [element.label for element in good] == ["POSITIVE", "NEUTRAL", "NEGATIVE"]
    assert sum(element.score for element in good) == pytest.approx(1)
    bad = hub.text_classification("The food was awful.", model=url, top_k=1)
    assert [element.label for element in bad] == ["NEGATIVE"]
    raw = hub.text_classification("I love this!", model=url, function_to_apply="none")
    assert raw[0].score == pytest.approx(-raw[2].score)
    plain = hub.text_classification("The train leaves at ten.", model=url)
    assert plain[0].label == "NEUTRAL"


def test_zero_shot_classification(hub: Hub, server: Server) -> None:
    url = server.task("zero-shot-classification")
    labels = ["cooking", "sports", "politics"]
    text = "Simmer the onions in butter until golden, then add the stock."
    one = hub.zero_shot_classification(text, labels, model=url)
    assert one[0].label == "cooking"
    assert sum(element.score for element in one) == pytest.approx(1)
    many = hub.zero_shot_classification(
        text, labels, multi_label=True, hypothesis_template="It is about {}.", model=url
    )
    assert many[0].label == "cooking"
    assert many[0].score > 0.5


def test_summarization(hub: Hub, server: Server) -> None:
    text = (
        "Honey bees live in large colonies. The queen lays all the eggs. Worker bees collect "
        "nectar from flowers near the hive. When a worker finds flowers it dances to show the "
        "others where they are. My cousin has a bicycle."
    )
    whole = hub.summarization(text, model=server.task("summarization")).summary_text
    short = hub.summarization(
        text, model=server.task("summarization"), generate_parameters={"max_length": 8}
    ).summary_text
    assert len(short.split()) < len(whole.split()) < len(text.split())
    assert all(part in text for part in whole.split(". "))
    assert "bicycle" not in whole


def test_fill_mask(hub: Hub, server: Server) -> None:
    url = server.task("fill-mask")
    words = hub.fill_mask("The capital of France is <mask>.", model=url, top_k=3)
    assert len(words) == 3
    assert "Paris" in [word.token_str for word in words]
    assert words[0].sequence == f"The capital of France is {words[0].token_str}."
    among = hub.fill_mask("Grass is [MASK].", targets=["green", "angry"], model=url)
    assert [word.token_str for word in among] == ["green", "angry"]
    assert sum(word.score for word in among) == pytest.approx(1)


def test_question_answering(hub: Hub, server: Server) -> None:
    url = server.task("question-answering")
    context = "Marie Curie was born in Warsaw in 1867. She moved to Paris in 1891 to study physics."
    answer = hub.question_answering("Where was Marie Curie born?", context, model=url)
    assert answer.answer == "Warsaw"
    assert context[answer.start : answer.end] == "Warsaw"
    several = hub.question_answering(
        "When did she move to Paris?", context, top_k=2, max_answer_len=1, model=url
    )
    assert {answer.answer for answer in several} == {"1867", "1891"}


def test_token_classification(hub: Hub, server: Server) -> None:
    url = server.task("token-classification")
    text = "Maria Lopez moved from Madrid to New York in 2019 to work for Google."
    found = hub.token_classification(text, model=url)
    assert [(one.entity_group, one.word) for one in found] == [
        ("PERSON", "Maria Lopez"),
        ("GPE", "Madrid"),
        ("GPE", "New York"),
        ("DATE", "2019"),
        ("ORG", "Google"),
    ]
    assert all(text[one.start : one.end] == one.word for one in found)
    tokens = hub.token_classification(
        text, aggregation_strategy="none", ignore_labels=["GPE", "DATE"], model=url
    )
    assert [(one.entity, one.word) for one in tokens] == [
        ("B-PERSON", "Maria"),
        ("I-PERSON", "Lopez"),
        ("B-ORG", "Google"),
    ]


def test_table_question_answering(hub: Hub, server: Server) -> None:
    url = server.task("table-question-answering")
    table = {
        "Repository": ["Transformers", "Datasets", "Tokenizers"],
        "Stars": ["36542", "4512", "3934"],
        "Programming language": ["Python", "Python", "Rust"],
    }
    one = hub.table_question_answering(
        table, "How many stars does the transformers repository have?", model=url
    )
    assert (one.answer, one.coordinates, one.cells) == ("36542", [[0, 1]], ["36542"])
    total = hub.table_question_answering(table, "What is the total number of stars?", model=url)
    assert (total.answer, total.aggregator) == ("44988", "SUM")
    rust = hub.table_question_answering(table, "Which repository uses Rust?", model=url)
    assert (rust.answer, rust["column"], rust["rows"]) == (
        "Tokenizers",
        "Repository",
        ["Tokenizers"],
    )


def test_tabular_classification(hub: Hub, server: Server) -> None:
    table = {
        "sepal length (cm)": ["5.1", "6.3"],
        "sepal width (cm)": ["3.5", "3.3"],
        "petal length (cm)": ["1.4", "6.0"],
        "petal width (cm)": ["0.2", "2.5"],
    }
    labels = hub.tabular_classification(table, model=server.task("tabular-classification"))
    assert labels == ["setosa", "virginica"]


def test_tabular_regression(http: httpx.Client) -> None:
    # posted directly: the official client has no route for this task
    names = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
    thin = (59, 2, 20.0, 75, 157, 93.2, 60, 3, 4.0, 87)
    heavy = (59, 2, 38.0, 120, 157, 93.2, 30, 5, 5.5, 87)
    data = {name: [str(a), str(b)] for name, a, b in zip(names, thin, heavy, strict=True)}
    url = "/models/default/pipeline/tabular-regression"
    low, high = http.post(url, json={"inputs": {"data": data}}).json()
    assert 25 < low < high < 346  # the range of the sample's own targets
    assert http.post(url, json={"parameters": {}, "table": data}).json() == [low, high]


UNKNOWN: list[tuple[str, str, dict[str, Any]]] = [
    ("question_answering", "doc_stride", {"question": "x?", "context": "y", "doc_stride": 2}),
    ("feature_extraction", "prompt_name", {"text": "x", "prompt_name": "query"}),
    ("token_classification", "stride", {"text": "x", "stride": 2}),
    ("summarization", "truncation", {"text": "x", "truncation": "only_first"}),
]


@pytest.mark.parametrize(("task", "name", "arguments"), UNKNOWN)
def test_parameters_are_refused_by_name(
    hub: Hub, server: Server, task: str, name: str, arguments: dict[str, Any]
) -> None:
    url = server.task(task.replace("_", "-"))
    with pytest.raises(HfHubHTTPError, match=f"does not support '{name}'") as caught:
        getattr(hub, task)(**arguments, model=url)
    assert caught.value.response.status_code == 400


@pytest.mark.parametrize("name", ["adapter_id", "decoder_input_details"])
def test_text_generation_refuses_by_name(hub: Hub, server: Server, name: str) -> None:
    url = server.task("text-generation")
    with pytest.raises(ValidationError, match=f"does not support '{name}'"):
        hub.text_generation("x", model=url, details=True, **{name: True})


def test_tasks_without_a_model(hub: Hub, server: Server) -> None:
    with pytest.raises(HfHubHTTPError, match="has no text-to-image model") as caught:
        hub.text_to_image("A cat", model=server.task("text-to-image"))
    assert caught.value.response.status_code == 501
    assert "text-classification" in str(caught.value)
