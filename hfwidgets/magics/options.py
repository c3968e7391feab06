"""Declares the options of %infer and %%infer once, for the parser, the help and completion."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from IPython.core.error import UsageError

from hfwidgets.errors import did_you_mean
from hfwidgets.errors.excerpt import name_type
from hfwidgets.magics.tokenizer import LineWord, read_word, skip_blanks, strip_quotes
from hfwidgets.magics.variables import refuse_token

FORMATS = (
    *("auto", "markdown", "text", "html", "json", "code", "math", "table", "raw"),
    *("image", "audio", "video"),
)

Lookup = Callable[[str], Any]


@dataclass(frozen=True)
class Flag:
    """One option.

    Attributes:
        names: Its spellings, a short one first.
        help: One line for the help text.
        metavar: The value's name in the help text; None for a switch.
        kind: Converts the value from text.
        repeatable: True if it may be passed more than once.
        choices: The only values it accepts; empty if any is accepted.
        defer_lookup: True if `$name` in the value is resolved by the code that uses it.
    """

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    kind: Callable[[str], Any] = str
    repeatable: bool = False
    choices: tuple[str, ...] = ()
    defer_lookup: bool = False

    @property
    def key(self) -> str:
        """Return the name under which its value is stored."""
        return self.names[-1].lstrip("-").replace("-", "_")


FLAGS = (
    Flag(("-m", "--model"), "model id, URL or alias; MODEL:PROVIDER names both", "MODEL"),
    Flag(("-t", "--task"), "task, by its name on the Hub (chat-completion)", "TASK"),
    Flag(("-p", "--provider"), "provider, 'auto' or 'local'", "PROVIDER"),
    Flag(("-s", "--system"), "system prompt; @FILE reads one", "TEXT"),
    Flag(
        ("-i", "--input"),
        "an input: $variable, path or URL; may be repeated",
        "[NAME=]SOURCE",
        repeatable=True,
        defer_lookup=True,
    ),
    Flag(("--labels",), "candidate labels for zero-shot tasks", "a,b,c|$list"),
    Flag(
        ("-P", "--param"),
        "a parameter of the task; V is JSON or else text; may be repeated",
        "K=V",
        repeatable=True,
        defer_lookup=True,
    ),
    Flag(("--params",), "parameters from a dict", "$dict"),
    Flag(("--temperature",), "sampling temperature", "NUMBER", float),
    Flag(("--max-tokens",), "most tokens to generate", "COUNT", int),
    Flag(("--top-p",), "nucleus sampling mass", "NUMBER", float),
    Flag(("--seed",), "seed of the random numbers", "NUMBER", int),
    Flag(("-f", "--format"), "how the answer is shown", "FORMAT", choices=FORMATS),
    Flag(("-o", "--out"), "assign the result to VAR", "VAR"),
    Flag(("-c", "--chat"), "continue the conversation of this name", "NAME"),
    Flag(("--new",), "start the named conversation over"),
    Flag(("--no-history",), "neither send nor store a conversation"),
    Flag(
        ("--schema",),
        "ask for JSON of this shape: pydantic model, dataclass, list of one, DataFrame or dict",
        "$Model",
    ),
    Flag(
        ("--each",),
        "one call per row of a table, a column or a list; {{ row }} in the text",
        "$df:col|$df|$list",
        defer_lookup=True,
    ),
    Flag(("--concurrency",), "with --each: maximum number of concurrent calls", "COUNT", int),
    Flag(("--batch-size",), "with --each: maximum number of rows per request", "COUNT", int),
    Flag(("--limit",), "with --each: only the first rows", "COUNT", int),
    Flag(("--resume",), "with --each: store finished rows here, and continue from there", "PATH"),
    Flag(("--compare",), "compare the answers of several models", "a,b,c|$list"),
    Flag(("--score",), "with --each: evaluate the answers against this column", "COLUMN"),
    Flag(
        ("--metric",),
        "with --score: a metric's name or function; may be repeated, the first decides",
        "NAME|$function",
        repeatable=True,
    ),
    Flag(("--judge",), "with --each --compare: a model that votes on the answers", "MODEL"),
    Flag(("--budget",), "with --each --compare: end before this many US dollars", "DOLLARS", float),
    Flag(("--cache",), "replay a recorded answer, or record a new one"),
    Flag(("--no-cache",), "send the call and record nothing"),
    Flag(("--replay",), "replay recorded answers only; send nothing"),
    Flag(("-n", "--dry-run"), "show the request, send nothing"),
    Flag(("--no-stream",), "wait for the whole answer"),
    Flag(("-q", "--quiet"), "show nothing"),
    Flag(("-v", "--verbose"), "show model, provider, time and tokens below the answer"),
    Flag(("--timeout",), "time budget of the call", "SECONDS", float),
    Flag(("--no-vars",), "leave {{ }} in the text alone"),
    Flag(("--bg",), "run in the background and return a handle at once"),
    Flag(("--insert",), "put the answer, or with -f code its code, into the next cell"),
    Flag(("--panel",), "open a panel with these values and run nothing; also with --compare"),
    Flag(("-h", "--help"), "show this help"),
)
FLAGS_BY_NAME: Mapping[str, Flag] = {name: flag for flag in FLAGS for name in flag.names}

_ASSIGN = re.compile(r"\s*([^\W\d]\w*)\s*(=?)\s*<<(?=\s|$)")
# A prompt may begin with a negative number: %infer -3 is less than what?
_NUMBER = re.compile(r"-\d|-\.\d")


@dataclass
class Options:
    """The parsed options of one magic.

    Attributes:
        values: The passed flags by key.
        target_name: The variable for the result, None without one.
        is_silent: True for `VAR <<`, which shows nothing.
        prompt: The text after the options.
    """

    values: dict[str, Any] = field(default_factory=dict)
    target_name: str | None = None
    is_silent: bool = False
    prompt: str = ""

    def __getitem__(self, key: str) -> Any:
        return self.values.get(key)

    def copy_without(self, *keys: str, **more: Any) -> "Options":
        """Return a copy without these flags, and with others."""
        kept = {key: value for key, value in self.values.items() if key not in keys}
        return replace(self, values={**kept, **more})

    def __contains__(self, key: object) -> bool:
        return key in self.values


def parse_line_magic(line: str, lookup: Lookup) -> Options:
    """Parse a line magic: options, then the prompt verbatim to the end of the line.

    Raises:
        UsageError: an unknown flag, or a missing or wrong value.
    """
    options = Options()
    end = _read_flags(line, 0, options, lookup)
    options.prompt = strip_quotes(line[end:])
    return _check_options(options)


def parse_cell_magic(line: str, cell: str, lookup: Lookup) -> Options:
    """Parse a cell magic: `VAR <<`, options and a model in the line, the prompt in the cell.

    Raises:
        UsageError: an unknown flag, a missing or wrong value, or a second model.
    """
    # Only line breaks are stripped at the start: the first line's indentation belongs to a prompt
    # that is code or a list.
    options = Options(prompt=cell.strip("\n").rstrip())
    at = _read_target(line, options)
    while (at := skip_blanks(line, _read_flags(line, at, options, lookup))) < len(line):
        at = _read_model(line, at, options, lookup)
    return _check_options(options)


def _read_target(line: str, options: Options) -> int:
    # IPython has no `x = %%infer`, so a cell magic's own line names the variable.
    found = _ASSIGN.match(line)
    if not found:
        return 0
    options.target_name, options.is_silent = found[1], not found[2]
    return found.end()


def _read_model(line: str, at: int, options: Options, lookup: Lookup) -> int:
    word = _require_closed(read_word(line, at))
    # A target that is not a plain name (`a.b <<`) was read as the model, so the message about a
    # second model would mislead.
    if word.text in ("<<", "=<<"):
        raise UsageError(
            f"Expected a variable name before <<, not {line[:at].strip()!r}. "
            "Assign a result with %%infer VAR << [MODEL] [options]."
        )
    if "model" in options:
        raise UsageError(
            f"Unexpected {word.text!r}: the line names a model already. In %%infer the line holds "
            "options and one model; the prompt goes below."
        )
    options.values["model"] = _parse_value(FLAGS_BY_NAME["-m"], word.text, lookup)
    return word.end


def _read_flags(line: str, at: int, options: Options, lookup: Lookup) -> int:
    while is_flag_start(line, at := skip_blanks(line, at)):
        word = _require_closed(read_word(line, at))
        if word.text == "--":
            return word.end
        at = _read_flag(line, word, options, lookup)
    return at


def is_flag_start(line: str, at: int) -> bool:
    """True if an option starts here: a dash, but not of a number, a list item or a text."""
    return (
        line[at : at + 1] == "-"
        and len(line) > at + 1
        and (not line[at + 1].isspace() and not _NUMBER.match(line, at))
    )


def _read_flag(line: str, word: LineWord, options: Options, lookup: Lookup) -> int:
    name, equals, text = word.text.partition("=")
    flag = find_flag(name)
    if flag.metavar is None:
        if equals:
            raise UsageError(f"{name} is a switch and has no value.")
        options.values[flag.key] = True
        return word.end
    end = word.end
    if not equals:
        text, end = _read_value_word(line, word, flag)
    _store_value(options, flag, _parse_value(flag, text, lookup))
    return end


def _read_value_word(line: str, word: LineWord, flag: Flag) -> tuple[str, int]:
    value = read_word(line, word.end)
    # A flag in a value's place means that the value was forgotten; quotes make it a value.
    if value is None or (not value.is_quoted and value.text in FLAGS_BY_NAME):
        raise UsageError(f"{word.text} needs a value: {word.text} {flag.metavar}.")
    return _require_closed(value).text, value.end


def find_flag(name: str) -> Flag:
    """Return the flag of this name.

    Raises:
        UsageError: the flag is unknown; the message suggests the nearest.
    """
    if name in FLAGS_BY_NAME:
        return FLAGS_BY_NAME[name]
    raise UsageError(
        f"Unknown option {name!r}.{did_you_mean(name, FLAGS_BY_NAME)} All options: %infer -h. "
        "A prompt that begins with a dash goes after -- or in quotes."
    )


def _store_value(options: Options, flag: Flag, value: object) -> None:
    if flag.repeatable:
        options.values.setdefault(flag.key, []).append(value)
    elif flag.key in options.values:
        raise UsageError(f"{flag.names[-1]} is passed twice.")
    else:
        options.values[flag.key] = value


def _parse_value(flag: Flag, text: str, lookup: Lookup) -> Any:
    # Before anything else: an error message must not repeat a token either.
    refuse_token(text, f"The value of {flag.names[-1]}")
    if flag.defer_lookup:
        return text
    if is_variable(text):
        return _check_variable(flag, lookup(text[1:]), text)
    try:
        return _check_choice(flag, flag.kind(text))
    except ValueError:
        raise UsageError(f"{flag.names[-1]} must be a number, not {text!r}.") from None


def is_variable(text: str) -> bool:
    """True if an option's value names a variable: `$name`, `$name.attribute`, `$name[0]`."""
    # The beginning decides: `$df +` is then an error about its path, not a text that is passed on
    # by mistake, and `$5` stays text.
    return re.match(r"\$[^\W\d]", text) is not None


