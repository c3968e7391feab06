"""The two clients: every task is a method, blocking or a coroutine."""

import functools
import os
from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, Unpack

from hfwidgets import errors
from hfwidgets.batch import MapOptions, accepts_map_options
from hfwidgets.calls.call import Call
from hfwidgets.calls.caller import AsyncCaller, SyncCaller
from hfwidgets.calls.offers import manual_mapping
from hfwidgets.calls.routing import known_default_model
from hfwidgets.calls.settings import Interceptor, Settings
from hfwidgets.client import arguments
from hfwidgets.client.arguments import OptionChanges
from hfwidgets.client.raw_requests import RawRequests
from hfwidgets.core.flow import Flow
from hfwidgets.tasks import AsyncTaskClient, BaseTask, SyncTaskClient, Tasks, find
from hfwidgets.tasks.chat import AsyncChatCall, ChatCall

if TYPE_CHECKING:
    import httpx

    from hfwidgets.batch import AsyncBatch, BatchResult
    from hfwidgets.calls.dry_run import Explanation
    from hfwidgets.results.catalogue import Catalog

C = TypeVar("C")
H = TypeVar("H", "httpx.Client", "httpx.AsyncClient")


class Completions(Generic[C]):
    """OpenAI's name for chat: `create` is the client's `chat_completion`."""

    def __init__(self, create: C) -> None:
        self.create = create

    if not TYPE_CHECKING:
        # Hidden from type checkers, which would accept any attribute otherwise.
        def __getattr__(self, name: str) -> Any:
            hint = arguments.CHAT_EQUIVALENT_NAMES.get(name)
            use = f": use client.chat.completions.{hint}" if hint else ""
            raise AttributeError(f"'Completions' object has no attribute {name!r}{use}.")


class ChatNamespace(Generic[C]):
    """OpenAI's names for chat: `client.chat.completions.create(...)`."""

    def __init__(self, create: C) -> None:
        self.completions = Completions(create)


