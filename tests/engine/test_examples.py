"""The panels' examples are answered right by the model that a newcomer gets.

A change of model must not break a first impression: change the example, or the model.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from hfwidgets import InferenceClient, engine_process
from hfwidgets.engine import registry
from hfwidgets.panels.form.describe import task_examples
from hfwidgets.tasks import TASKS, examples

pytestmark = pytest.mark.usefixtures("full_weights")

Check = Callable[[Any], object]


def starts_with(label: str) -> Check:
    """The first label is this one."""
    return lambda found: found[0].label == label


def says(*words: str) -> Check:
    """The text has all of these."""
    return lambda found: all(word in str(found).lower() for word in words)


def answers(text: str) -> Check:
    """The answer of a question is this, as one record or the first of a list."""
    return lambda found: (found[0] if isinstance(found, list) else found).answer == text


def names(*words: str) -> Check:
    """Exactly these entities are found."""
    return lambda found: [entity.word for entity in found] == list(words)


def fills(*words: str) -> Check:
    """The first word for a mask is one of these."""
    return lambda found: found[0].token_str in words


def is_nearest(found: Any) -> object:
    """The first sentence, of the same meaning, is the nearest."""
    return found[0] == max(found)


EXPECTED: Mapping[str, tuple[Check, ...]] = {
    "audio-classification": (starts_with("speech"), starts_with("no speech")),
    "audio-to-audio": (lambda found: found[0].label == "denoised",),
    "automatic-speech-recognition": (says("leaves at noon and comes back before dark"),),
    "document-question-answering": (answers("100.40"), answers("2026-0142")),
    "feature-extraction": (lambda found: found.shape == (384,),) * 2,
    "fill-mask": (fills("Paris"), fills("coffee", "tea"), fills("cold")),
    "image-classification": (starts_with("analog clock"),),
    # No one is in the second image.
    "image-segmentation": (starts_with("person"), lambda found: found == []),
    "object-detection": (starts_with("face"), lambda found: found == []),
    "image-to-image": (lambda found: found.size == (1280, 840),),
    "image-to-text": (
        says("harbor supplies", "total 100.40"),
        lambda found: (found.generated_text, bool(found["reason"])) == ("", True),
    ),
    "question-answering": (answers("1881"), answers("Ines")),
    "sentence-similarity": (is_nearest, is_nearest),
    "summarization": (says("lighthouse"), says("dancing")),
    "table-question-answering": (answers("Cordouan"), answers("2502000")),
    "tabular-classification": (
        lambda found: found == ["setosa", "virginica"],
        lambda found: found == ["versicolor", "setosa", "virginica"],
    ),
    "tabular-regression": (lambda found: found[0] > 1.5 * found[1],),
    "text-classification": (
        starts_with("POSITIVE"),
        starts_with("NEGATIVE"),
        lambda found: found[0].label != "NEGATIVE",
    ),
    "text-generation": (says("was"), says("the")),
    "text-to-speech": (lambda found: found.seconds > 1,) * 2,
    "token-classification": (
        names("Marie Curie", "Warsaw", "Paris", "1891"),
        names("Charles Babbage", "London", "July 1833"),
        names("Germany", "Vienna", "Budapest", "Monday"),
    ),
    "zero-shot-classification": (starts_with("complaint"), starts_with("politics")),
    "zero-shot-image-classification": (starts_with("sailing boat"), starts_with("person")),
}
"""What is right for each example of a task, in their order.

Further examples are for models with prompts: the engine has none for them.
"""


def run_example(client: InferenceClient, task: str, number: int) -> Any:
    """Ask the engine an example as its panel does."""
    values = task_examples(TASKS[task])[number]
    return getattr(client, TASKS[task].method)(**examples.make_arguments(values))


@pytest.mark.parametrize("task", EXPECTED)
def test_every_example_is_answered_right(engine: engine_process.EngineState, task: str) -> None:
    client = InferenceClient(provider="local")
    for number, check in enumerate(EXPECTED[task]):
        found = run_example(client, task, number)
        assert check(found), (task_examples(TASKS[task])[number], found)


def test_no_task_and_no_example_is_left_out() -> None:
    # Chats have a panel of their own, and Apertium is a package of the system.
    served = set(registry.list_served_tasks()) - {"chat-completion", "translation"}
    assert served == set(EXPECTED)
    for task, checks in EXPECTED.items():
        prompted = task == "image-to-image"  # its second example is for models with a prompt
        assert len(task_examples(TASKS[task])) == len(checks) + prompted
