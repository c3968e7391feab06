"""Ask the items of each task, and judge the answers."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hfwidgets import InferenceClient
from hfwidgets.engine import registry
from tests.engine import samples
from tests.engine.quality.photos import make_photo

ITEMS = Path(__file__).with_name("items")


@dataclass(frozen=True)
class Verdict:
    """An item with its answer."""

    item: str
    answer: str
    expected: str
    is_right: bool


def load_items(task: str) -> Any:
    """Load the items of a task."""
    return json.loads((ITEMS / f"{task.replace('-', '_')}.json").read_text("utf-8"))


def check_chat(client: InferenceClient) -> Iterator[Verdict]:
    """An answer is right if it has one of the expected forms, as regular expressions."""
    for question, accepted in load_items("chat"):
        message = {"role": "user", "content": question}
        answer = client.chat_completion([message], max_tokens=120, temperature=0).text
        is_right = any(re.search(one, answer, re.IGNORECASE) for one in accepted)
        yield Verdict(question, answer, " | ".join(accepted), is_right)


def normalize(answer: str) -> str:
    """Return an answer as questions about texts are usually judged: no articles, no punctuation."""
    words = re.sub(r"[^\w\s]", "", answer.lower()).split()
    return " ".join(word for word in words if word not in ("a", "an", "the"))


def judge_span(question: str, answer: str, accepted: Sequence[str]) -> Verdict:
    """An answer is right if it is one of the expected ones exactly."""
    is_right = normalize(answer) in map(normalize, accepted)
    return Verdict(question, answer, " | ".join(accepted), is_right)


def check_questions(client: InferenceClient) -> Iterator[Verdict]:
    for passage in load_items("question-answering"):
        for question, accepted in passage["questions"]:
            found = client.question_answering(question=question, context=passage["context"])
            yield judge_span(question, found.answer, accepted)


def check_documents(client: InferenceClient) -> Iterator[Verdict]:
    for page in load_items("document-question-answering"):
        image = samples.draw_text(page["lines"])
        for question, accepted in page["questions"]:
            found = client.document_question_answering(image, question)
            yield judge_span(question, found[0].answer if found else "", accepted)


def check_sentiment(client: InferenceClient) -> Iterator[Verdict]:
    for text, label in load_items("text-classification"):
        best = client.text_classification(text)[0]
        yield Verdict(text, f"{best.label} {best.score:.2f}", label, best.label == label)


def check_masks(client: InferenceClient) -> Iterator[Verdict]:
    """The first word counts."""
    for text, accepted in load_items("fill-mask"):
        words = [found.token_str.strip().lower() for found in client.fill_mask(text)]
        yield Verdict(text, " ".join(words), " | ".join(accepted), words[0] in accepted)


def check_tables(client: InferenceClient) -> Iterator[Verdict]:
    for group in load_items("table-question-answering"):
        for question, expected in group["questions"]:
            answer = client.table_question_answering(group["table"], question).answer
            yield Verdict(question, answer, expected, normalize(answer) == normalize(expected))


_KINDS = {"PERSON": "PER", "GPE": "LOC", "NORP": "MISC"}


def check_entities(client: InferenceClient) -> Iterator[Verdict]:
    """Each expected entity is an item; it is right with its text and its kind."""
    for text, expected in load_items("token-classification"):
        found = {
            normalize(one.word or ""): _KINDS.get(one.entity_group or "", one.entity_group)
            for one in client.token_classification(text)
        }
        for name, kind in expected.items():
            is_right = found.get(normalize(name)) == kind
            yield Verdict(f"{name} in {text}", str(found), kind, is_right)


def check_topics(client: InferenceClient) -> Iterator[Verdict]:
    for group in load_items("zero-shot-classification")["sets"]:
        for text, label in group["items"]:
            best = client.zero_shot_classification(text, group["labels"])[0]
            yield Verdict(text, f"{best.label} {best.score:.2f}", label, best.label == label)


def check_similarity(client: InferenceClient) -> Iterator[Verdict]:
    """The sentence of the same meaning has to be nearer than the one with the same words."""
    for sentence, same, other in load_items("sentence-similarity"):
        near, far = client.sentence_similarity(sentence, [same, other])
        yield Verdict(sentence, f"{near:.2f} {far:.2f}", same, near > far)


def check_reading(client: InferenceClient) -> Iterator[Verdict]:
    """A page of two lines, turned by an angle, is right if it is read without a mistake."""
    for degrees, lines in load_items("image-to-text"):
        page = samples.draw_text(lines)
        turned = page.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
        read = client.image_to_text(turned).generated_text
        expected = "\n".join(lines)
        yield Verdict(f"{degrees} degrees", read, expected, read == expected)


def check_listening(client: InferenceClient) -> Iterator[Verdict]:
    """A sentence in the engine's own voice may have one wrong word; music and noise have none."""
    for sentence in load_items("automatic-speech-recognition")["sentences"]:
        heard = client.automatic_speech_recognition(client.text_to_speech(sentence)).text
        words = samples.split_words(sentence), samples.split_words(heard)
        yield Verdict(sentence, heard, sentence, samples.count_word_errors(*words) <= 1)
    for name, content in make_speechless_audio().items():
        heard = client.automatic_speech_recognition(content).text
        yield Verdict(name, heard, "", heard == "")


