"""Data models: fields and schemas, the operators on them, and classes that pydantic users have already.

synalinks run examples/guides/data_models.py --cassette cassettes/guides/data_models.jsonl --offline
"""

import asyncio
from typing import Literal

import pydantic

import synalinks

MODEL = "ollama/llama3.2:latest"
synalinks.set_price(MODEL, input=0.15, output=0.60)  # dollars per million tokens


class Ticket(synalinks.DataModel):
    """What a customer writes."""

    text: str = synalinks.Field(description="The words of the customer")
    customer: str | None = None


class Triage(synalinks.DataModel):
    """Where a ticket goes."""

    topic: Literal["billing", "delivery", "other"] = synalinks.Field(description="What it is about")


class Urgency(pydantic.BaseModel):
    """How long a ticket can wait."""

    urgency: Literal["urgent", "can wait"]


async def main():
    ticket = Ticket(text="I was charged twice on this invoice.")
    print(ticket.get_json())
    print(list(Triage.get_schema()["properties"]))

    # `+` puts fields side by side; of two fields with one name the second gets a number.
    print(list((ticket + ticket).get_json()))
    # Masks choose fields, `|` and `&` admit None on one side or on neither.
    print((ticket + Triage(topic="billing")).in_mask(mask=["topic"]).get_json())
    print((ticket | None).get_json() == ticket.get_json(), ticket & None)

    # On symbols the same operators make the graph of a program.
    inputs = synalinks.Input(data_model=Ticket)
    triage = await synalinks.Generator(data_model=Triage, language_model=MODEL, name="topic")(inputs)
    urgency = await synalinks.Generator(data_model=Urgency, language_model=MODEL, name="urgency")(inputs)
    program = synalinks.Program(inputs=inputs, outputs=triage + urgency, name="triage")
    for text in (ticket.text, "Where is my parcel? It has to arrive today."):
        result = await program({"text": text})
        if result is not None:
            print(f"{result.topic}, {result.urgency}: {text}")

    # What breaks the schema is an error before a call is made.
    try:
        await program({"words": "..."})
    except synalinks.DataError as error:
        print(f"refused: {str(error).splitlines()[0]}")


if __name__ == "__main__":
    asyncio.run(main())
