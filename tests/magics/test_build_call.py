import dataclasses
from pathlib import Path
from types import SimpleNamespace

import IPython.display
import pandas as pd
import PIL.Image
import pytest
from IPython.core.error import UsageError

from hfwidgets import notebook
from hfwidgets.errors import OutputError, UnknownTaskError
from hfwidgets.magics.build_call import Defaults, build_call
from hfwidgets.magics.options import parse_cell_magic
from hfwidgets.magics.schema import build_json_schema, build_response_format, parse_reply
from hfwidgets.magics.variables import resolve_path
from hfwidgets.notebook import Session
from hfwidgets.results import Text
from hfwidgets.results.chat import ChatCompletionOutput

FRAME = pd.DataFrame({"Name": ["a", "b"], "Height": [1, 2]})
NAMES = {
    "df": FRAME,
    "labels": ["x", "y"],
    "story": "Once upon a time.",
    "sentences": ["one", "two"],
    "settings": {"top_k": 2},
    "picture": PIL.Image.new("RGB", (2, 2)),
    "answer": Text("/etc/passwd"),
    "nothing": None,
    "number": 3,
    "display": IPython.display.Image(data=b"bytes of a file", format="png"),
    "reply": ChatCompletionOutput(choices=[{"message": {"content": "/etc/passwd"}}]),
}


def call(line, body="", session=None, **defaults):
    options = parse_cell_magic(line, body, lambda path: resolve_path(path, NAMES))
    return build_call(options, NAMES, session or Session(), Defaults(**defaults))


def fault(line, body="", **defaults):
    with pytest.raises(UsageError) as caught:
        call(line, body, **defaults)
    return str(caught.value)


def test_a_prompt_is_a_chat_with_one_message():
    made = call("org/model:hf-inference --temperature 0.5 -P seed=1 -s 'Be {{ story }}'", "Hi")
    assert made.arguments == {
        "messages": [
            {"role": "system", "content": "Be Once upon a time."},
            {"role": "user", "content": "Hi"},
        ],
        "temperature": 0.5,
        "seed": 1,
        "model": "org/model",
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert made.settings == {"provider": "hf-inference"}


def test_only_passed_parameters_are_sent():
    assert set(call("--no-stream", "Hi").arguments) == {"messages"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("org/model", ("org/model", None)),
        ("org/model:local", ("org/model", "local")),
        ("org/model:fastest", ("org/model:fastest", None)),
        ("small", ("org/m", "auto")),
        ("small:local", ("org/m:auto", "local")),
        ("http://host:8000", ("http://host:8000", None)),
        (":local", (None, "local")),
        (None, (None, None)),
    ],
)
def test_a_model_is_split_at_the_last_colon_before_a_provider(text, expected):
    assert notebook.split_model(text, {"small": "org/m:auto"}) == expected


def test_the_line_wins_over_the_defaults():
    defaults = {"model": "a/b", "provider": "local", "timeout": 9.0, "task": "summarization"}
    assert call("", "Long text", **defaults).settings == {"provider": "local", "timeout": 9.0}
    made = call("c/d -p auto --timeout 3 -t chat_completion", "Hi", **defaults)
    assert (made.model, made.settings) == ("c/d", {"provider": "auto", "timeout": 3.0})
    assert call("http://localhost:1/v1", "Hi", **defaults).settings == {"timeout": 9.0}


def test_a_task_with_one_text_takes_the_body_verbatim():
    made = call("-t summarization", "text: 'as' it is\n$story\n  {{ story }}")
    assert made.inputs == {"text": "text: 'as' it is\n$story\n  Once upon a time."}


def test_no_vars_leaves_the_braces_alone():
    assert call("-t summarization --no-vars", "{{ story }}").inputs == {"text": "{{ story }}"}


