"""The differences between providers with OpenAI's chat completions API, as one table.

Sources: the providers' public API references, recordings of them, and where the two are silent the threads named
beside a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

#: How an answer is made to obey a schema: the provider's own JSON schema mode; a tool that must be called and whose
#: arguments are the answer; or JSON mode, with the schema in the prompt.
Structured = Literal["json_schema", "forced_tool", "json_mode"]
Schemas = Literal["strict", "closed", "whole"]


@dataclass(frozen=True, slots=True)
class Variant:
    """What is particular about one provider.

    Attributes:
        name: the prefix of its models.
        title: what people call it.
        structured: how answers are made to obey a schema.
        schemas: in what form schemas are sent: in the subset of JSON schema that OpenAI's strict mode allows; with
            their objects closed as in that mode, but their bounds kept; or as they are, to servers that make a
            grammar of them.
        json_schema_models: models that have the provider's JSON schema mode where others have not, for answers that are
            not streamed and without tools.
        output_limit: the option that bounds the answer's tokens.
        effort: the field that takes `reasoning_effort`; a dot leads into an object.
        no_thinking: what the body says where reasoning is to be off.
        seed: the field that takes `seed`.
        stream_usage: whether usage must be asked for when streaming.
        developer: whether there is a role `developer`.
        remembered: fields under which a message of the history carries the model's reasoning.
        base64_vectors: whether vectors are asked for as base64 of float32, which is exact and a third of the size.
        reports_cost: whether `usage.cost` is the bill in dollars.
        key_header: the header of the key, if it is not a bearer token.
        root: the path of the API where the server's address has none.
    """

    name: str
    title: str
    structured: Structured = "json_schema"
    schemas: Schemas = "strict"
    json_schema_models: frozenset[str] = frozenset()
    output_limit: str = "max_tokens"
    effort: str = "reasoning_effort"
    no_thinking: Mapping[str, Any] = field(default_factory=dict)
    seed: str = "seed"
    stream_usage: bool = True
    developer: bool = False
    remembered: tuple[str, ...] = ()
    base64_vectors: bool = False
    reports_cost: bool = False
    key_header: str | None = None
    root: str = "/v1"


#: Reasoning off, as in chat templates of open models (vLLM, llama.cpp, SGLang).
_TEMPLATE_OFF: Mapping[str, Any] = {"chat_template_kwargs": {"enable_thinking": False}}

OPENAI = Variant(
    "openai",
    "OpenAI",
    output_limit="max_completion_tokens",
    no_thinking={"reasoning_effort": "none"},
    developer=True,
    base64_vectors=True,
)
#: `openai/` with an `api_base`: some other server. Ollama reads `reasoning` in the history, others
#: `reasoning_content`, and all take the older name of the output limit.
COMPATIBLE = Variant(
    "openai",
    "OpenAI-compatible",
    schemas="closed",
    no_thinking={"reasoning_effort": "none"},
    remembered=("reasoning", "reasoning_content"),
    base64_vectors=True,
)
OPENROUTER = Variant(
    "openrouter",
    "OpenRouter",
    effort="reasoning.effort",
    no_thinking={"reasoning": {"enabled": False}},
    remembered=("reasoning",),
    reports_cost=True,
    root="/api/v1",
)
#: Usage comes in `x_groq` when streaming, asked for or not. Of the models, some have JSON schema mode, which admits
#: neither streaming nor tools (Groq's page "Structured Outputs").
GROQ = Variant(
    "groq",
    "Groq",
    structured="forced_tool",
    json_schema_models=frozenset({"openai/gpt-oss-20b", "openai/gpt-oss-120b", "openai/gpt-oss-safeguard-20b"}),
    output_limit="max_completion_tokens",
    no_thinking={"reasoning_effort": "none"},
    stream_usage=False,
    root="/openai/v1",
)
#: JSON schema mode is refused ("This response_format type is unavailable now"), and so are forced tools while
#: thinking is on, which it is by default (deepseek-ai/DeepSeek-V3#1376, BerriAI/litellm#31466).
DEEPSEEK = Variant(
    "deepseek",
    "DeepSeek",
    structured="json_mode",
    no_thinking={"thinking": {"type": "disabled"}},
    remembered=("reasoning_content",),
)
TOGETHER = Variant(
    "together_ai",
    "Together AI",
    schemas="whole",
    no_thinking={"reasoning": {"enabled": False}},
)
#: Refuses unknown fields, `stream_options` among them; usage comes with the last chunk.
MISTRAL = Variant(
    "mistral",
    "Mistral",
    no_thinking={"reasoning_effort": "none"},
    seed="random_seed",
    stream_usage=False,
)
XAI = Variant("xai", "xAI", output_limit="max_completion_tokens")
AZURE = Variant(
    "azure",
    "Azure OpenAI",
    output_limit="max_completion_tokens",
    no_thinking={"reasoning_effort": "none"},
    developer=True,
    base64_vectors=True,
    key_header="api-key",
    root="",
)
VLLM = Variant(
    "hosted_vllm",
    "vLLM",
    schemas="whole",
    no_thinking=_TEMPLATE_OFF,
    remembered=("reasoning_content",),
    base64_vectors=True,
)
LLAMA_CPP = Variant(
    "llama_cpp",
    "llama.cpp",
    schemas="whole",
    no_thinking=_TEMPLATE_OFF,
    remembered=("reasoning_content",),
    base64_vectors=True,
)
