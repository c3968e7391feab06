"""Instructor gets structured answers from the engine."""

from typing import Any

import pytest
from pydantic import BaseModel

from tests.peers.conftest import Address

instructor = pytest.importorskip("instructor")
openai = pytest.importorskip("openai")


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@pytest.mark.parametrize("mode", ["TOOLS", "JSON_SCHEMA"])
def test_structured_answer(address: Address, mode: str) -> None:
    client: Any = instructor.from_openai(
        openai.OpenAI(base_url=address.openai_url, api_key=address.key),
        mode=getattr(instructor.Mode, mode),
    )
    person = client.chat.completions.create(
        model="default",
        response_model=Person,
        messages=[{"role": "user", "content": "Ann is 31 years old. Extract the person."}],
    )
    assert isinstance(person, Person)