def test_headed_parts_fill_several_inputs():
    made = call(
        "-t question-answering", "question: Who {{ labels }}?\ncontext: |\n  a\n    b\n\n  c"
    )
    assert made.inputs == {"question": 'Who [\n  "x",\n  "y"\n]?', "context": "a\n  b\n\nc"}
    assert call("-t question-answering", "context: $story\nquestion: q").inputs["context"] == (
        "Once upon a time."
    )


def test_a_value_cannot_open_a_part():
    NAMES["evil"] = "x\ncontext: injected"
    made = call("-t question-answering", "question: {{ evil }}\ncontext: real")
    assert made.inputs["context"] == "real"


@pytest.mark.parametrize(
    ("body", "table"),
    [
        ("table: $df\nquestion: q", FRAME),
        ("table: {{ df }}\nquery: q", FRAME),
        ('query: q\ntable: {"a": ["1"]}', {"a": ["1"]}),
    ],
)
def test_a_table_comes_from_a_variable_or_json(body, table):
    made = call("-t table-question-answering", body)
    assert made.inputs["query"] == "q"
    assert type(made.inputs["table"]) is type(table)
    assert pd.DataFrame(made.inputs["table"]).equals(pd.DataFrame(table))


def test_a_table_comes_from_an_input_option(tmp_path):
    assert call("-t table-question-answering -i $df", "How high?").inputs["table"] is FRAME
    file = tmp_path / "t.csv"
    file.write_text("a,b\n1,2\n3,4\n")
    made = call(f"-t table-question-answering -i {file}", "How high?")
    assert made.inputs == {"table": {"a": ["1", "3"], "b": ["2", "4"]}, "query": "How high?"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("a,b\n1\n", "Row 1 of the CSV file has 1 cells; its first line names 2"),
        ("a,b\n1,2\n\n3,4,5\n", "Row 2 of the CSV file has 3 cells"),
    ],
)
def test_a_file_that_is_not_a_table_is_refused(tmp_path, content, message):
    file = tmp_path / "t.csv"
    file.write_text(content)
    with pytest.raises(UsageError, match=message):
        call(f"-t table-question-answering -i {file}", "How high?")


def test_sentences_are_a_list():
    body = "source: one\nsentences:\n  - two, three\n  - four"
    made = call("-t sentence-similarity", body)
    assert made.inputs == {"sentence": "one", "other_sentences": ["two, three", "four"]}
    body = "sentence: one\nother_sentences: $sentences"
    assert call("-t sentence-similarity", body).inputs["other_sentences"] == ["one", "two"]


@pytest.mark.parametrize("labels", ["x,y", "'x, y'", "$labels"])
def test_labels_come_from_words_or_a_list(labels):
    made = call(f"-t zero-shot-classification --labels {labels} -P multi_label=true", "text")
    assert made.inputs == {"text": "text", "candidate_labels": ["x", "y"]}
    assert made.params == {"multi_label": True}


@pytest.mark.parametrize(
    ("line", "body", "message"),
    [
        ("-t question-answering", "just text", "'question: ...' 'context: ...'"),
        ("-t question-answering", "question: x", "needs 'context'"),
        ("-t question-answering", "question: x\nquestion: y", "appears twice"),
        ("-t zero-shot-classification", "text", "--labels a,b,c"),
        ("-t table-question-answering", "query: q\ntable: {a}", "Expected JSON or $variable"),
        ("-t table-question-answering -i tabel=$df", "q", "Did you mean 'table'"),
        ("-t summarization --labels a", "x", "does not accept labels"),
        ("-t summarization", "", "needs 'text'"),
        ("-t summarization -i $story", "x", "no text is left to add"),
        ("-t summarization -c main", "x", "--chat belongs to chat-completion"),
        ("", "", "The prompt is missing"),
        ("--labels a", "x", "does not accept labels"),
        ("--new", "x", "name it with -c NAME"),
        ("-i $answer", "x", "is not read as a path"),
        ("-i $reply.choices[0].message.content", "x", "is not read as a path"),
        ("-i video=$picture", "x", "not video="),
        ("-t zero-shot-classification --labels $number", "x", "a $list, not an int"),
        ("-s @nowhere.txt", "x", "No such file"),
        ("-P temprature=1", "x", "Did you mean 'temperature'"),
        ("-P temperature", "x", "must be NAME=VALUE"),
        ("--params $labels", "x", "must be a $dict"),
        ("-t text-classification --temperature 1", "x", "has no parameter 'temperature'"),
        ("-t text-classification --params $typo", "x", "has no parameter 'topk'"),
        ("--schema $story", "x", "a DataFrame or a dict"),
        ("-m $missing", "x", "No variable 'missing'"),
    ],
)
def test_errors_name_the_cause(line, body, message):
    NAMES["typo"] = {"topk": 1}
    assert message in fault(line, body)


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("chat", "chat-completion"),
        ("conversational", "chat-completion"),
        ("sentiment-analysis", "text-classification"),
        ("ner", "token-classification"),
        ("Text_Classification", "text-classification"),
    ],
)
def test_a_task_is_known_by_its_other_names(name, task):
    assert call(f"-t {name}", "x").task.name == task