class _Client(Tasks, RawRequests, Generic[H]):
    """The settings and the names that both clients have.

    Args:
        model: a model's id on the Hub, or the URL of an endpoint.
        provider: who serves; see `hfwidgets.providers.names()`. Left out, the rules of
            `hfwidgets.calls.routing` hold: a URL is called as it is, chat goes to the router's own
            choice.
        token: a Hub token (calls are routed) or the provider's own key (calls are direct). Left
            out, the machine's Hub token is used, and sent to the Hub's own hosts only; True
            requires it, False sends none.
        timeout: seconds for a whole call, with all its waits; None sets no limit.
        headers: sent with every request to the provider; they win over the client's own.
        cookies: sent with every request to the provider.
        bill_to: the organization on the Hub that pays for routed calls.
        base_url: the same as `model` with a URL, under OpenAI's name.
        api_key: the same as `token`, under OpenAI's name.
        max_retries: how often a request is sent again after 408, 429, 502, 503, 529 or no
            connection.
        hosts: other addresses for services, by their names (`{"hub": ..., "router": ...,
            "together": ...}`).
        mapping: the names of models at providers, so that the Hub is not asked for them:
            `{"org/model": {"together": "its name there"}}`; see
            `hfwidgets.calls.offers.manual_mapping`.
        recordings: a folder in which answers are recorded, and from which they are replayed; or
            what `hf.recordings(...)` returns.
        http_client: an httpx client with your own proxies, certificates or transports; you close
            it yourself.

    Raises:
        ConfigurationError: conflicting arguments, or an unknown provider.
    """

    def __init__(
        self,
        model: str | None = None,
        *,
        provider: str | None = None,
        token: str | bool | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        bill_to: str | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        max_retries: int = 3,
        hosts: Mapping[str, str] | None = None,
        mapping: Mapping[str, Mapping[str, Any]] | None = None,
        recordings: str | os.PathLike[str] | Interceptor | None = None,
        http_client: H | None = None,
    ) -> None:
        # An error in an argument has this frame in its traceback, whose locals some tools show.
        token, api_key = arguments.hide_text(token), arguments.hide_text(api_key)
        headers, cookies = arguments.hide_values(headers), arguments.hide_cookies(cookies)
        model, base_url = arguments.hide_key(model), arguments.hide_key(base_url)
        checked_model = arguments.check_model(model, base_url, provider)
        settings = Settings(
            model=checked_model,
            provider=arguments.check_provider(provider, checked_model),
            token=arguments.check_token(token, api_key),
            auth_rule=arguments.check_auth_rule(token),
            timeout=arguments.check_timeout(timeout),
            headers=arguments.check_header_dict(headers),
            cookies=arguments.check_header_dict(cookies, "cookies"),
            bill_to=arguments.check_bill_to(bill_to),
            max_retries=arguments.check_max_retries(max_retries),
            hosts=arguments.check_hosts(hosts),
            mapping=manual_mapping(mapping),
            recordings=arguments.to_interceptor(recordings),
        )
        self._use(self._make_caller(settings, http_client))

    # Each client narrows these: their common type could not tell blocking from awaiting.
    _caller: Any
    _run: Any

    def _use(self, caller: Any) -> None:
        self._caller = caller
        self._run = caller.run  # not a method around it: all calls pass here

    def _make_caller(self, settings: Settings, http_client: H | None) -> Any:
        raise NotImplementedError

    @property
    def _settings(self) -> Settings:
        settings: Settings = self._caller.settings
        return settings

    @property
    def model(self) -> str | None:
        """The Hub id or URL for calls that name no model; it can be set."""
        return self._settings.model

    @model.setter
    def model(self, name: str | None) -> None:
        # Known routes can stay: the client's model is a part of their key.
        self._settings.model = arguments.check_model(name, provider=self.provider)

    @property
    def provider(self) -> str | None:
        """The provider that calls go to; None if model and task decide."""
        return self._settings.provider

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers that were passed, read-only, with secrets masked."""
        masked = {name: str(value) for name, value in self._settings.headers.items()}
        return MappingProxyType(masked)

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies that were passed, read-only, with their values masked."""
        return MappingProxyType(
            {name: str(value) for name, value in self._settings.cookies.items()}
        )

    @property
    def timeout(self) -> float | None:
        """The seconds for a whole call; None sets no limit. It can be set."""
        return self._settings.timeout

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._settings.timeout = arguments.check_timeout(seconds)

    def default_model(self, task: str) -> str | None:
        """Return the model of a call that names none; None if only a request would tell."""
        return known_default_model(find(task), self._settings)

    def __repr__(self) -> str:
        if "_caller" not in vars(self):  # shown in the traceback of its own `__init__`
            return f"<{type(self).__name__}>"
        shown = {
            "model": errors.redact(self.model or "") or None,
            "provider": self.provider,
            "timeout": self.timeout,
        }
        given = ", ".join(f"{name}={value!r}" for name, value in shown.items() if value is not None)
        return f"{type(self).__name__}({given})"

    def with_options(self, **changes: Unpack[OptionChanges]) -> Self:
        """Return a client with some arguments changed; it shares connections and memory.

        Args:
            changes: model, timeout, max_retries, bill_to; headers and query, which are added.

        Raises:
            UnknownParameterError: another argument.
        """
        # `__init__` would make a driver with new connections.
        other = object.__new__(type(self))
        changed = arguments.with_changes(self._settings, changes)
        other._use(self._caller.with_settings(changed))
        return other

    if not TYPE_CHECKING:  # type checkers know the real names only

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(arguments.missing_attribute_message(type(self), name))

    def __reduce__(self) -> Any:
        raise TypeError(
            "A client holds a token and connections, so it cannot be pickled or copied: make one "
            "where it is needed."
        )

    def _build_flow(self, task: str, arguments: Mapping[str, Any]) -> tuple[BaseTask, Flow[Any]]:
        found = (isinstance(task, str) and vars(RawRequests).get(task)) or find(task)
        found.check_parameters(arguments)
        return found, found.flow(self, **arguments)


