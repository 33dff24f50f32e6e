"""Multimodal: pictures in messages, as inputs, and as fields beside text.

synalinks run examples/guides/multimodal.py --cassette cassettes/guides/multimodal.jsonl --offline
"""

import asyncio
import struct
import tempfile
import zlib
from pathlib import Path

import synalinks

MODEL = "ollama/llama3.2-vision:latest"
synalinks.set_price(MODEL, input=0.15, output=0.60)  # dollars per million tokens


class Size(synalinks.DataModel):
    size: str = synalinks.Field(description="Width and height of the picture")


class Sight(synalinks.DataModel):
    picture: synalinks.Image
    question: str


def png(width, height):
    """A grey picture, in the bytes of a PNG file."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = b"".join(b"\x00" + b"\x80" * width for _ in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


async def looker(data_model):
    inputs = synalinks.Input(data_model=data_model)
    outputs = await synalinks.Generator(data_model=Size, language_model=MODEL)(inputs)
    return synalinks.Program(inputs=inputs, outputs=outputs, name="looker")


async def main():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.png"
        path.write_bytes(png(3, 2))

        # A picture is given by path, by address or as bytes; a cassette has its digest and size.
        message = synalinks.ChatMessage(role="user", content=["How large is it?", synalinks.Image(path=path)])
        program = await looker(synalinks.ChatMessages)
        result = await program(synalinks.ChatMessages(messages=[message]))
        print("in a message:", None if result is None else result.size)

        program = await looker(synalinks.Image)
        result = await program(synalinks.Image(data=png(5, 4)))
        print("as an input:", None if result is None else result.size)

        program = await looker(Sight)
        result = await program(Sight(picture=synalinks.Image(path=path), question="How large is it?"))
        print("as a field:", None if result is None else result.size)

    # A sound is given in the same ways; a model that takes none says so.
    print(synalinks.Audio(data=b"RIFF....WAVE", format="wav").format)


if __name__ == "__main__":
    asyncio.run(main())
