"""What a call of a tool gives, out of the blocks that an MCP server sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synalinks._json import Json
from synalinks.errors import ToolFailed

if TYPE_CHECKING:
    from mcp.types import CallToolResult


def value_of(result: CallToolResult) -> Json:
    """Structured content, else the text; contents of other kinds stand beside it as JSON, under `contents`.

    Raises:
        ToolFailed: the tool says that it failed.
    """
    texts = [block.text for block in result.content if block.type == "text"]
    text = "\n".join(texts)
    if result.is_error:
        raise ToolFailed(text or "the tool failed and did not say why")
    others = [
        block.model_dump(mode="json", by_alias=True, exclude_none=True)
        for block in result.content
        if block.type != "text"
    ]
    if result.structured_content is not None:
        return result.structured_content
    if others:
        return {**({"result": text} if texts else {}), "contents": others}
    return text if texts else None
