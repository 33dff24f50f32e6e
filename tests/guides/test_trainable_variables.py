"""A module with trainable state of its own and a counter, as the guide to trainable variables describes it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import synalinks
from guides.scripts import expected_output


class Name(synalinks.DataModel):
    """Somebody to greet."""

    name: str = synalinks.Field(description="Whom to greet")


class Greeting(synalinks.DataModel):
    """What is said."""

    greeting: str = synalinks.Field(description="The greeting")


class Persona(synalinks.Trainable):
    """The manner of a speaker."""

    persona: str = synalinks.Field(default="Somebody polite.", description="Who is speaking")


class CallStats(synalinks.DataModel):
    """How busy a module has been."""

    count: int = synalinks.Field(default=0, description="Number of calls")


class Personalize(synalinks.Module):
    """Greets in the manner of a persona that an optimizer may change."""

    def __init__(
        self,
        persona: str | None = None,
        name: str | None = None,
        description: str | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(name=name, description=description, trainable=trainable)
        self.persona = persona
        first = Persona() if persona is None else Persona(persona=persona)
        self.state = self.add_variable(initializer=first.get_json(), data_model=Persona, name="persona_" + self.name)
        self.stats = self.add_variable(
            initializer=CallStats().get_json(), data_model=CallStats, trainable=False, name="stats_" + self.name
        )

    async def call(self, inputs: Any, training: bool = False) -> Any:
        if inputs is None:
            return None
        self.stats.update({"count": self.stats.get("count") + 1})
        result = Greeting(greeting=f"[{self.state.get('persona')}] hello {inputs.get('name')}")
        if training:
            self.state.get("current_predictions").append(
                {"inputs": inputs.get_json(), "outputs": result.get_json(), "reward": None}
            )
        return result

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(data_model=Greeting)

    def get_config(self) -> dict[str, Any]:
        return {
            "persona": self.persona,
            "name": self.name,
            "description": self.description,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


class Mirror(synalinks.Module):
    """A module whose state has the fields of its input; it is only known when it is built."""

    def build(self, input_schema: dict[str, Any]) -> None:
        self.given = input_schema
        self.seen = self.add_variable(
            initializer=dict.fromkeys(input_schema["properties"], ""),
            data_model=synalinks.SymbolicDataModel(schema=input_schema),
            trainable=False,
            name="seen_" + self.name,
        )

    async def call(self, inputs: Any, training: bool = False) -> Any:
        self.seen.assign(inputs.get_json())
        return inputs

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(schema=inputs.get_schema())


PIRATE = "A pirate who shouts."
ACADEMIC = "A precise, formal academic."


async def greeter(persona: str | None = PIRATE) -> synalinks.Program:
    inputs = synalinks.Input(data_model=Name)
    outputs = await Personalize(persona=persona)(inputs)
    return synalinks.Program(inputs=inputs, outputs=outputs, name="greeter")


def headline(text: str) -> None:
    print("=" * 60)
    print(text)
    print("=" * 60)


async def tour() -> None:
    """What the guide's script shows, in its order."""
    program = await greeter()
    headline("Trainable variables collected by the program")
    for variable in program.trainable_variables:
        print(f"- {variable.name}: fields = {list(variable.get_json())}")
    print()
    print("Non-trainable variables (runtime state, not optimized):")
    for variable in program.non_trainable_variables:
        print(f"- {variable.name}: fields = {list(variable.get_json())}")
    print()
    headline("Running the program with the initial persona")
    print("output:", (await program(Name(name="Ada"))).get("greeting"))
    print()
    headline("Simulating an optimizer step: assign() a new persona")
    state = program.get_variable(name="persona_personalize")
    state.update({"persona": ACADEMIC})
    print("new persona:", state.get("persona"))
    print("output:", (await program(Name(name="Ada"))).get("greeting"))
    print()
    headline("Non-trainable state: the call counter")
    stats = program.get_variable(name="stats_personalize")
    print(f"{stats.name}: count = {stats.get('count')}")


def said(printed: str) -> list[str]:
    """The lines of an output; the guide's page has lost the empty ones."""
    return [line for line in printed.splitlines() if line.strip()]


