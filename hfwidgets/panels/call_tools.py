"""What helps around a run: a word before the form is filled, the call as code, missing weights,
the result as a variable.
"""

import asyncio
from typing import Any, ClassVar

from hfwidgets import engine_process, errors, providers
from hfwidgets.calls.settings import is_url
from hfwidgets.core import auth, environment
from hfwidgets.notebook import background_loop, code_snippets
from hfwidgets.panels.base_panel import Panel
from hfwidgets.panels.form import variables
from hfwidgets.panels.form.inputs import is_empty
from hfwidgets.panels.run import PanelRun
from hfwidgets.tasks import examples


class CallTools(Panel):
    """Adds the banner, Code, the installing of weights and Send to variable to a panel."""

    CALL_TOOLS_DOCUMENT: ClassVar[dict[str, Any]] = {"banner": None, "code": None, "sent": ""}
    """Its parts of the document."""

    def _call_arguments(self) -> dict[str, Any]:
        """The task's inputs as they stand, without the parameters and the model."""
        raise NotImplementedError

    @property
    def request(self) -> Any:
        """What a run would send as things stand: an `Explanation`, without credentials.

        Nothing is sent; what a task needs and was not given yet is taken from its example.
        """
        return background_loop.wait_for(
            background_loop.submit(self._explain_call(self._build_call()))
        )

    def _update_banner(self, _: Any = None) -> None:
        """Say at once when a call cannot work, and what would."""
        fixed = "base_url" in self._client_settings or (self.model and is_url(self.model))
        token = bool(self._secret) or auth.find_machine_token() is not None
        provider = self.provider or environment.default_provider()
        found = "" if fixed else background_loop.why_blocked(self.task, provider, token=token)
        label = self.declaration.label
        who = f"{provider} does not serve" if self.provider else "No provider serves"
        words = {
            "unserved": f"{who} this task ({label}).",
            "key": "No token was found, and services want one. Set HF_TOKEN, give one here, or:",
        }
        own = providers.embedded().serves_task(self.task)
        banner = {"text": words[found], "why": found, "local": own} if found else None
        self._mirror.set("banner", value=banner)

    def _do_key(self, value: str) -> None:
        failed = self._mirror.get("state", "failure") is not None
        self._secret = value
        self._update_banner()
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
        background_loop.submit(self._write_code())

    def _build_call(self) -> code_snippets.CallDraft:
        """The call that a run makes; what is missing stands in it as in the task's example."""
        given = {
            name: value for name, value in self._call_arguments().items() if not is_empty(value)
        }
        needed = {
            name: value
            for name, value in examples.make_arguments(self.declaration.example).items()
            if name in self.declaration.inputs and name not in given
        }
        model = {"model": self.model} if self.model else {}
        settings = {
            **self._client_settings,
            **({"provider": self.provider} if self.provider else {}),
        }
        return code_snippets.CallDraft(
            self.task, {**needed, **given, **model, **self.parameters}, settings
        )

    async def _explain_call(self, call: code_snippets.CallDraft) -> Any:
        return await self._get_client().explain(self.task, **call.arguments)

    async def _write_code(self) -> None:
        call = self._build_call()
        try:
            curl = code_snippets.to_curl(await self._explain_call(call))
        except errors.HfWidgetsError as error:
            curl = f"# {errors.redact(str(error))}"
        code = {
            "python": code_snippets.to_python(call),
            "magic": code_snippets.to_magic(call),
            "hub": code_snippets.to_huggingface_hub(call),
            "curl": curl,
        }
        self._mirror.set("code", value=code)

    def _do_assign(self, variable: str) -> None:
        """Give the last result a name in the notebook."""
        if self.result is None:
            raise errors.InputError("There is no result yet to send: run the panel first.")
        variables.assign_variable(variable.strip(), self.result)
        kind = type(self.result).__name__
        self._mirror.set("sent", value=f"{variable.strip()} is the last result now ({kind}).")

    def _do_install(self, name: str) -> None:
        """Download the weights that an answer of the engine asked for, and run again."""
        if name not in ("light", "full"):
            raise errors.InputError(f"There is no set {name!r}: there are light and full.")
        self._weights_to_install = name
        try:
            self._do_retry()
        except errors.HfWidgetsError:
            self._weights_to_install = ""
            raise

    _weights_to_install = ""

    async def _run_in_background(self, run: PanelRun) -> None:
        name, self._weights_to_install = self._weights_to_install, ""
        if name:
            await self._install_weights(name)
        await super()._run_in_background(run)

    async def _install_weights(self, name: str) -> None:
        note = f"Installing the engine's {name} set"
        self._update_state("loading", note=note, eta=None)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *(*engine_process.python_command(), "engine", "install", name),
            env=engine_process.subprocess_environment(),
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