def _check_variable(flag: Flag, value: object, text: str) -> Any:
    takes_objects = flag.key in ("labels", "params", "schema", "compare", "metric")
    wanted: Any = (int, float) if flag.kind is float else flag.kind
    if takes_objects or (isinstance(value, wanted) and not isinstance(value, bool)):
        return _check_choice(flag, value)
    kind = "a number" if flag.kind is not str else "text"
    raise UsageError(f"{flag.names[-1]} must be {kind}; {text} is {name_type(value)}.")


def _check_choice(flag: Flag, value: Any) -> Any:
    if flag.choices and value not in flag.choices:
        raise UsageError(
            f"{flag.names[-1]} accepts {', '.join(flag.choices)}, not {value!r}."
            f"{did_you_mean(value, flag.choices)}"
        )
    return value


def _require_closed(word: LineWord | None) -> LineWord:
    if word is None or not word.is_closed:
        raise UsageError("A quote in the options is never closed.")
    return word


def _check_options(options: Options) -> Options:
    out = options["out"]
    if out and options.target_name:
        raise UsageError(
            f"Two variables for the result: {options.target_name} << and --out {out}. Pass one."
        )
    if out and not out.isidentifier():
        raise UsageError(f"--out must be the name of a variable, not {out!r}.")
    options.target_name = options.target_name or out
    for pair in _EXCLUSIVE:
        passed = [f"--{key.replace('_', '-')}" for key in pair if key in options]
        if len(passed) > 1:
            raise UsageError(f"Pass either {' or '.join(passed)}, not both.")
    for key in _EACH_ONLY & options.values.keys():
        if "each" not in options:
            raise UsageError(f"--{key.replace('_', '-')} needs --each, which names the rows.")
    if "metric" in options and "score" not in options:
        raise UsageError("--metric needs --score, which names the column of right answers.")
    if {"judge", "budget"} & options.values.keys() and "compare" not in options:
        raise UsageError("--judge and --budget need --compare, which names the models.")
    if {"compare", "bg"} <= options.values.keys() and "each" not in options:
        raise UsageError("Pass either --compare or --bg, not both; --each runs both.")
    return options


