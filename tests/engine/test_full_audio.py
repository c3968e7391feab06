"""Speech and audio: what the engine's voice speaks, its speech recognition transcribes."""

import base64
import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import httpx
import huggingface_hub
import numpy as np
import openai
import pytest
import soundfile
import soxr

from hfwidgets import InferenceClient, engine_process, errors
from hfwidgets.engine.base import audio
from hfwidgets.engine.base.http_errors import RefusedError
from tests.engine import samples
from tests.engine.conftest import Server

pytestmark = pytest.mark.usefixtures("full_weights")

Hub = huggingface_hub.InferenceClient
SENTENCES = (
    "Please send the report to the manager before Friday.",
    "My sister bought three green apples and a loaf of bread.",
    "Scientists discovered a new planet far away from the sun.",
    "He opened the window because the room was too hot.",
)
LIBRARY = "The library is closed on Sundays and public holidays."
ASR = "automatic-speech-recognition"


@pytest.fixture(scope="module")
def speak(http: httpx.Client, full_weights: Path) -> Callable[[str], bytes]:
    """Let the engine speak texts, each once."""
    known: dict[str, bytes] = {}

    def synthesize(text: str) -> bytes:
        if text not in known:
            body = {"inputs": text, "parameters": {"do_sample": False}}  # always the same audio
            answer = http.post("/models/default/pipeline/text-to-speech", json=body)
            known[text] = answer.raise_for_status().content
        return known[text]

    return synthesize


def send_audio(http: httpx.Client, task: str, inputs: bytes, **parameters: Any) -> httpx.Response:
    body = {"inputs": base64.b64encode(inputs).decode(), "parameters": parameters}
    return http.post(f"/models/default/pipeline/{task}", json=body)


def test_speech_round_trip(hub: Hub, server: Server) -> None:
    wrong = 0
    for sentence in SENTENCES:
        recording = hub.text_to_speech(sentence, model=server.task("text-to-speech"), temperature=0)
        assert recording.startswith(b"fLaC")
        transcript = hub.automatic_speech_recognition(recording, model=server.task(ASR)).text
        wrong += samples.count_word_errors(
            samples.split_words(sentence), samples.split_words(transcript)
        )
    assert wrong <= sum(len(samples.split_words(sentence)) for sentence in SENTENCES) // 8


def test_our_own_client(engine: engine_process.EngineState) -> None:
    client = InferenceClient(provider="local")
    recording = client.text_to_speech(LIBRARY, temperature=0)
    transcript = client.automatic_speech_recognition(recording, return_timestamps=True)
    assert {"closed", "public"} <= set(samples.split_words(transcript.text))
    assert transcript.meta.model == "openai/whisper-base"
    assert "00:00:0" in transcript.to_srt()
    assert client.audio_classification(recording)[0].label == "speech"
    [clean] = client.audio_to_audio(recording)
    assert clean.label == "denoised"
    assert clean.blob.startswith(b"fLaC")
    with pytest.raises(errors.BadRequestError, match="num_beams"):
        client.text_to_speech("Hello", num_beams=5)


def test_speech_speed(http: httpx.Client, speak: Callable[[str], bytes]) -> None:
    url = "/models/default/pipeline/text-to-speech"
    slow = http.post(
        url, json={"inputs": LIBRARY, "parameters": {"speed": 0.5, "do_sample": False}}
    ).content
    usual, rate = samples.decode_audio(speak(LIBRARY))
    slowed, same = samples.decode_audio(slow)
    assert rate == same == 22_050
    assert 1.5 < len(slowed) / len(usual) < 2.5


def test_speech_sampling(http: httpx.Client) -> None:
    def synthesize_with(**parameters: Any) -> bytes:
        body = {"inputs": "Good morning.", "parameters": parameters}
        answer = http.post("/models/default/pipeline/text-to-speech", json=body)
        return answer.raise_for_status().content

    assert (
        synthesize_with(temperature=0)
        == synthesize_with(temperature=0)
        == synthesize_with(do_sample=False)
    )
    assert synthesize_with() != synthesize_with()


@pytest.mark.parametrize("text", ["", "?!", "…", "x" * 5001])
def test_unspeakable_texts(http: httpx.Client, text: str) -> None:
    answer = http.post("/models/default/pipeline/text-to-speech", json={"inputs": text})
    assert answer.status_code == 400
    assert "error" in answer.json()


