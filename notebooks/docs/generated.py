"""Write the reference from the code: a line `<!-- generated: NAME -->` becomes what NAME makes.

A line `<!-- include: FILE -->` becomes a document of the repository, with its links leading to the
pages of the site. Nothing that is made here is stored.
"""

import inspect
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sphinx.errors import ExtensionError
from sphinx.ext.napoleon import Config, GoogleDocstring

ROOT = Path(__file__).parents[2]
SITE = ROOT / "notebooks"
MARKER = re.compile(r"^<!-- (generated|include): (\S+) -->$", re.MULTILINE)
LINK = re.compile(r"\[([^\]]+)\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")

PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "docs/changelog.md",
    "CONTRIBUTING.md": "docs/contributing.md",
    "SECURITY.md": "docs/security.md",
    "hfwidgets/MIGRATION.md": "docs/from-inference-api.md",
}
"""The pages of the site that include a document."""

GROUPS = {
    "client": "client client.inference_api calls.dry_run core.meta core.streams",
    "panels": (
        "panels panels.chat_panel panels.compare_panel panels.compare_task_panel panels.rows_panel "
        "panels.task_panel"
    ),
    "results": (
        "results.audio results.catalogue results.comparison results.differences results.votes"
    ),
    "batch": "client.hf_map batch",
    "evaluation": "evaluation",
    "recordings": "recorder",
    "endpoints": "endpoints",
    "mcp": "mcp",
}
"""The modules whose public names a page of the reference describes."""


def to_rst(docstring: str) -> str:
    """Return a docstring with its sections in reStructuredText."""
    return str(GoogleDocstring(docstring, Config(napoleon_use_rtype=False)))


def rst_block(text: str) -> str:
    """Return reStructuredText for a page in Markdown."""
    return f"````{{eval-rst}}\n{text.rstrip()}\n````\n"


def indent(text: str) -> str:
    return "\n".join(f"   {line}".rstrip() for line in text.splitlines())


def short_signature(function: Any) -> str:
    """Return a task's parameters; `object at 0x...` of an internal default would change each time."""
    text = str(inspect.signature(function) if callable(function) else function)
    return re.sub(r"hfwidgets\.(?:\w+\.)+", "", text).replace("typing.", "")


def make_tasks() -> Iterator[str]:
    """Yield all tasks by domain: name, signature, docstring."""
    from hfwidgets.tasks import TASKS

    domains: dict[str, list[Any]] = {}
    for task in TASKS.values():
        domains.setdefault(task.domain, []).append(task)
    for domain, tasks in domains.items():
        yield f"## {domain.capitalize()}\n"
        for task in sorted(tasks, key=lambda one: one.name):
            yield f"### {task.label}\n"
            yield (
                f"`{task.name}`"
                + (
                    f", also {', '.join(f'`{name}`' for name in task.known_as)}"
                    if task.known_as
                    else ""
                )
                + "\n"
            )
            name = f"InferenceClient.{task.method}"
            yield rst_block(
                f".. py:method:: {name}{short_signature(task.signature)}\n   :no-index-entry:\n\n"
                f"{indent(to_rst(inspect.getdoc(task.function) or ''))}"
            )


def result_types() -> list[type]:
    """Return the records that tasks return, and those inside them."""
    from hfwidgets.results.record import Record
    from hfwidgets.tasks import TASKS

    found: dict[str, type] = {}

    def visit(kind: Any) -> None:
        for inner in getattr(kind, "__args__", ()):
            visit(inner)
        kind = getattr(kind, "__origin__", None) or kind
        if isinstance(kind, type) and issubclass(kind, Record) and kind.__name__ not in found:
            found[kind.__name__] = kind
            for one in inspect.get_annotations(kind, eval_str=True).values():
                visit(one)

    for task in TASKS.values():
        visit(task.signature.return_annotation)
    return sorted(found.values(), key=lambda kind: kind.__name__)


def make_records() -> Iterator[str]:
    """Yield the records that tasks return, with their fields."""
    for kind in result_types():
        yield f"### {kind.__name__}\n"
        yield rst_block(to_rst(inspect.getdoc(kind) or ""))
        rows = [
            (f"`{name}`", f"`{short_type(value)}`")
            for name, value in inspect.get_annotations(kind).items()
            if "ClassVar" not in str(value)
        ]
        if rows:
            yield table(("field", "type"), *rows)


