"""What the tests of the semantics share: a stand-in server whose rule is written here, and a log of what happens."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import synalinks
from programs_under_test import Answer, Fresh, Question
from synalinks import scope
from synalinks.callbacks import Callback
from synalinks.optimizers import Optimizer
from synalinks.testing import ChatRequest, OllamaServer

Law = Callable[[int, ChatRequest], int]
HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


def number_in(request: ChatRequest) -> int:
    """The number that a request's question ends in."""
    return int(json.loads(request.last_user_text)["question"].rpartition(" ")[2])


def taught(number: int, request: ChatRequest) -> int:
    """Right with examples in the prompt; without, right about even numbers only."""
    return number if "<examples>" in request.system or number % 2 == 0 else -1


def always(number: int, request: ChatRequest) -> int:
    """Always right."""
    return number


def attempts(number: int, request: ChatRequest) -> int:
    """The later the attempt that `Fresh` wrote into the instructions, the more numbers come out right."""
    found = re.search(r"attempt (\d+)", request.system)
    return number if number % 10 < (int(found[1]) if found else 0) else -1


def one_better(seen: Any, request: ChatRequest) -> dict[str, Any]:
    """A proposer's answer: the next attempt after those it is shown."""
    known = [int(found) for found in re.findall(r"attempt (\d+)", json.dumps(seen))]
    return {"instructions": f"attempt {max(known, default=0) + 1}"}


def server(law: Law = taught, propose: Callable[..., Any] = one_better, **options: Any) -> OllamaServer:
    """A stand-in server that answers questions by a law, and an optimizer's requests by another."""

    def rule(request: ChatRequest) -> str:
        seen = json.loads(request.last_user_text)
        if "current_variable" in seen:
            return json.dumps({"thinking": "So.", **propose(seen, request)})
        return json.dumps({"answer": law(number_in(request), request)})

    return OllamaServer(model=rule, env=True, **options)


async def solver(**options: Any) -> synalinks.Program:
    """A program of one generator that asks the server, as a new session makes it."""
    synalinks.clear_session(free_memory=False)
    inputs = synalinks.Input(data_model=Question)
    outputs = await synalinks.Generator(data_model=Answer, language_model="ollama/stand-in", **options)(inputs)
    return synalinks.Program(inputs=inputs, outputs=outputs, name="solver")


def compiled(optimizer: Any = None, reward: Any = "exact_match", **options: Any) -> Any:
    """A solver ready to be trained."""
    program = asyncio.run(solver())
    program.compile(optimizer=optimizer or synalinks.RandomFewShot(), reward=reward, **options)
    return program


def train(program: Any, *data: Any, **options: Any) -> Any:
    """Train, silently."""
    return asyncio.run(program.fit(*data, **{"verbose": 0, "seed": 1, **options}))


def shown(request: Any) -> str:
    """The system message of a request that the server has logged."""
    return str(request.body["messages"][0]["content"])


def asked(request: Any) -> int:
    """The number in the question of a request that the server has logged."""
    return number_in(ChatRequest(messages=request.body["messages"]))


class Log:
    """What happened, in order; `("call", phase)` and `("reward", phase)` once for a run of them."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def note(self, *event: Any) -> None:
        """Add an event, unless it is one more of the same calls."""
        if event[0] not in ("call", "reward") or not self.events or self.events[-1] != event:
            self.events.append(event)

    def reward(self) -> Any:
        """A reward that notes the phase it is asked in."""

        async def right(y_true: Any, y_pred: Any) -> float:
            self.note("reward", scope.current().phase)
            return float(y_true.get_json() == y_pred.get_json())

        return right

    def callback(self) -> Callback:
        """A callback that notes every hook."""

        def hook(name: str) -> Any:
            return lambda callback, *args: self.note("callback", name[3:])

        return type("Noting", (Callback,), {name: hook(name) for name in HOOKS})()  # type: ignore[no-any-return]

    def optimizer(self, base: type[Optimizer] = Fresh, **options: Any) -> Any:
        """An optimizer that notes every hook, and the phase it is called in."""

        def hook(name: str) -> Any:
            original = getattr(base, name)

            async def later(optimizer: Any, *args: Any) -> Any:
                self.note("optimizer", name, scope.current().phase)
                return await original(optimizer, *args)

            def now(optimizer: Any, *args: Any) -> Any:
                self.note("optimizer", name, scope.current().phase)
                return original(optimizer, *args)

            return later if asyncio.iscoroutinefunction(original) else now

        names = ("on_train_begin", "on_epoch_begin", "on_batch_begin", "assign_rewards", "propose", "on_batch_end")
        names += ("on_epoch_end", "on_train_end")
        return type("Noted", (base,), {name: hook(name) for name in names})(**options)