def test_long_sentence_without_punctuation(http: httpx.Client) -> None:
    text = " and ".join(["apples", "pears", "plums", "figs"] * 30)
    answer = http.post("/models/default/pipeline/text-to-speech", json={"inputs": text})
    recording, rate = samples.decode_audio(answer.raise_for_status().content)
    assert len(recording) / rate > 40


def test_segment_times(http: httpx.Client, speak: Callable[[str], bytes]) -> None:
    recording = speak(f"{SENTENCES[0]} {SENTENCES[1]}")
    samples_, rate = samples.decode_audio(recording)
    answer = send_audio(http, ASR, recording, return_timestamps=True).json()
    assert "".join(chunk["text"] for chunk in answer["chunks"]).strip() == answer["text"]
    times = [moment for chunk in answer["chunks"] for moment in chunk["timestamp"]]
    assert times == sorted(times)
    assert 0 <= times[0] < 0.5
    assert len(samples_) / rate - 1.5 < times[-1] <= len(samples_) / rate + 0.1


def test_word_times(http: httpx.Client, speak: Callable[[str], bytes]) -> None:
    first, rate = samples.decode_audio(speak(SENTENCES[2]))
    pause = np.zeros(2 * rate, np.float32)
    whole = np.concatenate([first, pause, samples.decode_audio(speak(LIBRARY))[0]])
    answer = send_audio(
        http, ASR, samples.encode_audio(whole, rate), return_timestamps="word"
    ).json()
    chunks = answer["chunks"]
    assert "".join(chunk["text"] for chunk in chunks).strip() == answer["text"]
    assert all(len(chunk["text"].split()) == 1 for chunk in chunks)
    times = [moment for chunk in chunks for moment in chunk["timestamp"]]
    assert times == sorted(times)
    [planet] = [chunk["timestamp"] for chunk in chunks if "planet" in chunk["text"].lower()]
    [closed] = [chunk["timestamp"] for chunk in chunks if "closed" in chunk["text"].lower()]
    assert 0.5 < planet[0] < planet[1] < len(first) / rate
    assert len(first) / rate + 2 < closed[0] < closed[1] < len(whole) / rate - 1


def test_audio_longer_than_the_window(http: httpx.Client, speak: Callable[[str], bytes]) -> None:
    rate = samples.decode_audio(speak(LIBRARY))[1]
    pause = np.zeros(5 * rate, np.float32)
    message = [*SENTENCES, LIBRARY]
    parts = [part for text in message for part in (samples.decode_audio(speak(text))[0], pause)]
    whole = np.concatenate(parts)
    assert len(whole) / rate > 35
    answer = send_audio(
        http, ASR, samples.encode_audio(whole, rate, "FLAC"), return_timestamps=True
    ).json()
    transcript = samples.split_words(answer["text"])
    wanted = samples.split_words(" ".join(message))
    assert samples.count_word_errors(wanted, transcript) <= len(wanted) // 6
    times = [moment for chunk in answer["chunks"] for moment in chunk["timestamp"]]
    assert times == sorted(times)
    [library] = [chunk for chunk in answer["chunks"] if "closed" in chunk["text"].lower()]
    begins = sum(len(part) for part in parts[:-2]) / rate
    assert begins - 5 < library["timestamp"][0] < begins + 1  # the pause may count as its start


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 2)])
def test_formats(
    http: httpx.Client, speak: Callable[[str], bytes], kind: str, rate: int, channels: int
) -> None:
    recording, original = samples.decode_audio(speak(LIBRARY))
    places = np.arange(0, len(recording), original / rate)
    resampled = np.interp(places, np.arange(len(recording)), recording)
    content = samples.encode_audio(np.stack([resampled] * channels, 1), rate, kind)
    headers = {"Content-Type": "audio/whatever"}
    url = f"/models/default/pipeline/{ASR}"
    text = http.post(url, content=content, headers=headers).raise_for_status().json()["text"]
    assert {"closed", "public"} <= set(samples.split_words(text))


@pytest.mark.parametrize(
    "recording", [np.zeros(16_000), samples.make_noise(3, loudness=0.05), np.zeros(9)]
)
def test_audio_without_speech(http: httpx.Client, recording: samples.Samples) -> None:
    answer = send_audio(http, ASR, samples.encode_audio(recording, 16_000), return_timestamps=True)
    assert answer.json() == {"text": "", "chunks": []}


