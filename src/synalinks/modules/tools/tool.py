"""Tool: a function as a module that a language model may call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from pydantic_core import PydanticSerializationError, to_jsonable_python

from synalinks import _json
from synalinks._json import Json, JsonObject
from synalinks.data import JsonDataModel, SymbolicDataModel
from synalinks.errors import ConfigurationError, DataError, SynalinksError
from synalinks.hooks import Hook
from synalinks.lm import current_run
from synalinks.modules.core.module import Module
from synalinks.modules.tools.arguments import Signature
from synalinks.modules.tools.results import result_schema, schema_of_value
from synalinks.saving import serialize_synalinks_object

#: Attempts at a call in all, and the shortest and the longest wait between two, in seconds.
ATTEMPTS, FIRST_WAIT, LONGEST_WAIT = 3, 1.0, 10.0
#: The result of a tool in an estimate or a dry run, whose arguments are invented.
SIMULATED = "A simulated result: the tool was not run."
#: Exceptions that say that arguments or function are wrong: the same call will fail the same way.
LASTING = (
    ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError, NotImplementedError,
    FileNotFoundError, PermissionError, SynalinksError, TypeError, ValueError,
)  # fmt: skip


class Tool(Module):
    """A function as a module: its signature, type hints and docstring are the schema that a model is shown.

    The function is sync or async. A sync one runs on the event loop, so one that waits is better async. What it returns
    is the tool's result: an object as it is, any other value as `{"result": value}`, and None as None. A call that
    fails is made again, at most three times in all, unless the exception says that arguments or function are wrong
    (`ValueError`, `TypeError`, `KeyError` and the like). In estimates and dry runs, whose arguments are invented, the
    function is not called.

    Example:
        >>> async def add(first: int, second: int) -> int:
        ...     '''Add two numbers.
        ...
        ...     Args:
        ...         first: one number.
        ...         second: the other one.
        ...     '''
        ...     return first + second
        >>> tool = synalinks.Tool(add)
        >>> asyncio.run(tool(first=2, second=3)).get("result")
        5
        >>> tool.get_tool_schema()["required"]
        ['first', 'second']

    Args:
        func: the function. Each parameter has a type hint and is described in the docstring; one with a default may be
            left out by the model.
        name: what models call it by; the function's name where None.
        description: what it is for; the docstring's first lines where None.
        trainable: as for any module; a tool has no variables.

    Raises:
        ConfigurationError: no function, or one that a model can't be shown; the message says what to write.
    """

    takes_plain_values: ClassVar[bool] = True

    def __init__(
        self,
        func: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        trainable: bool = False,
        hooks: Sequence[Hook] | None = None,
    ) -> None:
        if not callable(func) or isinstance(func, type):
            raise ConfigurationError(f"Tool(...) takes a function, got {type(func).__name__}: {func!r}")
        found = name or getattr(func, "__name__", None)
        if not found or not found.isidentifier():
            raise ConfigurationError(f"Tool({found or func!r}): models call a tool by name; give it one with name=")
        signature = Signature(func, found)
        super().__init__(name=found, description=description or signature.summary, trainable=trainable, hooks=hooks)
        self.func = func
        self.signature = signature
        self._details = "" if description else signature.details

    @property
    def parameters(self) -> JsonObject:
        """The JSON schema of its arguments."""
        return self.signature.schema

    def get_tool_schema(self) -> JsonObject:
        """Its name as title, what it is for, and the schema of its arguments, in one JSON schema."""
        return {**self.parameters, "description": self.description}

    def get_input_schema(self) -> JsonObject:
        """The JSON schema of its arguments."""
        return self.parameters

    def to_wire(self) -> JsonObject:
        """The tool as requests carry it: `{"name", "description", "parameters"}`."""
        text = f"{self.description}\n\n{self._details}" if self._details else self.description
        parameters = {name: value for name, value in self.parameters.items() if name != "title"}
        return {"name": self.name, "description": text, "parameters": parameters}

    def read(self, arguments: Mapping[str, object]) -> JsonObject:
        """Arguments as the function takes them.

        Raises:
            DataError: they don't obey the schema.
        """
        return self.signature.read(arguments)

    async def call(self, *args: Any, **kwargs: Any) -> JsonDataModel | None:
        """The function's result for arguments, or for the fields of one data model; None for None.

        Raises:
            DataError: wrong arguments, or a result that is not JSON.
        """
        if len(args) == 1 and not kwargs and (args[0] is None or isinstance(args[0], JsonDataModel)):
            if args[0] is None:
                return None
            kwargs, args = args[0].get_json(), ()
        if len(args) > len(self.parameters["properties"]):
            raise DataError(f"{self.name}: {len(args)} arguments for {len(self.parameters['properties'])} parameters")
        try:
            arguments = self.read({**dict(zip(self.parameters["properties"], args, strict=False)), **kwargs})
        except DataError as error:
            raise DataError(f"wrong arguments for the tool {self.name!r}: {error}") from error
        if current_run().is_simulated:
            return self._result(SIMULATED)
        return self._result(await self._attempts(arguments))

    async def _attempts(self, arguments: Mapping[str, Json]) -> object:
        """What the function gives, on the first attempt that does not fail."""
        try:
            return await self._once(arguments)
        except LASTING:
            raise
        except Exception as first:  # noqa: BLE001  whatever a user's function raises; raised again if it lasts
            return await self._again(arguments, first)

    async def _again(self, arguments: Mapping[str, Json], first: Exception) -> object:
        from tenacity import AsyncRetrying, retry_if_not_exception_type, stop_after_attempt, wait_exponential

        attempts = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(min=FIRST_WAIT, max=LONGEST_WAIT),
            retry=retry_if_not_exception_type((*LASTING, BaseExceptionGroup)),
            reraise=True,
        )
        failed = iter((first,))

        async def attempt() -> object:
            for error in failed:  # the attempt already made
                raise error
            return await self._once(arguments)

        found: object = await attempts(attempt)
        return found

    async def _once(self, arguments: Mapping[str, Json]) -> object:
        found = self.func(**arguments)
        return await found if inspect.isawaitable(found) else found

    def _result(self, value: object) -> JsonDataModel | None:
        if value is None:
            return None
        if isinstance(value, JsonDataModel):
            return value.renamed(f"{self.name}_result")
        try:
            plain: Json = value.get_json() if hasattr(value, "get_json") else to_jsonable_python(value)
            _json.dumps(plain)
        except (PydanticSerializationError, TypeError, ValueError) as error:
            raise DataError(f"the tool {self.name!r} returned what is not JSON: {error}") from error
        found = plain if isinstance(plain, dict) else {"result": plain}
        return JsonDataModel(schema=schema_of_value(found, self.name), json=found, name=f"{self.name}_result")

    async def compute_output_spec(self, *args: Any, **kwargs: Any) -> SymbolicDataModel:
        """What the function's return type says of its result."""
        return SymbolicDataModel(schema=result_schema(self.signature.returns, self.name))

    def get_config(self) -> JsonObject:
        """The function by its name, and the rest."""
        own = {"name": self.name, "description": self.description, "trainable": self.trainable}
        return {"func": serialize_synalinks_object(self.func), **own}


