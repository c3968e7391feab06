"""Declare a task as one generator method, which both clients show as their own.

The type variables' order matters: completion in a live kernel pairs them by position and does not
support ParamSpec, so the result type comes before the parameters.
"""

import functools
import inspect
import operator
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import (
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    TypeVar,
    get_args,
    get_origin,
    overload,
)

from hfwidgets import errors
from hfwidgets.core.drop_none import is_left_out
from hfwidgets.core.flow import Flow, StreamedReply
from hfwidgets.core.missing import is_missing
from hfwidgets.core.streams import AsyncStream, Stream
from hfwidgets.errors.excerpt import name_type, show_value
from hfwidgets.results.record import TextRecord
from hfwidgets.tasks import controls
from hfwidgets.tasks.lazy_signature import LazySignature
from hfwidgets.tasks.list_answers import ListAnswers
from hfwidgets.tasks.output_kind import find_output_kind

T = TypeVar("T")
S = TypeVar("S")
A = TypeVar("A")
P = ParamSpec("P")

CLIENT_ARGUMENTS = frozenset(
    {
        *("provider", "token", "timeout", "headers", "cookies", "bill_to", "base_url", "api_key"),
        *("max_retries", "hosts", "mapping", "recordings", "http_client"),
    }
)
"""What a client is made with, which people also try to pass to a call."""

TASKS: dict[str, "BaseTask"] = {}
"""All tasks by their name on the Hub, in the order of their declaration."""


class SyncTaskClient:
    """A client whose methods block."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _add_functions(cls)

    _run: Callable[["BaseTask | None", Flow[Any]], Any]
    """Returns the result of a flow, or its open stream."""


class AsyncTaskClient:
    """A client whose methods are awaited."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _add_functions(cls)

    _run: Callable[["BaseTask | None", Flow[Any]], Awaitable[Any]]
    """Returns the result of a flow, or its open stream."""


def _add_functions(owner: type) -> None:
    """Put each inherited task into a client's class as a plain function.

    Code that looks at methods (autospec, retrying decorators, help) finds what it expects: in an
    async client, a coroutine function.
    """
    inherited = {
        name: found for base in reversed(owner.__mro__) for name, found in vars(base).items()
    }
    for name, found in inherited.items():
        if isinstance(found, BaseTask):
            setattr(owner, name, found.function_for(owner))


