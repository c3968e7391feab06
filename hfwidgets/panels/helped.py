"""What helps around a run: a word before the form is filled, the call as code, missing weights."""

import asyncio
import sys
from typing import Any

from hfwidgets import auth, errors, runtime, snippets
from hfwidgets.panels.base import Panel
from hfwidgets.panels.run import Run
from hfwidgets.settings import is_url


class Helped(Panel):
    """Adds the banner, Code and the installing of weights to a panel with `inputs`."""

    inputs: Any

    def _notice(self, _: Any = None) -> None:
        """Say at once when a call cannot work, and what would."""
        fixed = "base_url" in self._client_settings or (self.model and is_url(self.model))
        token = bool(self._secret) or auth.found() is not None
        provider = self.provider or snippets.default_provider()
        found = "" if fixed else runtime.hurdle(self.task, provider, token=token)
        label = self.declaration.label
        who = f"{provider} does not serve" if self.provider else "No provider serves"
        words = {
            "unserved": f"{who} this task ({label}).",
            "key": "No token was found, and services want one. Set HF_TOKEN, give one here, or:",
        }
        own = self.task in runtime.tasks_of("local")
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
        runtime.submit(self._write())

    async def _write(self) -> None:
        given = {name: value for name, value in self.inputs.items() if value not in (None, "")}
        model = {"model": self.model} if self.model else {}
        settings = {
            **self._client_settings,
            **({"provider": self.provider} if self.provider else {}),
        }
        call = snippets.Written(self.task, {**given, **model, **self.parameters}, settings)
        try:
            curl = snippets.curl(await self._connect().explain(self.task, **call.arguments))
        except errors.HfWidgetsError as error:
            curl = f"# {errors.redacted(str(error))}"
        code = {"python": snippets.python(call), "magic": snippets.magic(call), "curl": curl}
        self._mirror.set("code", value=code)

    def _do_install(self, name: str) -> None:
        """Download the weights that an answer of the engine asked for, and run again."""
        if name not in ("light", "full"):
            raise errors.InputError(f"There is no set {name!r}: there are light and full.")
        self._installing = name
        self._begin(lambda: None)

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
            *(sys.executable, "-m", "hfwidgets", "engine", "install", name),
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