#: What programs give as tools: modules, functions, or tools as requests carry them.
AnyTool = Tool | Callable[..., Any] | Mapping[str, Json]


def wire_tools(
    tools: Sequence[AnyTool] | None, schemas: Sequence[Mapping[str, Json]] | None = None
) -> list[JsonObject]:
    """Tools as requests carry them, each under a name of its own.

    Args:
        tools: modules, functions, or tools in a form of JSON.
        schemas: tools as JSON: `{"name", "description", "parameters"}`, or that inside `{"type": "function",
            "function": ...}`; what has another type is the provider's own.

    Raises:
        ConfigurationError: something that is no tool, or two of one name.
    """
    found = [_on_wire(one) for one in (*(tools or ()), *(schemas or ()))]
    names = [one["name"] for one in found if "name" in one]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"two tools are called {name!r}; give one another name")
    return found


def _on_wire(tool: object) -> JsonObject:
    if isinstance(tool, Tool):
        return tool.to_wire()
    if isinstance(tool, Mapping):
        function = tool.get("function", tool)
        if tool.get("type", "function") != "function":
            return dict(tool)
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise ConfigurationError(f"a tool is {{'name', 'description', 'parameters'}}, got {dict(tool)!r}")
        return {name: value for name, value in function.items() if name != "type"}
    if callable(tool):
        return Tool(tool).to_wire()
    raise ConfigurationError(f"not a tool: {type(tool).__name__} {tool!r}; give a synalinks.Tool or a function")
