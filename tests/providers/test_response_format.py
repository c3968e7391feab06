"""Answers in a form: JSON schemas, dataclasses and pydantic models, as each provider wants them."""

import enum
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict

import pydantic
import pytest
from typing_extensions import TypedDict as ExtendedTypedDict

from hfwidgets import InferenceClient, errors
from tests.plugins.loopback import Loopback, chat_answer

HELLO = [{"role": "user", "content": "Hello"}]
WORD = {"type": "string"}


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Place:
    name: str
    at: tuple[float, float]


@dataclass
class Trip:
    title: str
    days: int
    price: float | None
    stops: list[Place]
    kind: Literal["walk", "ride"]
    colour: Colour
    notes: dict[str, str] = field(default_factory=dict)
    ok: Annotated[bool, "whether it went well"] = True


TRIP = {
    "type": "object",
    "properties": {
        "title": WORD,
        "days": {"type": "integer"},
        "price": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "stops": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": WORD,
                    "at": {
                        "type": "array",
                        "prefixItems": [{"type": "number"}, {"type": "number"}],
                        "minItems": 2,
                        "items": False,
                    },
                },
                "required": ["name", "at"],
                "additionalProperties": False,
            },
        },
        "kind": {"enum": ["walk", "ride"]},
        "colour": {"enum": ["red", "blue"]},
        "notes": {"type": "object", "additionalProperties": WORD},
        "ok": {"type": "boolean"},
    },
    "required": ["title", "days", "price", "stops", "kind", "colour", "notes", "ok"],
    "additionalProperties": False,
}


def asked(provider: str, form: Any, loopback: Loopback, path: str = "/v1") -> Any:
    loopback.route("POST", f"/x{path}/chat/completions", chat_answer("{}"))
    with InferenceClient(
        "org/model",
        provider=provider,
        token="own-key",
        mapping={"org/model": {provider: "m"}},
        hosts={provider: f"{loopback.url}/x"},
    ) as client:
        client.chat_completion(HELLO, response_format=form)
    return loopback.requests[-1].json()["response_format"]


def test_a_dataclass(loopback: Loopback) -> None:
    form = asked("groq", Trip, loopback, "/openai/v1")
    assert form == {
        "type": "json_schema",
        "json_schema": {"name": "Trip", "schema": TRIP, "strict": True},
    }


class Stop(TypedDict):
    place: Place
    nights: NotRequired[int]


class Journey(ExtendedTypedDict, total=False):
    stops: Required[list[Stop]]
    mood: Annotated[str, "in a word"]


@dataclass
class Year:
    journey: Journey


def test_a_typed_dict(loopback: Loopback) -> None:
    place = TRIP["properties"]["stops"]["items"]
    stop = {
        "type": "object",
        "properties": {"place": place, "nights": {"type": "integer"}},
        "required": ["place"],
        "additionalProperties": False,
    }
    journey = {
        "type": "object",
        "properties": {"stops": {"type": "array", "items": stop}, "mood": WORD},
        "required": ["stops"],
        "additionalProperties": False,
    }
    form = asked("groq", Journey, loopback, "/openai/v1")
    assert form == {"type": "json_schema", "json_schema": {"name": "Journey", "schema": journey}}
    form = asked("groq", Year, loopback, "/openai/v1")["json_schema"]
    assert form["schema"]["properties"] == {"journey": journey}
    assert "strict" not in form, "strict schemas have no optional properties"


def test_a_typed_dict_without_optional_keys_is_strict(loopback: Loopback) -> None:
    class Point(TypedDict):
        x: float
        required: list[str]

    form = asked("groq", Point, loopback, "/openai/v1")["json_schema"]
    assert form["strict"] is True
    assert form["schema"]["required"] == ["x", "required"]


def test_a_pydantic_model(loopback: Loopback) -> None:
    class Answer(pydantic.BaseModel):
        value: int

    form = asked("groq", Answer, loopback, "/openai/v1")
    schema = Answer.model_json_schema()
    assert form == {"type": "json_schema", "json_schema": {"name": "Answer", "schema": schema}}


def test_a_bare_schema(loopback: Loopback) -> None:
    schema = {"title": "My answer!", "type": "object", "properties": {"a": WORD}}
    form = asked("groq", schema, loopback, "/openai/v1")
    assert form["json_schema"] == {"name": "My_answer_", "schema": schema}
    schema = {**schema, "title": "n" * 100}
    form = asked("groq", schema, loopback, "/openai/v1")
    assert form["json_schema"]["name"] == "n" * 64, "services accept no longer names"


@pytest.mark.parametrize(
    "form",
    [
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json", "value": TRIP},
        {"type": "regex", "value": "[a-z]+"},
        {"type": "json_schema", "json_schema": {"name": "n", "schema": TRIP}},
    ],
)
def test_forms_stay_as_they_are(loopback: Loopback, form: Any) -> None:
    assert asked("groq", form, loopback, "/openai/v1") == form


@pytest.mark.parametrize(
    ("provider", "path", "form"),
    [
        ("together", "/v1", {"type": "json_schema", "schema": TRIP}),
        ("cohere", "/compatibility/v1", {"type": "json_object", "schema": TRIP}),
        ("fireworks-ai", "/inference/v1", {"type": "json_object", "schema": TRIP}),
        ("hf-inference", "/models/m/v1", {"type": "json_object", "value": TRIP}),
    ],
)
def test_each_provider_gets_it_its_way(
    loopback: Loopback, provider: str, path: str, form: Any
) -> None:
    assert asked(provider, Trip, loopback, path) == form


def test_what_cannot_be_said() -> None:
    @dataclass
    class Loop:
        inner: "Loop | None"

    @dataclass
    class Odd:
        value: bytes

    Loop.__annotations__["inner"] = Loop
    client = InferenceClient(base_url="http://127.0.0.1:9")
    for form, words in (
        (Loop, "Loop holds itself"),
        (Odd, "bytes in Odd cannot be expressed"),
        (3, "must be a dict.*it is 3"),
        (int, "must be a dict"),
    ):
        with pytest.raises(errors.InputTypeError, match=words):
            client.chat_completion(HELLO, response_format=form)
