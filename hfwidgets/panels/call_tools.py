"""What helps around a run: a word before the form is filled, the call as code, missing weights,
the result as a variable.
"""

import asyncio
from typing import Any, ClassVar

from hfwidgets import engine_process, errors
from hfwidgets.calls.settings import is_url
from hfwidgets.core import auth
from hfwidgets.notebook import background_loop, code_snippets
from hfwidgets.panels.base_panel import Panel
from hfwidgets.panels.form import variables
from hfwidgets.panels.form.inputs import nothing
from hfwidgets.panels.run import Run
from hfwidgets.tasks import examples


class Helped(Panel):
    """Adds the banner, Code, the installing of weights and Send to variable to a panel."""

    HELP: ClassVar[dict[str, Any]] = {"banner": None, "code": None, "sent": ""}
    """Its parts of the document."""

    def _arguments(self) -> dict[str, Any]:
        """The task's inputs as they stand, without the parameters and the model."""
        raise NotImplementedError

    @property
    def request(self) -> Any:
        """What a run would send as things stand: an `Explanation`, without credentials.

        Nothing is sent; what a task needs and was not given yet is taken from its example.
        """
        return background_loop.wait(background_loop.submit(self._explained(self._call())))

    def _notice(self, _: Any = None) -> None:
        """Say at once when a call cannot work, and what would."""
        fixed = "base_url" in self._client_settings or (self.model and is_url(self.model))
        token = bool(self._secret) or auth.found() is not None
        provider = self.provider or code_snippets.default_provider()
        found = "" if fixed else background_loop.hurdle(self.task, provider, token=token)
        label = self.declaration.label
        who = f"{provider} does not serve" if self.provider else "No provider serves"
        words = {
            "unserved": f"{who} this task ({label}).",
            "key": "No token was found, and services want one. Set HF_TOKEN, give one here, or:",
        }
        own = self.task in background_loop.tasks_of("local")
        banner = {"text": words[found], "why": found, "local": own} if found else None
        self._mirror.set("banner", value=banner)

    def _do_key(self, value: str) -> None:
        failed = self._mirror.get("state", "failure") is not None
        self._secret = value
        self._notice()
        if failed:
            self._do_retry()

    def _do_endpoint(self, url: str) -> None:
        """Send calls to an endpoint's URL from now on; "" goes back to the providers."""
        url = url.strip()
        if url and not is_url(url):
            raise errors.InputError(f"{url!r} is no URL: it should begin with https://.")
        self.provider, self.model = None, url or None

    def _do_code(self) -> None:
        """Write the call down; the request is asked of the client, and nothing is sent."""
        background_loop.submit(self._write())

    def _call(self) -> code_snippets.Written:
        """The call that a run makes; what is missing stands in it as in the task's example."""
        given = {name: value for name, value in self._arguments().items() if not nothing(value)}
        needed = {
            name: value
            for name, value in examples.made(self.declaration.example).items()
            if name in self.declaration.inputs and name not in given
        }
        model = {"model": self.model} if self.model else {}
        settings = {
            **self._client_settings,
            **({"provider": self.provider} if self.provider else {}),
        }
        return code_snippets.Written(
            self.task, {**needed, **given, **model, **self.parameters}, settings
        )

    async def _explained(self, call: code_snippets.Written) -> Any:
        return await self._connect().explain(self.task, **call.arguments)

    async def _write(self) -> None:
        call = self._call()
        try:
            curl = code_snippets.curl(await self._explained(call))
        except errors.HfWidgetsError as error:
            curl = f"# {errors.redacted(str(error))}"
        code = {
            "python": code_snippets.python(call),
            "magic": code_snippets.magic(call),
            "hub": code_snippets.hub(call),
            "curl": curl,
        }
        self._mirror.set("code", value=code)

    def _do_assign(self, variable: str) -> None:
        """Give the last result a name in the notebook."""
        if self.result is None:
            raise errors.InputError("There is no result yet to send: run the panel first.")
        variables.assign(variable.strip(), self.result)
        kind = type(self.result).__name__
        self._mirror.set("sent", value=f"{variable.strip()} is the last result now ({kind}).")

    def _do_install(self, name: str) -> None:
        """Download the weights that an answer of the engine asked for, and run again."""
        if name not in ("light", "full"):
            raise errors.InputError(f"There is no set {name!r}: there are light and full.")
        self._installing = name
        try:
            self._do_retry()
        except errors.HfWidgetsError:
            self._installing = ""
            raise

    _installing = ""

    async def _carry_out(self, run: Run) -> None:
        name, self._installing = self._installing, ""
        if name:
            await self._install(name)
        await super()._carry_out(run)

    async def _install(self, name: str) -> None:
        note = f"Installing the engine's {name} set"
        self._settle("loading", note=note, eta=None)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *(*engine_process.command(), "engine", "install", name),
            env=engine_process.environment(),
            stdout=pipe,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await process.communicate()
        except asyncio.CancelledError:
            process.terminate()
            raise
        if process.returncode:
            raise errors.EngineError(f"The weights were not installed: {said.decode()[-500:]}")