def short_type(value: Any) -> str:
    """Return a type without the modules of its names."""
    text = (
        value.__name__ if isinstance(value, type) and not hasattr(value, "__args__") else str(value)
    )
    return re.sub(r"\b(?:[a-z]\w*\.)+", "", text)


def make_group(name: str) -> Iterator[str]:
    """Yield the public names of some modules."""
    import hfwidgets

    for module in GROUPS[name].split():
        for public in hfwidgets._NAMES[module].split():
            value = getattr(hfwidgets, public)
            if not (inspect.isclass(value) and issubclass(value, hfwidgets.HfWidgetsError)):
                yield f"## {public}\n"
                yield rst_block(describe_name(public, value))


def describe_name(name: str, value: Any) -> str:
    """Return the directive for a class, a function or an object."""
    if inspect.isclass(value):
        return f".. autoclass:: hfwidgets.{name}\n   :members:\n   :inherited-members: {OUTSIDE}"
    if inspect.isroutine(value):
        return f".. autofunction:: hfwidgets.{name}"
    kind = type(value)
    return (
        f".. py:data:: hfwidgets.{name}\n\n{indent(to_rst(inspect.getdoc(value) or ''))}\n\n"
        f".. autoclass:: {kind.__module__}.{kind.__qualname__}\n   :members:\n   :special-members: __call__\n   :no-index:"
    )


OUTSIDE = "object, Exception, str, list, dict, HasTraits, AnyWidget, DOMWidget, Widget, Enum"
"""Classes of other packages, whose members are not repeated."""


def make_errors() -> Iterator[str]:
    """Yield the tree of errors, then each with its docstring."""
    import hfwidgets
    from hfwidgets import errors

    tree = inspect.cleandoc(errors.__doc__ or "").partition("\n\n")[2].partition("\n\nThe names")[0]
    yield f"```text\n{inspect.cleandoc(tree)}\n```\n"
    for name in hfwidgets.__all__:
        value = getattr(hfwidgets, name)
        if inspect.isclass(value) and issubclass(value, hfwidgets.HfWidgetsError):
            yield rst_block(f".. autoexception:: hfwidgets.{name}\n   :show-inheritance:")


def table(*rows: tuple[str, ...]) -> str:
    """Return a Markdown table; the first row is its head."""
    head, *rest = [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows
    ]
    return "\n".join([head, f"|{' --- |' * len(rows[0])}", *rest]) + "\n"


def make_magics() -> Iterator[str]:
    """Yield the options of %infer and %%infer, and the commands of %hf."""
    from hfwidgets.magics.hf_magic import SUBCOMMANDS
    from hfwidgets.magics.options import FLAGS, FORMATS

    yield "## %infer and %%infer\n"
    rows = [
        (
            ", ".join(f"`{name}`" for name in flag.names),
            f"`{flag.metavar}`" if flag.metavar else "",
            flag.help,
        )
        for flag in FLAGS
    ]
    yield table(("option", "value", "what it does"), *rows)
    yield f"Formats: {', '.join(f'`{name}`' for name in FORMATS)}.\n"
    yield "## %hf\n"
    yield table(
        ("command", "what it does"),
        *(
            (f"`%hf {name} {one.usage}".rstrip() + "`", one.help)
            for name, one in SUBCOMMANDS.items()
        ),
    )


def make_providers() -> Iterator[str]:
    """Yield the providers with their address and their tasks."""
    from hfwidgets import providers

    rows = []
    for name in sorted(providers.builtin_names()):
        provider = providers.get(name)
        tasks = ", ".join(sorted(provider.routes)) if hasattr(provider, "routes") else ""
        rows.append((f"`{name}`", tasks))
    yield table(("provider", "tasks"), *rows)


def make_engine() -> Iterator[str]:
    """Yield the engine's models: tasks, languages, sizes, licenses, limits."""
    from hfwidgets.engine.base.weights import format_megabytes
    from hfwidgets.engine.registry import builtin_capabilities

    for one in builtin_capabilities():
        yield f"### {one.model}\n"
        size = format_megabytes(one.disk_size)
        yield f"Tasks: {', '.join(f'`{task}`' for task in one.serves)}. License: {one.license}. "
        yield f"Languages: {', '.join(one.languages)}. {size} on disk. {one.limits}\n"


