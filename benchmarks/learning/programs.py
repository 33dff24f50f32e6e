"""The programs that are trained, and what stands in their prompts."""

from __future__ import annotations

from typing import Any

import laws

import synalinks


class Question(synalinks.DataModel):
    """A letter."""

    question: str = synalinks.Field(description="The letter")


class Notes(synalinks.DataModel):
    """Notes on a letter."""

    notes: str = synalinks.Field(description="What the letter is about, and its desk")


class Answer(synalinks.DataModel):
    """A desk."""

    answer: str = synalinks.Field(description="The desk")


def data(part: list[Any]) -> tuple[list[Question], list[Answer]]:
    """Questions and labels."""
    return [Question(question=one.text) for one in part], [Answer(answer=one.label) for one in part]


async def build(task: str, model: Any) -> synalinks.Program:
    """The untrained program of a task."""
    inputs = synalinks.Input(data_model=Question)
    if task == "L2":
        notes = await synalinks.Generator(
            data_model=Notes, language_model=model, instructions=laws.BASE[task], name="take_notes"
        )(inputs)
        outputs = await synalinks.Generator(
            data_model=Answer, language_model=model, instructions=laws.SECOND, name="name_desk"
        )(notes)
    else:
        outputs = await synalinks.Generator(data_model=Answer, language_model=model, instructions=laws.BASE[task])(
            inputs
        )
    return synalinks.Program(inputs=inputs, outputs=outputs, name="post", description="Sends letters to desks.")


def texts(program: synalinks.Program) -> list[str]:
    """What the prompts of the program have, one text a generator."""
    found = []
    for variable in program.trainable_variables:
        shown = "\n".join(f"{one['inputs']} {one['outputs']}" for one in variable.get("examples") or ())
        found.append(f"{variable.get('instructions') or ''}\n{shown}")
    return found