def test_generation_parameters(http: httpx.Client, speak: Callable[[str], bytes]) -> None:
    recording = speak(LIBRARY)
    whole = send_audio(
        http, ASR, recording, generation_parameters={"num_beams": 1, "temperature": 0}
    ).json()
    short = send_audio(http, ASR, recording, generation_parameters={"max_new_tokens": 4}).json()
    assert len(samples.split_words(short["text"])) < 4 < len(samples.split_words(whole["text"]))
    drawn = send_audio(
        http, ASR, recording, generation_parameters={"do_sample": True, "temperature": 0.2}
    )
    assert "closed" in drawn.json()["text"].lower()


@pytest.mark.parametrize(
    ("task", "parameters", "message"),
    [
        (ASR, {"return_timestamps": "char"}, "Possible values: True, False, 'word'"),
        (ASR, {"generation_parameters": {"typical_p": 1}}, "typical_p"),
        (ASR, {"generation_parameters": {"num_beams": 50}}, "num_beams"),
        (ASR, {"language": "de"}, "language"),
        ("audio-classification", {"top_k": 0}, "top_k"),
        ("audio-classification", {"function_to_apply": "tanh"}, "function_to_apply"),
        ("audio-to-audio", {"strength": 1}, "strength"),
    ],
)
def test_refused_parameters(
    http: httpx.Client, task: str, parameters: dict[str, Any], message: str
) -> None:
    answer = send_audio(http, task, samples.encode_audio(np.zeros(99), 16_000), **parameters)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def eleven_minutes() -> bytes:
    out = io.BytesIO()
    soundfile.write(out, np.zeros(11 * 60 * 8000, np.float32), 8000, "PCM_U8", format="WAV")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no sound at all", "cannot be read"),
        (samples.encode_audio(samples.make_noise(1), 16_000, "FLAC")[:500], "cannot be read"),
        (samples.encode_audio(np.zeros(0), 16_000), "empty"),
        (eleven_minutes(), "660 s"),
    ],
    ids=["junk", "cut", "empty", "long"],
)
@pytest.mark.parametrize("task", [ASR, "audio-classification", "audio-to-audio"])
def test_broken_audio(http: httpx.Client, task: str, content: bytes, message: str) -> None:
    headers = {"Content-Type": "audio/wav"}
    answer = http.post(f"/models/default/pipeline/{task}", content=content, headers=headers)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_too_many_channels() -> None:
    """Many channels, whose samples a file of a few megabytes can hold, are refused unread."""
    wide = io.BytesIO()
    with soundfile.SoundFile(wide, "w", 8000, 1000, "PCM_U8", format="WAV") as file:
        for _ in range(10):
            file.write(np.zeros((8000, 1000), np.float32))
    with pytest.raises(RefusedError, match="1000 channels"):
        audio.read_samples(wide.getvalue(), 16_000)


def test_samples_that_are_not_finite(http: httpx.Client) -> None:
    out = io.BytesIO()
    soundfile.write(out, np.full(999, np.nan, np.float32), 16_000, "FLOAT", format="WAV")
    answer = send_audio(http, ASR, out.getvalue())
    assert answer.status_code == 400
    assert "not finite numbers" in answer.json()["error"]


@pytest.mark.parametrize("decibels", [0, 5])
def test_denoising(hub: Hub, server: Server, speak: Callable[[str], bytes], decibels: int) -> None:
    voice, original = samples.decode_audio(speak(" ".join(SENTENCES[:2])))
    clean = np.interp(np.arange(0, len(voice), original / 16_000), np.arange(len(voice)), voice)
    hiss = samples.make_noise(len(clean) / 16_000 + 1)[: len(clean)]
    hiss *= np.sqrt((clean @ clean) / (hiss @ hiss) / 10 ** (decibels / 10))
    loud = np.abs(clean + hiss).max()
    noisy = samples.encode_audio((clean + hiss) / loud, 16_000)
    [part] = hub.audio_to_audio(noisy, model=server.task("audio-to-audio"))
    found, rate = samples.decode_audio(part.blob)
    assert rate == 16_000
    assert part.label == "denoised"
    gained = samples.compute_snr(found, clean / loud) - samples.compute_snr(
        (clean + hiss) / loud, clean / loud
    )
    assert gained > 5


def test_speech_detection(hub: Hub, server: Server, speak: Callable[[str], bytes]) -> None:
    url = server.task("audio-classification")
    tone = samples.encode_audio(np.sin(np.arange(48_000) * 0.1) * 0.3, 16_000)
    hiss = samples.encode_audio(samples.make_noise(3), 16_000)
    speech = hub.audio_classification(speak(LIBRARY), model=url)
    assert [item.label for item in speech] == ["speech", "no speech"]
    assert speech[0].score + speech[1].score == pytest.approx(1)
    for other in (tone, hiss):
        [best] = hub.audio_classification(other, model=url, top_k=1)
        assert best.label == "no speech"
        assert best.score > 0.9


