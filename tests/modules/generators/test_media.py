"""Generators with pictures and sounds: in messages, alone, and as fields of a data model."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.support.media import png, text_of, wav

import synalinks
from synalinks.data import Audio, Image
from synalinks.testing import ScriptedProvider

DATA_URL = f"data:image/png;base64,{text_of(png())}"
PART = {"type": "image_url", "image_url": {"url": DATA_URL}}


class Answer(synalinks.DataModel):
    answer: str


class Sight(synalinks.DataModel):
    question: str
    picture: Image | None = None
    more: list[Image] = []
    sound: Audio | None = None


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    (tmp_path / "picture.png").write_bytes(png())
    return tmp_path / "picture.png"


def asked(data_model: Any, given: Any, training: bool = False) -> tuple[Any, Any]:
    """The last message that a generator sends, and the generator."""
    script = ScriptedProvider(lambda call: {"answer": "a cat"})
    seen: list[Any] = []

    async def provider(call: Any) -> Any:
        seen.append(call.request)
        return await script(call)

    async def main() -> Any:
        inputs = synalinks.Input(data_model=data_model)
        generator = synalinks.Generator(data_model=Answer, language_model="ollama/m")
        program = synalinks.Program(inputs=inputs, outputs=await generator(inputs))
        with synalinks.use_provider(provider):
            assert (await program(given, training=training)).answer == "a cat"
        return generator

    generator = asyncio.run(main())
    return seen[0].messages[-1]["content"], generator


def test_a_message_with_a_picture(picture: Path) -> None:
    message = synalinks.ChatMessage(role="user", content=["What is this?", Image(path=str(picture))])  # type: ignore
    content, _ = asked(synalinks.ChatMessages, synalinks.ChatMessages(messages=[message]))
    assert content == [{"type": "text", "text": "What is this?"}, PART]
    content, _ = asked(synalinks.ChatMessage, message)
    assert content[1] == PART


def test_fields_are_sent_as_parts_and_named_in_the_json(picture: Path) -> None:
    sight = Sight(
        question="Which?",
        picture=Image(path=str(picture)),
        more=[Image(url="https://example.com/a.png")],
        sound=Audio(data=text_of(wav())),
    )
    content, _ = asked(Sight, sight)
    assert [part["type"] for part in content] == ["text", "image_url", "image_url", "input_audio"]
    text = content[0]["text"]
    assert "media:image/png;sha256=" in text and "https://example.com/a.png" in text and "media:audio/wav" in text
    assert str(picture) not in text and text_of(png()) not in text and '"question":"Which?"' in text


def test_a_picture_alone_is_an_input(picture: Path) -> None:
    for given in (Image(path=str(picture)), {"path": str(picture)}, Image(data=text_of(png()))):
        content, _ = asked(Image, given)
        assert content[1] == PART and str(picture) not in content[0]["text"]


def test_a_model_without_media_sends_plain_text() -> None:
    content, _ = asked(Sight, Sight(question="None?"))
    assert isinstance(content, str)


def test_predictions_have_digests_in_place_of_bytes_and_paths(picture: Path) -> None:
    message = synalinks.ChatMessage(role="user", content=["What?", Image(path=str(picture))])  # type: ignore
    for model, given in (
        (synalinks.ChatMessages, synalinks.ChatMessages(messages=[message])),
        (Sight, Sight(question="What?", picture=Image(path=str(picture)))),
        (Image, Image(path=str(picture))),
    ):
        _, generator = asked(model, given, training=True)
        (record,) = generator.state.get("current_predictions")
        kept = str(record["inputs"])
        assert "sha256=" in kept and str(picture) not in kept and text_of(png()) not in kept


def test_image_and_audio_inputs() -> None:
    message = synalinks.ChatMessage(role="user", content=["Hear.", Audio(data=text_of(wav()))])  # type: ignore
    for make in (synalinks.ImageInput, synalinks.AudioInput):
        inputs = make(name="seen")
        assert inputs.name == "seen" and "messages" in inputs.keys()  # noqa: SIM118
    content, _ = asked(synalinks.ChatMessages, synalinks.ChatMessages(messages=[message]))
    assert content[1]["input_audio"]["format"] == "wav"


def test_dicts_of_messages_are_chats(picture: Path, tmp_path: Path) -> None:
    turn = {"role": "user", "content": ["What?", Image(path=str(picture))]}
    chats = (turn, {"messages": [turn]})
    for data_model, given in zip((synalinks.ChatMessage, synalinks.ChatMessages), chats, strict=True):
        content, _ = asked(data_model, given)
        assert content == [{"type": "text", "text": "What?"}, PART]

    async def main() -> None:
        seen: list[Any] = []

        async def provider(call: Any) -> Any:
            seen.append(call.request.messages[-1]["content"])
            return synalinks.lm.Reply("a cat", finish="stop")

        inputs = synalinks.Input(data_model=synalinks.ChatMessages)
        outputs = await synalinks.Generator(language_model="ollama/m")(inputs)
        program = synalinks.Program(inputs=inputs, outputs=outputs)
        program.save(tmp_path / "p.json")
        model = synalinks.LanguageModel("ollama/m", caching=False)
        callers = (
            program,
            synalinks.Program.load(tmp_path / "p.json"),
            synalinks.Generator(language_model=model),
            model,
        )
        with synalinks.use_provider(provider):
            for caller in callers:
                assert (await caller({"messages": [turn]})).content == "a cat"
            await model(turn)
            await model([turn])
        assert len(seen) == 6 and all(one[1] == PART for one in seen)

    asyncio.run(main())


def test_examples_have_digests_too(picture: Path) -> None:
    examples = [(Sight(question="What?", picture=Image(path=str(picture))), Answer(answer="a cat"))]
    generator = synalinks.Generator(data_model=Answer, language_model="ollama/m", examples=examples)
    kept = str(generator.state.get("examples"))
    assert "sha256=" in kept and str(picture) not in kept and text_of(png()) not in kept
