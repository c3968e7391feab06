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
from hfwidgets.errors import near
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

_BROUGHT: list[Capability] = []


def bring(capability: Capability) -> None:
    """Serve a model of the user's own: for its tasks it comes before all others."""
    _BROUGHT.insert(0, capability)


def brought() -> tuple[Capability, ...]:
    """The user's own models, the preferred first."""
    return tuple(_BROUGHT)


def everything() -> tuple[Capability, ...]:
    """All that this process can serve, the preferred first."""
    return (*_BROUGHT, *CAPABILITIES)


# What clients put in place of a model's name when the server has but one.
DEFAULTS = frozenset({"", "default", "tgi", "dummy"})

_ELSEWHERE = "use another provider, or an endpoint of your own (model='http://...')"
_INSTEAD: Mapping[str, str] = {
    "translation": "install Apertium (on Debian and Ubuntu: apt install apertium-eng-spa), or "
    + _ELSEWHERE,
    "visual-question-answering": "ask document-question-answering about text in a picture, or a "
    "chat model of another provider that sees pictures",
    "zero-shot-object-detection": "let object-detection find faces, or " + _ELSEWHERE,
}


def serving(task: str) -> list[Capability]:
    """The capabilities that serve a task, the preferred one first; refused when there are none."""
    found = [capability for capability in everything() if task in capability.serves]
    reasons = [reason for reason in (one.available() for one in found) if reason]
    usable = [capability for capability in found if capability.available() is None]
    if not usable:
        raise _unserved(task, reasons)
    return usable


def chosen(model: str, task: str | None, *, own: bool = False) -> tuple[Capability, str]:
    """The capability of this model for this task, or for its own task when none is named.

    Routes that are written for the engine's own models ask for one of these alone.
    """
    if model in DEFAULTS and not own:
        task = task or "text-generation"
        return serving(task)[0], task
    candidates = serving(task) if task else list(everything())
    if own:
        candidates = [one for one in candidates if one not in _BROUGHT]
        if model in DEFAULTS and candidates and task:
            return candidates[0], task
    for capability in candidates:
        if model in names(capability):
            return capability, task or capability.task
    known = sorted({capability.model for capability in candidates})
    what = f" for {task}" if task else ""
    raise RefusedError(
        404,
        f"The embedded engine has no model {model!r}{what}; it has {', '.join(known)}. "
        f"Leave the model out to get the engine's own.{near(model, known)}",
        kind="model_not_found",
        parameter="model",
    )


def names(capability: Capability) -> set[str]:
    """The names by which a capability's model may be asked for."""
    return {capability.model, capability.model.rpartition("/")[2], capability.name}


def served() -> list[str]:
    """The tasks that this engine serves, whether or not their weights are installed yet."""
    usable = [capability for capability in everything() if capability.available() is None]
    return sorted({task for capability in usable for task in capability.serves})


def _unserved(task: str, reasons: list[str]) -> RefusedError:
    """501 for a task without an honest model here, 404 for a word that is no task."""
    if task not in TASKS and task not in _INSTEAD:
        known = sorted(TASKS)
        return RefusedError(
            404, f"There is no task {task!r}.{near(task, known)} There are: {', '.join(known)}."
        )
    why = " ".join(reasons) or "it has no model that does it honestly"
    return RefusedError(
        501,
        f"The embedded engine does not serve {task}: {why}. It serves {', '.join(served())}. "
        f"For {task}, {_INSTEAD.get(task, _ELSEWHERE)}.",
        kind="not_served",
    )