SCORE_OPTIONS = ("score", "metric", "judge", "budget")
"""Options of an evaluation, which are not those of a row's call."""

_EACH_ONLY = {"concurrency", "batch_size", "limit", "resume", *SCORE_OPTIONS}

_EXCLUSIVE = (
    ("new", "no_history"),
    ("chat", "no_history"),
    ("cache", "no_cache", "replay"),
    # A panel runs nothing yet, so options of a run or of recordings would silently do nothing.
    *(("panel", one) for one in ("bg", "dry_run", "insert", "cache", "no_cache", "replay")),
    # A handle, a table of rows and a comparison have fixed views, which -f and -v cannot change.
    *((handle, one) for handle in ("bg", "each", "compare") for one in ("format", "verbose")),
    ("bg", "insert"),
    # Several calls at the same time cannot continue one conversation.
    *((several, one) for several in ("each", "compare") for one in ("chat", "new")),
    ("each", "panel"),
    *((several, "insert") for several in ("each", "compare")),
    ("score", "schema"),
    ("compare", "model"),
)


INFER_USAGE = """\
%%infer [VAR << | VAR= <<] [MODEL[:PROVIDER]] [options]
prompt, or headed parts ("question: ...") for a task with several inputs

%infer [options] prompt to the end of the line
result = %infer -m MODEL "the prompt"

VAR << assigns the result and shows nothing, VAR= << assigns and shows it.
{{ name }}, {{ name.attribute }}, {{ name[0] }} in the text stand for a variable's value.
"""


def format_infer_help() -> str:
    """Return usage and all options as plain text."""
    left = {flag: " ".join(filter(None, (", ".join(flag.names), flag.metavar))) for flag in FLAGS}
    lines = [f"  {left[flag]:<32} {_describe_flag(flag)}" for flag in FLAGS]
    return f"{INFER_USAGE}\nOptions\n" + "\n".join(lines) + "\n"


def _describe_flag(flag: Flag) -> str:
    return flag.help + (f": {', '.join(flag.choices)}" if flag.choices else "")
