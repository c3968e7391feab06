"""Tools around a run: a notice before it, the call as code, weights, the result as a variable."""

import asyncio
from typing import Any, ClassVar

from hfwidgets import engine_process, errors, providers
from hfwidgets.calls.dry_run import Explanation
from hfwidgets.calls.settings import is_url
from hfwidgets.core import auth
from hfwidgets.errors.action import WEIGHT_SETS
from hfwidgets.errors.secrets import Secret
from hfwidgets.notebook import background_loop, code_snippets
from hfwidgets.panels.document.nodes import Node
from hfwidgets.panels.document.protocol import Banner, CodeForms
from hfwidgets.panels.form import variables
from hfwidgets.panels.form.inputs import is_empty
from hfwidgets.panels.model_choice import ModelChoice
from hfwidgets.panels.run import PanelRun
from hfwidgets.tasks import examples

MAX_OFFERED_SERVICES = 3
"""Providers that the banner offers as buttons."""

MAX_OUTPUT_EXCERPT = 500
"""Characters of a failed installation's output that are shown."""


class CallTools(ModelChoice):
    """Adds the banner, Code, the installation of weights and Send to variable to a panel."""

    CALL_TOOLS_DOCUMENT: ClassVar[dict[str, Node]] = {
        "banner": None,
        "code": None,
        "sent": "",
        **ModelChoice.MODEL_DOCUMENT,
    }
    """The parts of the document that these tools keep."""

    def _hfw_call_arguments(self) -> dict[str, Any]:
        """Return the task's current inputs, without its parameters and the model."""
        raise NotImplementedError

    @property
    def request(self) -> Explanation:
        """The request that a run would send now, without credentials.

        Nothing is sent. Missing inputs are taken from the task's example.
        """
        # The shared client belongs to the background loop, even for what sends nothing.
        return background_loop.wait_for(
            background_loop.submit(self._hfw_explain_call(self._hfw_build_call()))
        )

    def _hfw_follow_model(self, _: object = None) -> None:
        """Update what depends on the model and the provider."""
        self._hfw_update_banner()
        self._hfw_update_expected_model()

    def _hfw_update_banner(self) -> None:
        """Show before the form is filled that a call cannot work, and what would help."""
        has_address = "base_url" in self._hfw_client_settings or (self.model and is_url(self.model))
        has_token = bool(self._hfw_secret) or auth.find_machine_token() is not None
        provider = self._hfw_effective_provider
        reason = background_loop.why_unavailable(self.task, provider, token=has_token)
        if has_address or not reason:
            self._hfw_mirror.set("banner", value=None)
            return
        texts = {
            "unserved": self._hfw_describe_unserved(provider),
            "key": "You're not signed in. Paste a token, use an endpoint, or run locally.",
        }
        local = providers.embedded().serves_task(self.task)
        services = background_loop.list_services(self.task) if reason == "unserved" else []
        banner = Banner(
            text=texts[reason], why=reason, local=local, services=services[:MAX_OFFERED_SERVICES]
        )
        self._hfw_mirror.set("banner", value=banner)

    def _hfw_describe_unserved(self, provider: str | None) -> str:
        """Return that the task is not served, and by which providers it is."""
        label, services = self.declaration.label, background_loop.list_services(self.task)
        if not provider or not services:
            return f"No provider serves this task ({label})."
        return f"{provider} does not serve this task ({label}). Choose {' or '.join(services)}."

    def _hfw_do_key(self, value: str) -> None:
        # A key retries what failed; pasted before the first run, it must not start one.
        has_failed = self._hfw_mirror.get("state", "failure") is not None
        self._hfw_secret = Secret(value)
        self._hfw_update_banner()
        if has_failed:
            self._hfw_do_retry()

    def _hfw_do_endpoint(self, url: str) -> None:
        """Send calls to an endpoint's URL from now on; "" goes back to the providers."""
        url = url.strip()
        if url and not is_url(url):
            raise errors.InputError(f"{url!r} is not a URL: it should begin with https://.")
        # An address names the server itself, so the provider chosen before it goes.
        self.provider, self.model = "", url or ""

    def _hfw_do_code(self) -> None:
        """Write the call as code; nothing is sent."""
        background_loop.submit(self._hfw_write_code())

    def _hfw_build_call(self) -> code_snippets.CallDraft:
        """Return the call that a run would make; missing inputs are taken from the example."""
        inputs = {
            name: value for name, value in self._hfw_call_arguments().items() if not is_empty(value)
        }
        missing = {
            name: value
            for name, value in examples.make_arguments(self.declaration.example).items()
            if name in self.declaration.inputs and name not in inputs
        }
        model = {"model": self.model} if self.model else {}
        provider = {"provider": self.provider} if self.provider else {}
        return code_snippets.CallDraft(
            self.task,
            {**missing, **inputs, **model, **self.parameters},
            {**self._hfw_client_settings, **provider},
        )

    async def _hfw_explain_call(self, call: code_snippets.CallDraft) -> Explanation:
        return await self._hfw_get_client().explain(self.task, **call.arguments)

    async def _hfw_write_code(self) -> None:
        self._hfw_mirror.set("code", value=await self._hfw_format_code())

    async def _hfw_format_code(self) -> CodeForms:
        call = self._hfw_build_call()
        try:
            # Only curl needs the request itself; its error leaves the other forms.
            curl = code_snippets.to_curl(await self._hfw_explain_call(call))
        except errors.HfWidgetsError as error:
            curl = f"# {errors.redact(str(error))}"
        return CodeForms(
            python=code_snippets.to_python(call),
            magic=code_snippets.to_magic(call),
            hub=code_snippets.to_huggingface_hub(call),
            curl=curl,
        )

    def _hfw_do_assign(self, variable: str) -> None:
        """Assign the last result to a variable of the notebook."""
        if self.result is None:
            raise errors.InputError("There is no result to send yet. Run the panel first.")
        name = variable.strip()
        variables.assign_variable(name, self.result)
        kind = type(self.result).__name__
        self._hfw_mirror.set("sent", value=f"{name} is now the last result ({kind}).")

    def _hfw_do_install(self, name: str) -> None:
        """Download the weights that the engine asked for, and run again."""
        if name not in WEIGHT_SETS:
            raise errors.InputError(
                f"Unknown set of weights {name!r}. The sets are: {', '.join(WEIGHT_SETS)}."
            )
        self._hfw_weights_to_install = name
        # If no run begins, a later one must not install what was meant for this one.
        try:
            self._hfw_do_retry()
        except errors.HfWidgetsError:
            self._hfw_weights_to_install = ""
            raise

    _hfw_weights_to_install = ""

    async def _hfw_run_in_background(self, run: PanelRun) -> None:
        name, self._hfw_weights_to_install = self._hfw_weights_to_install, ""
        if name:
            await self._hfw_install_weights(name)
        await super()._hfw_run_in_background(run)

    async def _hfw_install_weights(self, name: str) -> None:
        self._hfw_update_state("loading", note=f"Installing the engine's {name} set", eta=None)
        # A separate process, so that Stop can end a download halfway.
        process = await asyncio.create_subprocess_exec(
            *(*engine_process.python_command(), "engine", "install", name),
            env=engine_process.subprocess_environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            process.terminate()
            raise
        if process.returncode:
            excerpt = output.decode(errors="replace")[-MAX_OUTPUT_EXCERPT:]
            raise errors.EngineError(f"The weights were not installed: {excerpt}")
