"""One question to several models, side by side, with what each of them took."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

from hfwidgets import errors, providers
from hfwidgets.calls.counted_stream import open_counted_stream
from hfwidgets.notebook import background_loop, code_snippets
from hfwidgets.panels.base_panel import storable
from hfwidgets.panels.call_tools import CallTools
from hfwidgets.panels.document.flusher import flusher
from hfwidgets.panels.form import uploads
from hfwidgets.panels.run import PanelRun
from hfwidgets.panels.views import parts, previews, raw_json
from hfwidgets.results.comparison import Comparison, ComparisonRow


class ComparePanel(CallTools):
    """Several models answer the same question, each streamed into a column of its own.

    Args:
        models: model ids; `MODEL:PROVIDER` names who serves, a provider's name alone leaves the
            model to it, a URL is an endpoint.
        prompt: what the form holds at first.
        system: a system prompt for all.
        settings: settings of a client and parameters of `chat_completion`, for all models.

    Attributes:
        result: a `Comparison`: one row a model; `.to_pandas()` is a DataFrame.
        prompt: the question as it was last asked.
    """

    task = "chat-completion"
    view = "compare"
    needed_chunks = ("markdown", "task")

    def __init__(
        self, models: Iterable[str], prompt: str = "", *, system: str | None = None, **settings: Any
    ) -> None:
        self.models = list(dict.fromkeys(models))
        for name in self.models:
            storable(name)
        if len(self.models) < 2:
            raise errors.ConfigurationError(
                "compare takes at least two models: hf.compare(models=['a/b', 'c/d:together'])."
            )
        self.prompt, self.system = prompt, system
        self._comparison_rows: list[ComparisonRow] = []
        self._last_comparison: Any = None
        super().__init__(None, **settings)
        self._retry_action = lambda: self.start(self.prompt)

    def start(self, prompt: str) -> None:
        """Ask all models; returns at once."""
        self._send_prompt(prompt)

    def run(self, prompt: str | None = None) -> Any:
        """Ask and wait for the `Comparison`; an interrupt stops and keeps what came."""
        return self._wait_for_run(self._send_prompt(prompt or self.prompt))

    async def arun(self, prompt: str | None = None) -> Any:
        """The same, awaited."""
        return await self._wait_for_run_async(self._send_prompt(prompt or self.prompt))

    # A run

    def _send_prompt(self, prompt: str) -> PanelRun:
        if not prompt.strip():
            raise errors.InputError("The prompt is empty: write something to send.")

        def prepare() -> None:
            self.prompt = prompt
            self._mirror.set("prompt", value=prompt)
            self._mirror.set("columns", value=[_empty_column(name) for name in self.models])

        return self._begin_run(prepare)

    async def _perform_run(self, run: PanelRun) -> None:
        """Models of this machine take turns, so that they do not slow each other down."""
        self._comparison_rows = [ComparisonRow(model=name) for name in self.models]
        turn = asyncio.Lock()
        try:
            async with asyncio.TaskGroup() as group:
                for at, name in enumerate(self.models):
                    provider = self._column_target(name).get("provider", self.provider)
                    embedded = providers.is_embedded(provider)
                    held: Any = turn if embedded else contextlib.nullcontext()
                    group.create_task(self._ask_model(at, name, held))
        finally:
            run.result = Comparison(self._comparison_rows)
        if all(row.error for row in self._comparison_rows):
            raise errors.InputError(f"No model answered. {self._comparison_rows[0].error}")

    async def _ask_model(self, at: int, name: str, held: Any) -> None:
        async with held:
            self._update_column(at, state="running")
            stream: Any = None
            try:
                stream = await self._open_stream(name)
                await self._read_stream(at, stream)
                self._update_column(at, state="done")
            except errors.HfWidgetsError as error:
                self._comparison_rows[at]["error"] = str(error)
                self._update_column(at, state="failed", error=str(error))
            finally:
                if stream is not None:
                    await stream.aclose()
                    self._record_answer(at, stream.result)

    async def _open_stream(self, name: str) -> Any:
        system = [{"role": "system", "content": self.system}] if self.system else []
        messages = [*system, {"role": "user", "content": self.prompt}]
        who = self._column_target(name)
        client = background_loop.shared_client(**self._stream_settings(who))
        given = {"model": who.get("model"), **self.parameters}
        return await open_counted_stream(client, messages, **given)

    async def _read_stream(self, at: int, stream: Any) -> None:
        async for chunk in stream:
            if piece := uploads.chunk_text(chunk):
                if self.status != "streaming":
                    self._update_state("streaming", note="", eta=None)
                self._mirror.append("columns", at, "text", text=piece)

    def _column_target(self, name: str) -> dict[str, str]:
        """A column's name as model and provider."""
        return {"provider": name} if name in background_loop.list_providers() else {"model": name}

    def _stream_settings(self, who: dict[str, str]) -> dict[str, Any]:
        token = {"token": self._secret} if self._secret else {}
        provider = who.get("provider", self.provider)
        return {"provider": provider, **self._client_settings, **token}

    def _record_answer(self, at: int, result: Any) -> None:
        """Keep what one model took."""
        found = measure_answer(result)
        self._comparison_rows[at].update(found, result=result)
        shown = {name: found[name] for name in found if name != "answer"}
        self._update_column(at, **shown)
        flusher.flush_now(self._mirror)

    def _update_column(self, at: int, **values: Any) -> None:
        for name, value in values.items():
            self._mirror.set("columns", at, name, value=value)

    def _settle_document(self, run: PanelRun) -> None:
        if run.result is not None:
            self.set_trait("value", [row.answer for row in run.result])
            self._last_comparison = run.result
            self._mirror.set("result", value=self._result_files(run.number))

    def _run_stats(self, run: PanelRun) -> dict[str, Any]:
        """The slowest answer's time and what all cost together."""
        times = [row.seconds for row in run.result if row.seconds is not None]
        costs = [row.dollars for row in run.result if row.dollars is not None]
        found = {"seconds": max(times)} if times else {}
        return {**found, **({"cost": sum(costs)} if costs else {})}

    def _result_files(self, number: int) -> dict[str, Any]:
        """The comparison as the page's tools know it."""
        saves = [
            {"label": label, "id": f"save.{number}.{name}", "name": name}
            for name, label, _ in raw_json.save_formats(self._last_comparison)
        ]
        return {"kind": "comparison", "n": number, "raw": f"raw.{number}", "saves": saves}

    def _find_media(self, name: str) -> previews.PageFile | None:
        if self._last_comparison is None:
            return None
        room, _, rest = name.partition(".")
        if room == "raw":
            return parts.text_file(raw_json.to_json_text(self._last_comparison))
        made = {name: make for name, _, make in raw_json.save_formats(self._last_comparison)}
        file = made.get(rest.partition(".")[2])
        return file() if file else None

    async def _write_code(self) -> None:
        """The comparison as Python; the other forms have one call a model, and show the first."""
        await super()._write_code()
        code = self._mirror.get("code")
        own = {"system": self.system, **self.parameters}
        given = {name: value for name, value in own.items() if value is not None}
        more = "".join(f", {name}={value!r}" for name, value in given.items())
        code["python"] = (
            "import hfwidgets as hf\n\n"
            f"panel = hf.compare({self.models!r}, {self.prompt!r}{more})\n"
            "result = panel.run()\nresult.to_pandas()"
        )
        names = ",".join(self.models)
        code["magic"] = f"%%infer -t {self.task} --compare {names}\n{self.prompt}".rstrip()
        code["curl"] = f"# One call a model; this is the first.\n{code['curl']}"
        code["hub"] = f"# One call a model; this is the first.\n{code['hub']}"
        self._mirror.set("code", value=code)

    def _build_call(self) -> code_snippets.CallDraft:
        call = super()._build_call()
        who = self._column_target(self.models[0])
        provider = {"provider": who["provider"]} if "provider" in who else {}
        model = {"model": who["model"]} if "model" in who else {}
        return code_snippets.CallDraft(
            self.task, {**call.arguments, **model}, {**call.settings, **provider}
        )

    def _call_arguments(self) -> dict[str, Any]:
        system = [{"role": "system", "content": self.system}] if self.system else []
        question = [{"role": "user", "content": self.prompt}] if self.prompt else []
        return {"messages": [*system, *question] if question else []}

    def _initial_document(self) -> dict[str, Any]:
        form = {"label": "Compare models", "help": "The same question to each of them."}
        return {
            "form": form,
            "prompt": self.prompt,
            "columns": [_empty_column(name) for name in self.models],
            **self.CALL_TOOLS_DOCUMENT,
            "result": None,
        }

    def _render_static(self) -> tuple[str, str]:
        if self._last_comparison is None:
            return f"<p>{len(self.models)} models to compare: run this cell.</p>", repr(self)
        return self._last_comparison._html_(), repr(self._last_comparison)

    def _repr_fields(self) -> dict[str, Any]:
        return {"models": self.models, **super()._repr_fields()}

    # What the page asks for

    def _do_run(self, prompt: str) -> None:
        self.start(prompt)


def _empty_column(name: str) -> dict[str, Any]:
    return {"model": name, "text": "", "state": "", "error": ""}


def measure_answer(result: Any) -> dict[str, Any]:
    """What an answer took: times in seconds, tokens, and dollars where prices are known."""
    meta = result.meta
    tokens = getattr(meta.usage, "completion_tokens", None)
    writing = meta.seconds - (meta.first_token_seconds or 0.0)
    return {
        "provider": meta.provider,
        "answer": result.text,
        "first_token_seconds": meta.first_token_seconds,
        "tokens_per_second": tokens / writing if tokens and writing > 0 else None,
        "seconds": meta.seconds,
        "tokens": tokens,
        "dollars": meta.cost,
    }