def test_it_prints_the_guides_expected_output(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    guide = (shared / "seeds" / "guide_trainable_variables.txt").read_text(encoding="utf-8")
    block = expected_output(guide)
    last = "stats_personalize: count = 2"
    expected = block[: block.index(last) + len(last)]
    asyncio.run(tour())
    assert said(capsys.readouterr().out) == said(expected)


def test_a_saved_program_comes_back_with_its_state_and_its_configuration(tmp_path: Path) -> None:
    path = tmp_path / "greeter.json"

    async def main() -> None:
        program = await greeter()
        program.get_variable(name="persona_personalize").update({"persona": ACADEMIC})
        await program(Name(name="Ada"))
        program.save(path)
        loaded = synalinks.Program.load(path, custom_objects={"Personalize": Personalize})
        module = loaded.get_module(name="personalize")
        assert isinstance(module, Personalize)
        assert module.persona == PIRATE, "from_config was given what get_config returned"
        assert module.state.get("persona") == ACADEMIC, "the saved state lies over it"
        assert (await loaded(Name(name="Eve"))).get("greeting") == f"[{ACADEMIC}] hello Eve"
        assert module.stats.get("count") == 2, "the counter goes on from where it was saved"
        synalinks.clear_session()  # automatic names begin anew
        again = await greeter()
        again.load(path)
        assert again.get_state_tree() == program.get_state_tree()

    asyncio.run(main())


def test_the_output_spec_is_what_the_graph_is_built_on() -> None:
    async def main() -> None:
        program = await greeter()
        assert program.output.get_schema() == Greeting.get_schema()
        assert program.get_variable(name="stats_personalize").get("count") == 0, "`call` was not run to find it"

    asyncio.run(main())


def test_an_optimizer_trains_the_module() -> None:
    """Every prediction is found, rewarded, and shown to the optimizer, though the module names no sample."""
    names = ["Ada", "Bob", "Cyd", "Dan", "Eve"]

    async def main() -> None:
        program = await greeter()
        program.compile(optimizer=synalinks.optimizers.RandomFewShot(nb_max_examples=2), reward=synalinks.ExactMatch())
        targets = [
            Greeting(greeting=f"[{PIRATE}] hello {name}" if name in ("Ada", "Cyd") else "something else")
            for name in names
        ]
        await program.fit(
            [Name(name=name) for name in names], targets, batch_size=3, validation_split=0, verbose=0, seed=1
        )
        state = program.get_variable(name="persona_personalize").get_json()
        rewards = {record["inputs"]["name"]: record["reward"] for record in state["predictions"]}
        assert rewards == {"Ada": 1.0, "Bob": 0.0, "Cyd": 1.0, "Dan": 0.0, "Eve": 0.0}
        assert state["nb_visit"] == 2, "the last step had two samples"
        assert state["persona"] == PIRATE, "an optimizer of examples leaves the learnable field alone"
        assert all(r["inputs"]["name"] in ("Ada", "Cyd") for c in state["best_candidates"] for r in c["examples"])

    asyncio.run(main())


def test_build_is_given_the_schema_of_the_input_and_locks_the_state() -> None:
    async def main() -> None:
        inputs = synalinks.Input(data_model=Name)
        mirror = Mirror()
        program = synalinks.Program(inputs=inputs, outputs=await mirror(inputs), name="mirror_program")
        assert mirror.given == Name.get_schema()
        assert [variable.name for variable in program.non_trainable_variables] == ["seen_mirror"]
        await program(Name(name="Ada"))
        assert mirror.seen.get_json() == {"name": "Ada"}
        with pytest.raises(synalinks.ConfigurationError, match=r"mirror: .*__init__.*build"):
            mirror.add_variable(initializer={}, data_model=CallStats, name="late")

    asyncio.run(main())


def test_a_data_model_that_is_not_trainable_is_never_trained() -> None:
    class Forgetful(synalinks.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stats = self.add_variable(initializer=CallStats().get_json(), data_model=CallStats, trainable=True)

    module = Forgetful()
    assert module.trainable_variables == []
    assert module.non_trainable_variables == [module.stats]


def test_a_trainable_field_without_a_default_is_refused_where_it_is_declared() -> None:
    class Tone(synalinks.Trainable):
        tone: str = synalinks.Field(description="How it sounds")

    class Speaker(synalinks.Module):
        def __init__(self) -> None:
            super().__init__()
            self.state = self.add_variable(initializer={"tone": "calm"}, data_model=Tone, name="tone")

    with pytest.raises(synalinks.ConfigurationError, match=r"Tone has none for tone"):
        Speaker()