class BaseTask:
    """The declaration of a task, from which clients, panels, magics and batches are derived.

    Attributes:
        name: The Hub's name, `text-classification`.
        method: The clients' name, `text_classification`.
        label: The name that people read.
        hub_name: The name in the Hub's provider mapping, where it differs from `name`.
        known_as: Other names that `find` accepts.
        list_answers: The form of the answers where servers take a list of first inputs at once;
            None where they take one.
        example: Parameters to try the task with; `examples.make_arguments` makes their media.
        hints: How some parameters are best asked for.
        signature: The parameters, without self, and the result's type.
        call_options: Keywords that are not the task's but the client's, for one call.
    """

    call_options: Mapping[str, str] = {}

    def __init__(
        self,
        flow: Callable[..., Flow[Any]],
        label: str,
        example: Mapping[str, Any],
        hints: Mapping[str, controls.Control],
        hub_name: str | None = None,
        known_as: tuple[str, ...] = (),
        list_answers: ListAnswers | None = None,
    ) -> None:
        self.__doc__ = flow.__doc__
        self.__wrapped__ = flow  # so that help and go-to-definition find the declaration
        self.function = flow
        self.label = label
        self.example = dict(example)
        self.hints = dict(hints)
        self.method = flow.__name__
        self.name = self.method.replace("_", "-")
        self.hub_name = hub_name or self.name
        self.known_as = known_as
        self.list_answers = list_answers

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        try:
            full = inspect.signature(self.function, eval_str=True)
        except NameError:  # a name that exists for type checkers or in a function only
            full = inspect.signature(self.function)
        _self, *parameters = full.parameters.values()
        # Flow[T] is Generator[Any, Any, T]: the result is the last argument. An annotation that
        # stayed a text has no arguments and stands for itself.
        result = (get_args(full.return_annotation) or (full.return_annotation,))[-1]
        return full.replace(parameters=parameters, return_annotation=result)

    @property
    def __signature__(self) -> inspect.Signature:
        return self.signature

    @functools.cached_property
    def controls(self) -> dict[str, controls.Control]:
        """How each parameter is asked for, without the model and what only code can pass."""
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        shown = {n: p for n, p in self.signature.parameters.items() if p.kind in kinds}
        return {
            name: self.hints.get(name) or controls.derive_control(parameter)
            for name, parameter in shown.items()
            if name not in ("model", "stream", "extra_body")
        }

    @property
    def is_builtin(self) -> bool:
        """True if this package declares the task."""
        return self.function.__module__.startswith(f"{__package__}.")

    @functools.cached_property
    def domain(self) -> str:
        """The module of a task of this package; of any other, what its inputs suggest."""
        if self.is_builtin:
            module = self.function.__module__.rpartition(".")[2]
            return str(self.function.__globals__.get("DOMAIN", module))
        shown = [self.controls[name] for name in self.inputs if name in self.controls]
        media = {control.kind for control in shown if isinstance(control, controls.MediaInput)}
        if any(isinstance(control, controls.TableInput) for control in shown):
            return "tabular"
        if not media:
            return "text"
        alone = len(shown) == 1
        return ("audio" if media == {"audio"} else "vision") if alone else "multimodal"

    @functools.cached_property
    def output(self) -> str:
        """The kind of file that the result is or holds: image, audio, video, or ""."""
        return find_output_kind(self.signature.return_annotation)

    @functools.cached_property
    def doc(self) -> str:
        """The first line of the task's description."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @functools.cached_property
    def parameters(self) -> dict[str, str]:
        """Each parameter's description, from the docstring."""
        _, _, text = (inspect.getdoc(self.function) or "").partition("Args:\n")
        text = text.partition("\n\n")[0]
        found = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", text, re.MULTILINE)
        return {name: " ".join(words.split()) for name, words in found}

    @functools.cached_property
    def inputs(self) -> tuple[str, ...]:
        """The names of the task's inputs: the parameters that may be passed by position."""
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return tuple(name for name, p in self.signature.parameters.items() if p.kind is kind)

    @functools.cached_property
    def text_inputs(self) -> frozenset[str]:
        """The names of the inputs that are texts."""
        known = self.signature.parameters
        return frozenset(name for name in self.inputs if known[name].annotation in (str, "str"))

    @functools.cached_property
    def required_parameters(self) -> tuple[str, ...]:
        """The names of the parameters that every call must pass."""
        known = self.signature.parameters.values()
        return tuple(p.name for p in known if p.default is p.empty and p.kind is not p.VAR_KEYWORD)

    def check_parameters(self, names: Mapping[str, Any] | set[str]) -> None:
        """Raise UnknownParameterError, with similar names, for a name that is not a parameter."""
        known = self.signature.parameters
        if any(p.kind is p.VAR_KEYWORD for p in known.values()):
            return
        for name in names:
            if name in CLIENT_ARGUMENTS and name not in known:
                raise errors.UnknownParameterError(
                    f"{self.method} has no parameter {name!r}: it belongs to the client. Pass it "
                    f"there: InferenceClient({name}=...).{self.method}(...)."
                )
            if name not in known:
                raise errors.UnknownParameterError(
                    f"{self.method} has no parameter {name!r}.{errors.did_you_mean(name, known)} "
                    f"It has: {', '.join(known)}."
                )

    def flow(self, client: Any, /, *args: object, **kwargs: object) -> Flow[Any]:
        """Begin a call: return its flow, with its arguments checked as far as their types tell.

        openai's `NOT_GIVEN` and `omit` count as not passed.

        Raises:
            UnknownParameterError: A parameter is unknown or missing.
            InputTypeError: An input that should be a text is something else.
        """
        if kwargs:
            kwargs = {name: value for name, value in kwargs.items() if not is_left_out(value)}
        for at, (name, value) in enumerate(zip(self.inputs, args, strict=False)):
            if type(value) is not str and name in self.text_inputs:
                args = (*args[:at], self._check_text(name, value), *args[at + 1 :])
        for name in self.text_inputs & kwargs.keys():
            kwargs[name] = self._check_text(name, kwargs[name])
        try:
            # A generator function binds its arguments here and runs nothing of its body yet: a
            # TypeError means that the arguments do not fit.
            return self.function(client, *args, **kwargs)
        except TypeError as error:
            raise self._argument_error(args, kwargs) from error

    def _check_text(self, name: str, value: object) -> Any:
        """Return an input that should be a text; a result that is a text counts as one."""
        if isinstance(value, str) or is_missing(value) or hasattr(value, "iloc"):
            return value  # a missing value and a column have errors of their own
        if isinstance(value, TextRecord):
            return value.text
        many = isinstance(value, (list, tuple, set)) or hasattr(value, "__array__")
        raise errors.InputTypeError(
            f"{name} of {self.method} must be a text; it is {name_type(value)}.",
            advice=f"client.map({self.name!r}, ...) processes many." if many else "",
        )

    def function_for(self, owner: type) -> Callable[..., Any]:
        """Return the task as a method of a client's class."""
        is_async = issubclass(owner, AsyncTaskClient)
        function = self._make_async_function() if is_async else self._make_function()
        functools.update_wrapper(function, self.function)
        function.__qualname__ = f"{owner.__name__}.{self.method}"
        result_type = functools.partial(self.result_type, is_async)
        signature = LazySignature(self.function, result_type)
        # update_wrapper has set __wrapped__ to the generator function, whose return type is a Flow;
        # help must show what a call returns.
        vars(function).update(__wrapped__=signature, task=self)
        return function

    def _make_function(self) -> Callable[..., Any]:
        def method(client: Any, /, *args: object, **kwargs: object) -> Any:
            if self.call_options and not self.call_options.keys().isdisjoint(kwargs):
                client = self._apply_call_options(client, kwargs)
            return client._run(self, self.flow(client, *args, **kwargs))

        return method

    def _make_async_function(self) -> Callable[..., Any]:
        async def method(client: Any, /, *args: object, **kwargs: object) -> Any:
            if self.call_options and not self.call_options.keys().isdisjoint(kwargs):
                client = self._apply_call_options(client, kwargs)
            return await client._run(self, self.flow(client, *args, **kwargs))

        return method

    def result_type(self, is_async: bool) -> Any:
        """Return the type of a call's result, as users see it."""
        return self.signature.return_annotation

    def _argument_error(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> TypeError:
        """Build the error for the arguments of a call that Python could not bind."""
        self.check_parameters(kwargs)
        names = self.inputs
        if len(args) > len(names):
            others = [name for name in self.signature.parameters if name not in names]
            return errors.UnknownParameterError(
                f"{self.method} accepts {', '.join(names)} by position, and the others by their "
                f"names: {', '.join(others)}."
            )
        try:
            self.signature.bind(*args, **kwargs)
        except TypeError as error:
            return errors.UnknownParameterError(f"{self.method}: {error}.")
        return TypeError(f"{self.method} could not be called.")

    def _apply_call_options(self, client: Any, kwargs: dict[str, Any]) -> Any:
        """Return the client with the options of one call, which are taken out of `kwargs`."""
        changes = {
            option: kwargs.pop(name) for name, option in self.call_options.items() if name in kwargs
        }
        given = {option: value for option, value in changes.items() if not is_left_out(value)}
        return client.with_options(**given) if given else client

    def __repr__(self) -> str:
        return f"<task {self.name}>"


class Task(BaseTask, Generic[T, P]):
    """A task with one result."""

    @overload
    def __get__(
        self, client: None, owner: type[SyncTaskClient]
    ) -> Callable[Concatenate[Any, P], T]: ...
    @overload
    def __get__(
        self, client: None, owner: type[AsyncTaskClient]
    ) -> Callable[Concatenate[Any, P], Awaitable[T]]: ...
    @overload
    def __get__(self, client: None, owner: type) -> "Task[T, P]": ...
    @overload
    def __get__(self, client: SyncTaskClient, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: AsyncTaskClient, owner: type) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        return self  # clients have functions in its place, see `_add_functions`


class StreamingTask(BaseTask, Generic[S, A]):
    """A task whose result may come in parts; S and A are the call's types for the two clients."""

    def result_type(self, is_async: bool) -> Any:
        """Return the result's type, with the client's stream in place of the open reply."""
        parts = get_args(self.signature.return_annotation)
        whole = [part for part in parts if get_origin(part) is not StreamedReply]
        items = [get_args(part)[0] for part in parts if get_origin(part) is StreamedReply]
        stream: Any = AsyncStream if is_async else Stream
        result = functools.reduce(operator.or_, whole)
        return result | stream[items[0], result]

    @overload
    def __get__(self, client: None, owner: type) -> "StreamingTask[S, A]": ...
    @overload
    def __get__(self, client: SyncTaskClient, owner: type) -> S: ...
    @overload
    def __get__(self, client: AsyncTaskClient, owner: type) -> A: ...
    def __get__(self, client: Any, owner: type) -> Any:
        return self  # clients have functions in its place, see `_add_functions`


D = TypeVar("D", bound=BaseTask)


def register(declared: D) -> D:
    """Add a task to `TASKS` and, as a method, to both clients; declaring one does this.

    Everything else follows from the declaration: dry run, magics, panels, `map`, hf-inference,
    endpoints and the embedded engine. A task that was declared outside this package may be
    declared again, as when a notebook's cell is run twice.

    Raises:
        ConfigurationError: hfwidgets has a task or a client method of this name already.
    """
    before = TASKS.get(declared.name)
    if before is not None and before.is_builtin:
        raise _taken_name_error(declared)
    bases = (SyncTaskClient, AsyncTaskClient)
    # Every client is checked before any changes: a refusal must leave nothing half done.
    for client in (*bases, *(client for base in bases for client in base.__subclasses__())):
        found = getattr(client, declared.method, None)
        is_ours = before is not None and getattr(found, "task", None) is before
        if found is not None and not is_ours:
            raise _taken_name_error(declared)
    TASKS[declared.name] = declared
    for client in bases:
        setattr(client, declared.method, declared.function_for(client))
    return declared


def unregister(name: str) -> None:
    """Remove a task that was declared outside this package from `TASKS` and both clients."""
    declared = TASKS.pop(name)
    for client in (SyncTaskClient, AsyncTaskClient):
        delattr(client, declared.method)


def _taken_name_error(declared: BaseTask) -> errors.ConfigurationError:
    return errors.ConfigurationError(
        f"hfwidgets has {declared.method} already: give the new task another name."
    )


def task(
    label: str,
    example: Mapping[str, Any],
    /,
    *,
    known_as: tuple[str, ...] = (),
    list_answers: ListAnswers | None = None,
    **hints: controls.Control,
) -> Callable[[Callable[Concatenate[Any, P], Flow[T]]], Task[T, P]]:
    """Declare a generator method as a task with this label."""

    def declare(flow: Callable[Concatenate[Any, P], Flow[T]]) -> Task[T, P]:
        found: Task[T, P] = Task(
            flow, label, example, hints, known_as=known_as, list_answers=list_answers
        )
        return register(found)

    return declare


def streaming_task(
    sync: Callable[..., S],
    awaited: Callable[..., A],
    label: str,
    example: Mapping[str, Any],
    /,
    *,
    hub_name: str | None = None,
    known_as: tuple[str, ...] = (),
    of_call: Mapping[str, str] | None = None,
    **hints: controls.Control,
) -> Callable[[Callable[..., Flow[Any]]], StreamingTask[S, A]]:
    """Declare a generator method as a task that can stream.

    Args:
        sync: The exact type of the blocking client's calls; never called.
        awaited: The exact type of the async client's calls; never called.
        label: The task's label.
        example: Parameters to try the task with.
        hub_name: The name in the Hub's provider mapping, where it differs.
        known_as: Other names that `find` accepts.
        of_call: Keywords that are options of the client for one call, by the names that
            `with_options` has for them.
        hints: How parameters are best asked for.
    """

    def declare(flow: Callable[..., Flow[Any]]) -> StreamingTask[S, A]:
        found = StreamingTask[S, A](flow, label, example, hints, hub_name, known_as)
        found.call_options = of_call or {}
        return register(found)

    return declare


class Operation(Task[T, P]):
    """A method of both clients that is not a task and stays out of `TASKS`."""


class StreamingOperation(StreamingTask[S, A]):
    """An operation whose result may come in parts."""


def operation(flow: Callable[Concatenate[Any, P], Flow[T]]) -> Operation[T, P]:
    """Declare a generator method as one of both clients."""
    return Operation(flow, "", {}, {})


def streaming_operation(
    sync: Callable[..., S], awaited: Callable[..., A]
) -> Callable[[Callable[..., Flow[Any]]], StreamingOperation[S, A]]:
    """Declare a generator method that can stream as one of both clients."""
    return lambda flow: StreamingOperation(flow, "", {}, {})


def find(name: str) -> BaseTask:
    """Return the task of this name, with hyphens or underscores, or of this other name.

    Raises:
        UnknownTaskError: No task has this name; similar names are suggested.
    """
    plain = name.strip().lower().replace("_", "-") if isinstance(name, str) else ""
    if plain in TASKS:
        return TASKS[plain]
    for task in TASKS.values():
        if plain in task.known_as:
            return task
    raise errors.UnknownTaskError(
        f"Unknown task {show_value(name)}.{errors.did_you_mean(plain, TASKS)} "
        f"Tasks: {', '.join(TASKS)}."
    )
