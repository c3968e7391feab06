"""The audio tasks under both clients: audio in and out, transcripts with their times."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfwidgets import errors
from hfwidgets.results.audio import Audio
from hfwidgets.results.subtitles import format_time, to_srt, to_vtt
from tests.plugins.loopback import Answer, Loopback
from tests.plugins.sample_media import encode_image, make_wav

Call = Callable[..., Any]
WAV = make_wav(2.0)
CHUNKS = [
    {"text": " The ferry", "timestamp": [0.0, 0.75]},
    {"text": " leaves.\n", "timestamp": [0.75, None]},
]


def make_flac() -> bytes:
    import io

    import soundfile  # type: ignore[import-untyped]

    out = io.BytesIO()
    soundfile.write(out, Audio(WAV).array, 8000, format="FLAC")
    return out.getvalue()


def test_audio_classification(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(json=[{"label": "music", "score": 0.9}]))
    found = call("audio_classification", WAV, top_k=1)
    body = loopback.requests[0].json()
    assert base64.b64decode(body["inputs"]) == WAV
    assert body["parameters"] == {"top_k": 1}
    assert found[0].label == "music"


def test_speech_recognition(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(json={"text": "The ferry leaves."}))
    found = call("automatic_speech_recognition", WAV)
    assert loopback.requests[0].body == WAV
    assert loopback.requests[0].headers["content-type"] == "audio/wav"
    assert (found.text, found.chunks) == ("The ferry leaves.", None)
    with pytest.raises(errors.OutputError, match="return_timestamps=True"):
        found.to_srt()


def test_times_of_a_transcript(call: Call, loopback: Loopback, tmp_path: Path) -> None:
    loopback.answer(Answer(json={"text": "The ferry leaves.", "chunks": CHUNKS}))
    found = call(
        "automatic_speech_recognition",
        (Audio(WAV).array, 8000),
        return_timestamps="word",
        generation_parameters={"num_beams": 2, "top_k": None},
        extra_body={"language": "en"},
    )
    assert loopback.requests[0].json()["parameters"] == {
        "return_timestamps": "word",
        "generation_parameters": {"num_beams": 2},
        "language": "en",
    }
    first, last = found.chunks
    assert (first.timestamp, last.timestamp) == ([0.0, 0.75], [0.75, None])
    assert (first.audio.seconds, last.audio.seconds) == (0.75, 1.25)
    assert np.allclose(first.audio.array, Audio(WAV).array[:6000], atol=1e-4)
    assert found.to_srt() == (
        "1\n00:00:00,000 --> 00:00:00,750\nThe ferry\n\n2\n00:00:00,750 --> 00:00:02,000\nleaves.\n"
    )
    assert found.save(tmp_path / "a.vtt").read_text() == found.to_vtt()
    assert found.save(tmp_path / "a.txt").read_text() == "The ferry leaves."


def test_the_older_name_of_timestamps(call: Call, loopback: Loopback) -> None:
    chunk = {"text": "hi", "timestamps": [0.0, 1.0]}
    loopback.answer(Answer(json={"text": "hi", "chunks": [chunk]}))
    found = call("automatic_speech_recognition", WAV, return_timestamps=True)
    assert found.chunks[0].timestamp == [0.0, 1.0]
    assert dict(found.chunks[0]) == {"text": "hi", "timestamp": [0.0, 1.0]}


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e5), st.text()), min_size=1))
def test_subtitles_are_well_formed_for_any_text(cues: list[tuple[float, float, str]]) -> None:
    assert to_srt(cues).count(" --> ") >= len(cues)
    written = to_vtt(cues)
    assert written.startswith("WEBVTT\n\n")
    assert written.count("-->") == len(cues)


def test_the_clock() -> None:
    assert format_time(3723.0456) == "01:02:03.046"
    assert format_time(59.9999, ",") == "00:01:00,000"


def test_text_to_speech(call: Call, loopback: Loopback, tmp_path: Path) -> None:
    speech = make_flac()
    loopback.answer(Answer(body=speech, headers={"content-type": "audio/mpeg"}))
    found = call("text_to_speech", "The ferry leaves.", temperature=0.5, extra_body={"voice": "a"})
    assert loopback.requests[0].json() == {
        "inputs": "The ferry leaves.",
        "parameters": {"temperature": 0.5, "voice": "a"},
    }
    assert isinstance(found, Audio)
    assert (found, found.mime, found.sampling_rate) == (speech, "audio/flac", 8000)
    assert found.array.dtype == np.float32
    assert found.array.shape == (16_000,)
    assert found.seconds == 2.0
    assert found.meta.task == "text-to-speech"
    assert found.save(tmp_path / "a.flac").read_bytes() == speech
    assert Audio(found.save(tmp_path / "a.wav").read_bytes()).mime == "audio/wav"


@pytest.mark.parametrize(
    "answer",
    [
        {"audio": base64.b64encode(WAV).decode(), "sampling_rate": 8000},
        [{"blob": base64.b64encode(WAV).decode()}],
    ],
)
def test_speech_inside_json_is_read(call: Call, loopback: Loopback, answer: Any) -> None:
    loopback.answer(Answer(json=answer))
    assert call("text_to_speech", "hi") == WAV


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b"<html>busy</html>"),
        Answer(body=encode_image()),
        Answer(json={"error": "busy"}),
    ],
)
def test_answers_that_are_not_audio(call: Call, loopback: Loopback, answer: Answer) -> None:
    loopback.answer(answer)
    with pytest.raises(errors.OutputError):
        call("text_to_speech", "hi")


def test_audio_to_audio(call: Call, loopback: Loopback) -> None:
    blob = base64.b64encode(WAV).decode()
    loopback.answer(Answer(json=[{"label": "clean", "blob": blob, "content-type": "audio/flac"}]))
    found = call("audio_to_audio", WAV)
    assert loopback.requests[0].body == WAV
    item = found[0]
    assert (item.label, item.content_type, item.blob) == ("clean", "audio/flac", WAV)
    assert item.blob.mime == "audio/wav"  # by its bytes, not by the server's label


def test_a_bare_audio_file_is_one_track(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(body=WAV, headers={"content-type": "audio/wav"}))
    assert call("audio_to_audio", WAV)[0].blob == WAV


def test_audio_never_starts_by_itself_and_large_files_are_not_embedded() -> None:
    small = Audio(WAV)._repr_mimebundle_()["text/html"]
    assert "<audio controls" in small
    assert "autoplay" not in small
    assert "<audio" not in Audio(make_wav(140.0))._html_()
    assert (
        str(Audio(WAV)) == repr(Audio(WAV)) == "<Audio audio/wav, 2.00 s, 8,000 Hz, 32,044 bytes>"
    )


def test_audio_with_several_channels() -> None:
    both = Audio.of(np.zeros((80, 2)), 8000)
    assert both.array.shape == (80, 2)
    assert both.seconds == 0.01


def test_audio_that_cannot_be_decoded_is_an_output_error() -> None:
    odd = Audio(b"\x1aE\xdf\xa3\x01\x00B\x82\x84webm")
    assert odd.mime == "audio/webm"
    with pytest.raises(errors.OutputError, match="saved as they are"):
        _ = odd.array
    assert "audio/webm" in repr(odd)


def test_tracks_have_players_and_waveforms(call: Call, loopback: Loopback) -> None:
    blob = base64.b64encode(WAV).decode()
    parts = [
        {"label": name, "content-type": "audio/wav", "blob": blob} for name in ("voice", "<b>")
    ]
    loopback.answer(Answer(json=parts))
    found = call("audio_to_audio", WAV)
    shown = found._repr_mimebundle_()["text/html"]
    assert shown.count("<audio controls") == 2
    assert "&lt;b&gt;" in shown
    assert [axes.get_title() for axes in found.plot().axes] == ["voice", "<b>"]


def test_a_transcript_as_table_and_figure(call: Call, loopback: Loopback) -> None:
    answer = Answer(json={"text": "The ferry leaves.", "chunks": CHUNKS})
    loopback.answer(answer, Answer(json={"text": "The ferry leaves."}))
    found = call("automatic_speech_recognition", WAV, return_timestamps=True)
    frame = found.to_pandas()
    assert frame.to_dict("list") == {
        "start": [0.0, 0.75],
        "end": [0.75, 2.0],
        "text": [" The ferry", " leaves.\n"],
    }
    words = [text.get_text() for text in found.plot().axes[0].texts]
    assert words == ["The ferry", "leaves."]
    untimed = call("automatic_speech_recognition", WAV)
    for make in (untimed.to_pandas, untimed.plot):
        with pytest.raises(errors.OutputError, match="return_timestamps=True"):
            make()


@pytest.mark.parametrize("start", [b"looks like text", b"{also this", b"[1", b"<p>", b"\xfe\xffmu"])
def test_audio_without_a_signature_has_the_type_of_its_label(
    call: Call, loopback: Loopback, start: bytes
) -> None:
    samples = start + b"law samples" * 20
    loopback.answer(Answer(body=samples, headers={"content-type": "Audio/Basic; rate=8000"}))
    found = call("text_to_speech", "hi")
    assert (found, found.mime) == (samples, "audio/basic")
    assert "audio/basic" in repr(found)


def test_the_bytes_of_audio_win_over_the_label(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(body=WAV, headers={"content-type": "audio/mpeg"}))
    assert call("text_to_speech", "hi").mime == "audio/wav"
    loopback.answer(Answer(body=b"busy", headers={"content-type": "text/plain"}))
    with pytest.raises(errors.OutputError, match="text/plain: 'busy'"):
        call("text_to_speech", "hi")
    loopback.answer(Answer(json={"error": "busy"}, headers={"content-type": "audio/wav"}))
    with pytest.raises(errors.OutputError, match="busy"):
        call("text_to_speech", "hi")
    blob = base64.b64encode(b"mu-law samples").decode()
    loopback.answer(Answer(json=[{"label": "a", "content-type": "audio/basic", "blob": blob}]))
    assert call("audio_to_audio", WAV)[0].blob.mime == "audio/basic"