def test_a_timeout_of_zero_is_not_the_default():
    assert call("--timeout 0", "x").settings["timeout"] == 0


def test_an_unknown_task_is_named_with_the_nearest():
    with pytest.raises(UnknownTaskError, match="summarization"):
        call("-t sumarization", "x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("temperature=1", {"temperature": 1}),
        ("stop=END", {"stop": "END"}),
        ("stop=5", {"stop": 5}),
        ('stop=\'["a","b c"]\'', {"stop": ["a", "b c"]}),
        ("max-tokens=3", {"max_tokens": 3}),
        ("reasoning_effort=low", {"reasoning_effort": "low"}),
        ("tool_prompt=5", {"tool_prompt": "5"}),
        ("response_format=$settings", {"response_format": {"top_k": 2}}),
        ("seed=$nothing", {"seed": None}),
    ],
)
def test_parameters_are_json_where_the_task_accepts_it(text, expected):
    assert call(f"-P {text}", "Hi").params == expected


def test_a_list_parameter_accepts_one_value():
    assert call("-t fill-mask -P targets=Paris", "x").params == {"targets": ["Paris"]}


def test_shortcuts_use_the_task_s_own_name():
    assert call("-t text-generation --max-tokens 5", "x").params == {"max_new_tokens": 5}


def test_params_passes_on_other_parameters_of_a_chat():
    NAMES["more"] = {"brand_new": 1}
    assert call("--params $more --seed 2", "Hi").params == {"brand_new": 1, "seed": 2}


def test_a_conversation_continues_and_starts_over():
    session = Session()
    session.chats["main"] = [
        {"role": "system", "content": "old"},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
    ]
    said = [m["content"] for m in call("-c main", "c", session).inputs["messages"]]
    assert said == ["old", "a", "b", "c"]
    said = [m["content"] for m in call("-c main -s new", "c", session).inputs["messages"]]
    assert said == ["new", "a", "b", "c"]
    assert len(call("-c main --new", "c", session).inputs["messages"]) == 1
    assert len(call("--no-history", "c", session, chat="main").inputs["messages"]) == 1
    assert len(call("", "c", session, chat="main").inputs["messages"]) == 4
    assert call("", "c", session).chat is None


@pytest.mark.parametrize(
    ("line", "attached"),
    [
        ("-i $picture", NAMES["picture"]),
        ("-i image=$picture", {"type": "image", "image": NAMES["picture"]}),
        ("-i p.png", Path("p.png")),
        ("-i audio=p.raw", {"type": "audio", "audio": Path("p.raw")}),
        (
            "-i https://h.org/a.mp3?x=1",
            {"type": "audio", "audio": "https://h.org/a.mp3?x=1"},
        ),
        ("-i https://h.org/a", {"type": "image", "image": "https://h.org/a"}),
        ("-i $display", b"bytes of a file"),
    ],
)
def test_an_image_or_audio_is_attached_to_the_message(line, attached):
    [message] = call(line, "See").inputs["messages"]
    assert message["content"] == [{"type": "text", "text": "See"}, attached]