def test_score_transforms(http: httpx.Client, speak: Callable[[str], bytes]) -> None:
    def scores(how: str) -> list[float]:
        answer = send_audio(http, "audio-classification", speak(LIBRARY), function_to_apply=how)
        return [item["score"] for item in answer.json()]

    raw, sigmoid, softmax = scores("none"), scores("sigmoid"), scores("softmax")
    assert raw[0] == pytest.approx(-raw[1])
    assert sigmoid == pytest.approx([1 / (1 + np.exp(-value)) for value in raw])
    assert softmax[0] == pytest.approx(1 / (1 + np.exp(-2 * raw[0])))


@pytest.mark.parametrize(
    ("kind", "head"),
    [("mp3", b"\xff"), ("flac", b"fLaC"), ("wav", b"RIFF"), ("opus", b"OggS"), ("pcm", b"")],
)
def test_openai_speech(gpt: openai.OpenAI, kind: Any, head: bytes) -> None:
    synthesize_with = gpt.audio.speech.create(
        model="tts-1", voice="joe", input=LIBRARY, response_format=kind, speed=1.2
    )
    assert synthesize_with.content.startswith(head)
    if kind == "pcm":
        content = samples.encode_audio(
            np.frombuffer(synthesize_with.content, "<i2") / 32768, 22_050
        )
    else:
        content = synthesize_with.content
    text = gpt.audio.transcriptions.create(model="whisper-1", file=("a", content)).text
    assert "closed" in text.lower()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"voice": "jo"}, "Did you mean 'joe'"),
        ({"voice": "joe", "instructions": "whisper"}, "instructions"),
        ({"voice": "joe", "response_format": "m4a"}, "'aac'"),
        ({"voice": "joe", "speed": 9}, "speed"),
    ],
)
def test_openai_speech_refuses(gpt: openai.OpenAI, options: dict[str, Any], message: str) -> None:
    with pytest.raises(openai.BadRequestError, match=message):
        gpt.audio.speech.create(model="tts-1", input="Hello", **options)


def test_openai_transcriptions(gpt: openai.OpenAI, speak: Callable[[str], bytes]) -> None:
    file = ("speech.flac", speak(LIBRARY))

    def make(**options: Any) -> Any:
        return gpt.audio.transcriptions.create(model="whisper-1", file=file, **options)

    assert "closed" in make(response_format="text").lower()
    assert re.match(
        r"1\n00:00:00,\d{3} --> 00:00:0\d,\d{3}\nThe librar", make(response_format="srt")
    )
    assert make(response_format="vtt").startswith("WEBVTT\n\n00:00:00.")
    whole = make(
        response_format="verbose_json", temperature=0, language="en", prompt="Opening hours."
    )
    assert whole.duration == pytest.approx(len(samples.decode_audio(file[1])[0]) / 22_050, abs=0.1)
    assert "closed" in whole.segments[0].text
    timed = make(response_format="verbose_json", timestamp_granularities=["word", "segment"])
    assert {"closed", "public"} <= {word.word.lower() for word in timed.words}
    assert timed.segments[0].end <= timed.duration + 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"language": "xx"}, "has af, am"),
        ({"temperature": 3}, "temperature"),
        ({"timestamp_granularities": ["word"]}, "verbose_json"),
        ({"stream": True}, "stream"),
        ({"include": ["logprobs"]}, "include"),
    ],
)
def test_openai_transcriptions_refuse(
    gpt: openai.OpenAI, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=message):
        gpt.audio.transcriptions.create(
            model="whisper-1", file=("a.wav", samples.encode_audio(np.zeros(99), 16_000)), **options
        )


def test_form_without_a_file(http: httpx.Client) -> None:
    answer = http.post("/v1/audio/transcriptions", data={"model": "whisper-1", "file": "text"})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "file"
    answer = http.post("/v1/audio/transcriptions", content=b"{}")
    assert answer.status_code == 400


def test_engine_replies_during_transcription(
    http: httpx.Client, speak: Callable[[str], bytes]
) -> None:
    rate = samples.decode_audio(speak(LIBRARY))[1]
    long = np.tile(samples.decode_audio(speak(LIBRARY))[0], 3)
    content = samples.encode_audio(long, rate, "FLAC")
    with ThreadPoolExecutor(1) as pool:
        transcript = pool.submit(send_audio, http, ASR, content)
        while not (state := http.get("/health").json())["working"] and not transcript.done():
            pass
        assert state["working"] == 1  # answered during the transcription
        assert "closed on sundays" in transcript.result().json()["text"].lower()