class InferenceClient(_Client["httpx.Client"], SyncTaskClient):
    """Run inference and block until the result is there: every task is a method."""

    _caller: SyncCaller

    def _make_caller(self, settings: Settings, http_client: "httpx.Client | None") -> SyncCaller:
        return SyncCaller.create(settings, http_client)

    @functools.cached_property
    def chat(self) -> ChatNamespace[ChatCall]:
        """`chat.completions.create(...)`, the same as `chat_completion`."""
        return ChatNamespace(self.chat_completion)

    def explain(self, task: str, **arguments: Any) -> "Explanation":
        """Return what a call of a task would send, and where; nothing is sent."""
        from hfwidgets.calls.dry_run import explain_call

        found, flow = self._build_flow(task, arguments)
        call = Call(self._settings, found)
        return explain_call(call, flow)

    def models(
        self, task: str | None = None, provider: str | None = None, search: str | None = None
    ) -> "Catalog":
        """List the models that are served, with their providers and, for chat, prices.

        Without `provider`, the client's own provider or URL is asked. Prices give `meta.cost` to
        later results of this client.

        Args:
            task: a task's name; None is chat, whose catalog has prices and context lengths, or
                every task for the embedded engine and for a URL.
            provider: list only what this provider offers.
            search: list only models whose id contains this text.
        """
        from hfwidgets.client import model_catalogue

        found: Catalog = self._run(
            None, model_catalogue.find_models(task, provider, search, self._settings)
        )
        return found

    @accepts_map_options.method
    def map(self, options: MapOptions) -> "BatchResult":
        """Run a task on each of many rows and return the rows' results.

        An interrupt (Stop) ends the run and returns the finished rows.
        """
        from hfwidgets.batch import run_map  # which not every client's import has to wait for

        return run_map(self._caller, options)

    def close(self) -> None:
        """Close the connections; an HTTP client that you passed stays open."""
        self._caller.driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncInferenceClient(_Client["httpx.AsyncClient"], AsyncTaskClient):
    """Run inference with `await`: every task is a coroutine method."""

    _caller: AsyncCaller

    def _make_caller(
        self, settings: Settings, http_client: "httpx.AsyncClient | None"
    ) -> AsyncCaller:
        return AsyncCaller.create(settings, http_client)

    @functools.cached_property
    def chat(self) -> ChatNamespace[AsyncChatCall]:
        """`chat.completions.create(...)`, the same as `chat_completion`."""
        return ChatNamespace(self.chat_completion)

    async def explain(self, task: str, **arguments: Any) -> "Explanation":
        """Return what a call of a task would send, and where; nothing is sent."""
        import asyncio

        from hfwidgets.calls.dry_run import explain_call

        found, flow = self._build_flow(task, arguments)
        call = Call(self._settings, found)
        # A dry run does the flow's blocking work itself.
        return await asyncio.to_thread(explain_call, call, flow)

    async def models(
        self, task: str | None = None, provider: str | None = None, search: str | None = None
    ) -> "Catalog":
        """List the models that are served, with their providers and, for chat, prices.

        Without `provider`, the client's own provider or URL is asked. Prices give `meta.cost` to
        later results of this client.

        Args:
            task: a task's name; None is chat, whose catalog has prices and context lengths, or
                every task for the embedded engine and for a URL.
            provider: list only what this provider offers.
            search: list only models whose id contains this text.
        """
        from hfwidgets.client import model_catalogue

        found: Catalog = await self._run(
            None, model_catalogue.find_models(task, provider, search, self._settings)
        )
        return found

    @accepts_map_options.method
    def map(self, options: MapOptions) -> "AsyncBatch":
        """Run a task on each of many rows: `await` it for all, or `async for` row by row."""
        from hfwidgets.batch import run_map  # which not every client's import has to wait for

        return run_map(self._caller, options)

    async def close(self) -> None:
        """Close the connections; an HTTP client that you passed stays open."""
        await self._caller.driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _explain_list(*_: object, **__: object) -> None:
    raise AttributeError("client.models is a method here: use client.models() for the list.")


for _client in (InferenceClient, AsyncInferenceClient):
    vars(_client.models)["list"] = _explain_list  # OpenAI's client lists models this way