def check_speaking(client: InferenceClient) -> Iterator[Verdict]:
    """Speech is right if speech recognition hears at most one word of it wrong."""
    for sentence in load_items("text-to-speech"):
        heard = client.automatic_speech_recognition(client.text_to_speech(sentence)).text
        words = samples.split_words(sentence), samples.split_words(heard)
        yield Verdict(sentence, heard, sentence, samples.count_word_errors(*words) <= 1)


def check_summaries(client: InferenceClient) -> Iterator[Verdict]:
    """A summary is right if it is at most half as long and has the sentence with the main point."""
    for text, accepted in load_items("summarization"):
        length = len(text.split()) // 2
        summary = client.summarization(
            text, generate_parameters={"max_length": length}
        ).summary_text
        sentences = re.split(r"(?<=\.) ", text)
        is_right = any(sentences[one] in summary for one in accepted)
        yield Verdict(
            sentences[accepted[0]],
            summary,
            f"at most {length} words",
            is_right and len(summary.split()) <= length,
        )


def check_image_labels(client: InferenceClient) -> Iterator[Verdict]:
    """The best label counts."""
    for photo, form, accepted in load_items("image-classification"):
        best = client.image_classification(make_photo([photo], form))[0].label
        yield Verdict(f"{photo} {form}", best, " | ".join(accepted), best in accepted)


def check_image_choices(client: InferenceClient) -> Iterator[Verdict]:
    for photo, form, label, labels in load_items("zero-shot-image-classification"):
        best = client.zero_shot_image_classification(make_photo([photo], form), labels)[0]
        yield Verdict(
            f"{photo} {form}", f"{best.label} {best.score:.2f}", label, best.label == label
        )


def check_person_masks(client: InferenceClient) -> Iterator[Verdict]:
    """A mask holds the person's face and not the upper right corner; without a person none is
    found."""
    for photo, form, face in load_items("image-segmentation"):
        image = make_photo([photo], form)
        segments = client.image_segmentation(image)
        found = [f"{one.label} {one.score:.2f}" for one in segments]
        if face is None or not segments:
            yield Verdict(f"{photo} {form}", str(found), str(face), not segments and face is None)
            continue
        mask = segments[0].mask.convert("L")
        x, y = 1 - face[0] if form == "mirrored" else face[0], face[1]
        inside = mask.getpixel((int(x * image.width), int(y * image.height)))
        corner = mask.getpixel((int((0.97 if form != "mirrored" else 0.03) * image.width), 5))
        is_right = inside == 255 and corner == 0
        yield Verdict(f"{photo} {form}", f"{found} {inside} {corner}", "255 0", is_right)


def check_faces(client: InferenceClient) -> Iterator[Verdict]:
    """The number of faces counts."""
    for photos, form, count in load_items("object-detection"):
        found = client.object_detection(make_photo(photos, form))
        answer = " ".join(f"{one.label} {one.score:.2f}" for one in found)
        yield Verdict(f"{photos} {form}", answer, str(count), len(found) == count)


def make_speechless_audio() -> dict[str, bytes]:
    """Make audio without speech, 4 s each."""
    rate = 16_000
    time = np.arange(4 * rate) / rate

    def play(*notes: float) -> NDArray[np.float64]:
        """One note after the other, with overtones that fade."""
        note = (time * len(notes) / 4).astype(int).clip(max=len(notes) - 1)
        pitch, age = np.array(notes)[note], time * len(notes) / 4 % 1
        waves = [np.sin(2 * np.pi * pitch * k * time) / k for k in (1, 2, 3, 4)]
        return np.asarray(np.sum(waves, 0) * np.exp(-2 * age) * 0.2)

    noise = np.random.default_rng(1).normal(size=len(time))
    signals = {
        "a scale": play(262, 294, 330, 349, 392, 440, 494, 523),
        "a low tune": play(110, 147, 131, 165),
        "a high tune": play(880, 988, 784, 659, 587),
        "a chord": play(262) + play(330) + play(392),
        "a long note": 0.3
        * np.sin(2 * np.pi * 220 * time)
        * (1 + np.sin(2 * np.pi * 5 * time))
        / 2,
        "white noise": 0.1 * noise,
        "waves": 0.2 * noise * (1 + np.sin(2 * np.pi * 0.3 * time)) / 2,
        "a drum": 0.5 * noise * np.exp(-12 * (time * 2 % 1)),
        "a siren": 0.3 * np.sin(2 * np.pi * (600 * time + 100 * np.sin(2 * np.pi * 0.5 * time))),
        "silence": 0 * time,
    }
    return {name: samples.encode_audio(signal, rate) for name, signal in signals.items()}


def find_claim(task: str) -> tuple[int, int]:
    """Return how many items the model that answers claims to get right, and of how many."""
    # Decided once per process, which may have had another cache then.
    registry.installed_upgrades.cache_clear()
    return registry.find_capabilities(task)[0].measured[task]


CHECKS: Mapping[str, Callable[[InferenceClient], Iterator[Verdict]]] = {
    "chat-completion": check_chat,
    "question-answering": check_questions,
    "document-question-answering": check_documents,
    "text-classification": check_sentiment,
    "fill-mask": check_masks,
    "table-question-answering": check_tables,
    "token-classification": check_entities,
    "zero-shot-classification": check_topics,
    "sentence-similarity": check_similarity,
    "image-to-text": check_reading,
    "automatic-speech-recognition": check_listening,
    "text-to-speech": check_speaking,
    "summarization": check_summaries,
    "image-classification": check_image_labels,
    "zero-shot-image-classification": check_image_choices,
    "image-segmentation": check_person_masks,
    "object-detection": check_faces,
}
"""How each task is checked, by its name on the Hub."""