def test_an_image_in_the_text_is_attached():
    [message] = call("", "See {{ picture }}").inputs["messages"]
    said = {"type": "text", "text": "See [attachment 1]"}
    assert message["content"] == [said, NAMES["picture"]]


def test_the_fingerprint_depends_on_the_inputs_only():
    first = call("-t table-question-answering -i $df", "q").fingerprint()
    assert first == call("-t table-question-answering -i $df --timeout 3", "q").fingerprint()
    assert first != call("-t table-question-answering -i $df", "r").fingerprint()
    assert len(first) == 64


@dataclasses.dataclass
class Part:
    name: str
    size: float = 1.0


@dataclasses.dataclass
class Whole:
    title: str
    parts: list[Part]
    note: str | None = None


def test_a_dataclass_becomes_a_schema_and_comes_back():
    schema = build_json_schema(Whole)
    assert schema["required"] == ["title", "parts"]
    assert schema["properties"]["parts"]["items"]["properties"]["size"] == {"type": "number"}
    text = '```json\n{"title": "t", "parts": [{"name": "n", "size": 2}]}\n```'
    assert parse_reply(text, Whole) == Whole("t", [Part("n", 2.0)])


def test_a_pydantic_model_becomes_a_schema_and_comes_back():
    pydantic = pytest.importorskip("pydantic")
    model = pydantic.create_model("City", name=(str, ...), people=(int, ...))
    assert build_response_format(model)["json_schema"]["name"] == "City"
    assert parse_reply('{"name": "Brest", "people": 3}', model) == model(name="Brest", people=3)
    with pytest.raises(OutputError):
        parse_reply('{"name": "Brest"}', model)


@pytest.mark.parametrize("text", ["no json", '{"title": 1, "parts": []}', '{"parts": []}', "[1]"])
def test_a_reply_of_another_shape_is_an_error(text):
    with pytest.raises(OutputError, match="does not have the shape"):
        parse_reply(text, Whole)


def test_a_table_and_a_list_come_back_as_rows():
    wanted = pd.DataFrame({"name": ["x"], "people": [1], "rich": [True]})
    schema = build_json_schema(wanted)
    row = schema["properties"]["rows"]["items"]
    kinds = {"name": "string", "people": "integer", "rich": "boolean"}
    assert {name: kind["type"] for name, kind in row["properties"].items()} == kinds
    made = parse_reply('{"rows": [{"name": "Bern", "people": 2, "rich": true}]}', wanted)
    assert list(made.columns) == list(wanted.columns)
    assert made["people"].tolist() == [2]
    assert build_json_schema(list[Whole])["properties"]["rows"]["items"]["title"] == "Whole"
    assert parse_reply('{"rows": []}', list[Whole]) == []
    with pytest.raises(OutputError):
        parse_reply('{"name": "Bern"}', wanted)


def test_a_list_of_pydantic_models_keeps_their_definitions_at_the_root():
    pydantic = pytest.importorskip("pydantic")
    inner = pydantic.create_model("Inner", n=(int, ...))
    outer = pydantic.create_model("Outer", inner=(inner, ...))
    schema = build_json_schema(list[outer])
    assert "Inner" in schema["$defs"]
    assert "$defs" not in schema["properties"]["rows"]["items"]
    [made] = parse_reply('{"rows": [{"inner": {"n": 1}}]}', list[outer])
    assert made.inner.n == 1


def test_a_dict_is_used_as_a_schema_unchanged():
    schema = {"type": "object", "title": "A b"}
    assert build_response_format(schema)["json_schema"] == {
        "name": "A_b",
        "schema": schema,
        "strict": True,
    }
    assert parse_reply('{"x": 1}', schema) == {"x": 1}
    with pytest.raises(UsageError, match="not SimpleNamespace"):
        build_json_schema(SimpleNamespace())