def make_command() -> Iterator[str]:
    """Yield the help of the command line and of all its commands."""
    import argparse

    from hfwidgets import cli

    def walk(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
        yield parser
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for inner in action.choices.values():
                    yield from walk(inner)

    os.environ["COLUMNS"] = "88"
    for parser in walk(cli._build_parser()):
        yield f"## {parser.prog}\n\n```text\n{parser.format_help()}```\n"


MAKERS: dict[str, Callable[[], Iterator[str]]] = {
    "tasks": make_tasks,
    "records": make_records,
    "errors": make_errors,
    "magics": make_magics,
    "providers": make_providers,
    "engine": make_engine,
    "command": make_command,
    **{name: (lambda name=name: make_group(name)) for name in GROUPS},
}


def lead_link(target: str, source: Path, page: Path) -> str | None:
    """Return where a link of a document leads on the site; None for a file outside of it."""
    path = (source.parent / target).resolve()
    if not path.exists():
        raise ExtensionError(f"{source.relative_to(ROOT)} links to {target}, which does not exist.")
    known = PAGES.get(path.relative_to(ROOT).as_posix())
    path = SITE / known if known else path
    if not path.is_relative_to(SITE):
        return None
    return Path(os.path.relpath(path, page.parent)).as_posix()


def include(name: str, page: Path) -> str:
    """Return a document whose links fit the page; those to files outside the site are plain text."""
    source = ROOT / name
    text = source.read_text("utf-8")

    def replace(match: re.Match[str]) -> str:
        label, target, anchor = match[1], match[2], match[3] or ""
        led = lead_link(target, source, page)
        return label if led is None else f"[{label}]({led}{anchor})"

    text = LINK.sub(replace, text)
    return re.sub(r"<p align.*?</p>", _theme_images, text, flags=re.DOTALL)


def _theme_images(match: re.Match[str]) -> str:
    """Return the README's image for the site, whose dark theme is a choice of the reader."""
    alt = re.search(r'alt="([^"]*)"', match[0])
    return "\n".join(
        f'<img class="only-{theme}" src="_static/panel-{theme}.webp" width="640" alt="{alt[1] if alt else ""}">'
        for theme in ("light", "dark")
    )


def expand(app: Any, name: str, content: list[str]) -> None:
    """Replace the markers of a page."""
    page = Path(app.env.doc2path(name))

    def replace(match: re.Match[str]) -> str:
        kind, what = match.groups()
        return include(what, page) if kind == "include" else "\n".join(MAKERS[what]())

    if MARKER.search(content[0]):
        app.env.note_reread()  # what it is made from may have changed
    content[0] = MARKER.sub(replace, content[0])


def skip_tasks(app: Any, what: str, name: str, value: Any, skip: bool, options: Any) -> bool | None:
    """Leave the tasks to their own page, and undocumented members out."""
    from hfwidgets.tasks import TASKS

    methods = {task.method for task in TASKS.values()}
    return True if name in methods or name.startswith("_") and name != "__call__" else None


def make_literal(
    app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    """Turn indented drawings and examples after a paragraph into literal blocks."""
    for at in range(len(lines) - 1, 0, -1):
        before, line = lines[at - 1], lines[at]
        opens = line.startswith("    ") and not before.strip()
        text = next((one for one in reversed(lines[:at]) if one.strip()), "")
        if (
            opens
            and text
            and not text.startswith((" ", ":", "..", "*", "-"))
            and not text.endswith("::")
        ):
            lines[at:at] = ["::", ""]


def list_attributes(
    app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    """List the attributes of a class without entries of their own, which its properties have."""
    found = []
    inside = False
    for line in lines:
        if match := re.match(r":ivar ([\w, ]+): (.*)", line):
            found += ["", f"* ``{match[1]}``: {match[2]}"]
            inside = True
        elif inside and line.startswith(" ") and line.strip():
            found.append(f"  {line.strip()}")
        elif not line.startswith(":vartype"):
            found += [""] * inside + [line]
            inside = False
    lines[:] = found


def setup(app: Any) -> dict[str, bool]:
    app.connect("source-read", expand)
    app.connect("autodoc-skip-member", skip_tasks)
    app.connect("autodoc-process-docstring", make_literal)
    app.connect("autodoc-process-docstring", list_attributes, priority=900)  # after napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}