@pytest.mark.parametrize("voice", ["alloy", "nova", "marin"])
def test_openai_voices_stand_for_the_default(
    gpt: openai.OpenAI, full_weights: Path, voice: str
) -> None:
    reply = gpt.audio.speech.with_raw_response.create(
        model="tts-1", input="Hello", voice=voice, response_format="wav"
    )
    assert reply.content.startswith(b"RIFF")
    notice = reply.headers["x-inference-notice"]
    assert voice in notice
    assert "joe" in notice


def test_own_voice_needs_no_notice(gpt: openai.OpenAI, full_weights: Path) -> None:
    reply = gpt.audio.speech.with_raw_response.create(model="tts-1", input="Hello", voice="joe")
    assert "x-inference-notice" not in reply.headers


def test_aac_speech_is_heard(gpt: openai.OpenAI, full_weights: Path) -> None:
    speech = gpt.audio.speech.create(
        model="tts-1", voice="joe", input=LIBRARY, response_format="aac"
    )
    assert speech.content[0] == 0xFF
    assert speech.content[1] & 0xF6 == 0xF0  # an ADTS frame
    assert speech.response.headers["content-type"] == "audio/aac"
    text = gpt.audio.transcriptions.create(model="whisper-1", file=("a", speech.content)).text
    assert "closed" in text.lower()


def encode_container(samples_: samples.Samples, rate: int, form: str, codec: str) -> bytes:
    """Encode samples in a container of FFmpeg's."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples_[None].astype(np.float32), "fltp", "mono")
        frame.sample_rate = rate
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=rate)
        for part in resampler.resample(frame):
            for packet in stream.encode(part):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return file.getvalue()


@pytest.mark.parametrize(
    ("form", "codec"),
    [
        ("ipod", "aac"),  # M4A
        ("mp4", "aac"),
        ("mov", "aac"),
        ("adts", "aac"),
        ("webm", "libopus"),
        ("matroska", "aac"),  # MKA
        ("avi", "mp3"),
    ],
)
def test_other_containers(
    http: httpx.Client, speak: Callable[[str], bytes], form: str, codec: str
) -> None:
    recording, rate = samples.decode_audio(speak(LIBRARY))
    resampled = soxr.resample(recording, rate, 48_000)
    content = encode_container(resampled, 48_000, form, codec)
    text = send_audio(http, ASR, content).json()["text"]
    assert "closed" in text.lower()


def test_aac_with_an_id3_tag(http: httpx.Client, speak: Callable[[str], bytes]) -> None:
    recording, rate = samples.decode_audio(speak(LIBRARY))
    content = encode_container(soxr.resample(recording, rate, 48_000), 48_000, "adts", "aac")
    tagged = b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10) + content
    assert "closed" in send_audio(http, ASR, tagged).json()["text"].lower()


def test_stereo_in_opposite_phase(http: httpx.Client, speak: Callable[[str], bytes]) -> None:
    recording, rate = samples.decode_audio(speak(LIBRARY))
    file = io.BytesIO()
    soundfile.write(file, np.stack([recording, -recording], 1), rate, format="WAV")
    assert "closed" in send_audio(http, ASR, file.getvalue()).json()["text"].lower()


def test_playlists_open_nothing(http: httpx.Client, tmp_path: Path) -> None:
    """FFmpeg reads playlists that name files and addresses; they must never be followed."""
    secret = tmp_path / "secret.wav"
    secret.write_bytes(samples.encode_audio(samples.make_noise(1), 16_000))
    playlists = (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile {secret}\n",
    )
    for playlist in playlists:
        reply = send_audio(http, ASR, playlist.encode())
        assert reply.status_code == 400
        assert "cannot be read" in reply.json()["error"]


def test_translation_into_english(gpt: openai.OpenAI, speak: Callable[[str], bytes]) -> None:
    """English stays what it is; the model has other languages, too."""
    file = ("a", speak(LIBRARY))
    assert "closed" in gpt.audio.translations.create(model="whisper-1", file=file).text


def test_the_language_is_heard_or_set(gpt: openai.OpenAI, speak: Callable[[str], bytes]) -> None:
    def find_language(**options: Any) -> str:
        return gpt.audio.transcriptions.create(
            model="whisper-1", file=("a", speak(LIBRARY)), response_format="verbose_json", **options
        ).language

    assert find_language() == "english"
    assert find_language(language="es") == "es"
