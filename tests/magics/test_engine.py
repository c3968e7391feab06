"""The magics on the embedded engine with its real weights, in a real kernel."""

import pytest

pytestmark = pytest.mark.usefixtures("engine")


def shown(book, cell):
    [output] = [out for out in book.cells[cell].outputs if out.output_type == "display_data"]
    return output


def printed(book, cell):
    return "".join(out.text for out in book.cells[cell].outputs if out.output_type == "stream")


def test_the_text_tasks_answer_in_cells(notebook):
    book = notebook(
        "%hf config provider=local",
        "%%infer answer= << --max-tokens 12 --temperature 0\nSay hello.",
        "print(repr(answer.text), answer.usage.completion_tokens)",
        "%infer -t text-classification -P top_k=1 A wonderful, lovely day.",
        "%%infer scores << -t sentence-similarity\n"
        "source: A cat sleeps.\nsentences:\n  - A kitten naps.\n  - The stock market fell.",
        "print(scores[0] > scores[1])",
        "vector = %infer -t feature-extraction A cat sleeps.",
        "print(vector.shape)",
        "%infer -t text-generation --max-tokens 5 Once upon a",
        "for row in get_ipython().run_line_magic('hf', 'usage'):\n    print(row['provider'])",
    )
    chat = shown(book, 2)
    kept = chat.metadata["hfwidgets"]
    assert kept["provider"] == "local"
    assert kept["params"] == {"temperature": 0.0, "max_tokens": 12}
    text, _, count = printed(book, 3).strip().rpartition(" ")
    assert text.strip("'\"") == chat.data["text/plain"].strip() != ""
    assert 1 <= int(count) <= 12
    assert "POSITIVE" in shown(book, 4).data["text/plain"].upper()
    assert printed(book, 6) == "True\n"
    assert printed(book, 8) == "(384,)\n"
    assert shown(book, 9).data["text/plain"]
    assert set(printed(book, 10).split()) == {"local"}


def test_a_structured_reply_comes_as_an_object(notebook):
    book = notebook(
        "import dataclasses\n@dataclasses.dataclass\nclass City:\n    name: str\n    country: str",
        "%%infer city << -p local --schema $City --max-tokens 60 --temperature 0\nDescribe Paris.",
        "print(type(city).__name__, type(city.name).__name__, bool(city.country))",
    )
    assert printed(book, 3) == "City str True\n"


def test_an_unserved_task_is_an_error_that_lists_the_served_ones(notebook):
    book = notebook("%infer -p local -t translation Good day.", allow_errors=True)
    [error] = [out for out in book.cells[1].outputs if out.output_type == "error"]
    assert "translation" in error.evalue
    assert len(error.traceback) == 1


@pytest.mark.usefixtures("full_weights")
def test_images_and_audio_answer_in_cells(notebook):
    book = notebook(
        "%hf config provider=local",
        "from hfwidgets.tasks import examples\nimage, tone = examples.harbor(), examples.tone()",
        "%infer -t image-classification -i $image",
        "%infer -t object-detection -i $image",
        "speech = %infer -t text-to-speech The ferry leaves at noon.",
        "%infer -t automatic-speech-recognition -i $speech",
        "%infer -t zero-shot-image-classification -i $image --labels 'a boat,a bicycle'",
    )
    assert "score" in shown(book, 3).data["text/html"]
    assert "image/png" in shown(book, 4).data
    assert "noon" in shown(book, 6).data["text/plain"].lower()
    assert "a boat" in shown(book, 7).data["text/plain"]
