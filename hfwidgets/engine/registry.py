"""All capabilities of the engine, and what it says of the tasks that none serves."""

from collections.abc import Mapping

from hfwidgets.engine.audio import denoise, speech, transcribe, voice
from hfwidgets.engine.base.capability import Capability
from hfwidgets.engine.base.http_errors import RefusedError
from hfwidgets.engine.chat import answers, fill_mask, generation
from hfwidgets.engine.text import (
    entities,
    minilm,
    sentiment,
    summary,
    table_answers,
    tabular,
    translate,
    zero_shot,
)
from hfwidgets.engine.vision import (
    documents,
    efficientnet,
    faces,
    ocr,
    person_segmentation,
    upscale,
    zero_shot_image,
)
from hfwidgets.errors import did_you_mean
from hfwidgets.tasks import TASKS

CAPABILITIES: tuple[Capability, ...] = (
    generation.CAPABILITY,
    minilm.CAPABILITY,
    sentiment.CAPABILITY,
    zero_shot.CAPABILITY,
    summary.CAPABILITY,
    fill_mask.CAPABILITY,
    answers.CAPABILITY,
    entities.CAPABILITY,
    table_answers.CAPABILITY,
    tabular.CAPABILITY,
    translate.CAPABILITY,
    transcribe.CAPABILITY,
    voice.CAPABILITY,
    denoise.CAPABILITY,
    speech.CAPABILITY,
    efficientnet.CAPABILITY,
    zero_shot_image.CAPABILITY,
    person_segmentation.CAPABILITY,
    faces.CAPABILITY,
    upscale.CAPABILITY,
    ocr.CAPABILITY,
    documents.CAPABILITY,
)

_REGISTERED: list[Capability] = []


def register(capability: Capability) -> None:
    """Serve a model of the user's own: for its tasks it comes before all others."""
    _REGISTERED.insert(0, capability)


def registered() -> tuple[Capability, ...]:
    """The user's own models, the preferred first."""
    return tuple(_REGISTERED)


def all_capabilities() -> tuple[Capability, ...]:
    """All that this process can serve, the preferred first."""
    return (*_REGISTERED, *CAPABILITIES)


# What clients put in place of a model's name when the server has but one.
DEFAULT_MODEL_NAMES = frozenset({"", "default", "tgi", "dummy"})

_OTHER_PROVIDER_ADVICE = "use another provider, or an endpoint of your own (model='http://...')"
_ADVICE_BY_TASK: Mapping[str, str] = {
    "translation": "install Apertium (on Debian and Ubuntu: apt install apertium-eng-spa), or "
    + _OTHER_PROVIDER_ADVICE,
    "visual-question-answering": "ask document-question-answering about text in a picture, or a "
    "chat model of another provider that sees pictures",
    "zero-shot-object-detection": "let object-detection find faces, or " + _OTHER_PROVIDER_ADVICE,
}


def find_capabilities(task: str) -> list[Capability]:
    """The capabilities that serve a task, the preferred one first; refused when there are none."""
    found = [capability for capability in all_capabilities() if task in capability.serves]
    reasons = [reason for reason in (one.why_unavailable() for one in found) if reason]
    usable = [capability for capability in found if capability.why_unavailable() is None]
    if not usable:
        raise _not_served_error(task, reasons)
    return usable


def choose_capability(model: str, task: str | None, *, own: bool = False) -> tuple[Capability, str]:
    """The capability of this model for this task, or for its own task when none is named.

    Routes that are written for the engine's own models ask for one of these alone.
    """
    if model in DEFAULT_MODEL_NAMES and not own:
        task = task or "text-generation"
        return find_capabilities(task)[0], task
    candidates = find_capabilities(task) if task else list(all_capabilities())
    if own:
        candidates = [one for one in candidates if one not in _REGISTERED]
        if model in DEFAULT_MODEL_NAMES and candidates and task:
            return candidates[0], task
    for capability in candidates:
        if model in model_names(capability):
            return capability, task or capability.main_task
    known = sorted({capability.model for capability in candidates})
    what = f" for {task}" if task else ""
    raise RefusedError(
        404,
        f"The embedded engine has no model {model!r}{what}; it has {', '.join(known)}. "
        f"Leave the model out to get the engine's own.{did_you_mean(model, known)}",
        kind="model_not_found",
        parameter="model",
    )


def model_names(capability: Capability) -> set[str]:
    """The names by which a capability's model may be asked for."""
    return {capability.model, capability.model.rpartition("/")[2], capability.name}


def list_served_tasks() -> list[str]:
    """The tasks that this engine serves, whether or not their weights are installed yet."""
    usable = [
        capability for capability in all_capabilities() if capability.why_unavailable() is None
    ]
    return sorted({task for capability in usable for task in capability.serves})


def _not_served_error(task: str, reasons: list[str]) -> RefusedError:
    """501 for a task without an honest model here, 404 for a word that is no task."""
    if task not in TASKS and task not in _ADVICE_BY_TASK:
        known = sorted(TASKS)
        return RefusedError(
            404,
            f"There is no task {task!r}.{did_you_mean(task, known)} There are: {', '.join(known)}.",
        )
    why = " ".join(reasons) or "it has no model that does it honestly"
    return RefusedError(
        501,
        f"The embedded engine does not serve {task}: {why}. It serves "
        f"{', '.join(list_served_tasks())}. "
        f"For {task}, {_ADVICE_BY_TASK.get(task, _OTHER_PROVIDER_ADVICE)}.",
        kind="not_served",
    )
