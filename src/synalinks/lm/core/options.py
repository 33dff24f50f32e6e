"""Options of requests: the names that are known, and the check that refuses all others and every secret.

A misspelt option would be sent, ignored by most servers, and be part of the request's identity all the same. What a
server takes beyond the known options goes into `extra_body`, which is sent at the top level of the body.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from synalinks import _json
from synalinks.lm.core.errors import ConfigurationError
from synalinks.lm.core.request import OUTPUT_LIMITS, Kind
from synalinks.lm.core.secrets import SECRETS


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMMON = _names("""
    temperature top_p top_k min_p top_a typical_p seed stop n best_of logit_bias logprobs top_logprobs
    presence_penalty frequency_penalty repeat_penalty repetition_penalty reasoning_effort reasoning
    response_format tool_choice parallel_tool_calls user metadata service_tier store prediction modalities audio
    verbosity prompt_cache_key prompt_cache_retention safety_identifier web_search_options extra_body
""")
_HOSTED = _names("""
    provider models route transforms plugins include_reasoning usage reasoning_format citation_options documents
    search_settings compound_custom safety_mode
    strict_tools safety_model echo context_length_exceeded_behavior random_seed safe_prompt
    prompt_mode search_parameters api_version data_sources
""")
_VLLM_AND_LLAMA_CPP = _names("""
    chat_template_kwargs guided_json guided_regex guided_choice guided_grammar guided_decoding_backend
    structured_outputs min_tokens ignore_eos stop_token_ids skip_special_tokens length_penalty prompt_logprobs
    add_generation_prompt continue_final_message truncate_prompt_tokens priority mm_processor_kwargs grammar
    cache_prompt samplers id_slot n_probs dynatemp_range dynatemp_exponent dry_multiplier dry_base
    dry_allowed_length xtc_probability xtc_threshold timings_per_token
""")
_OLLAMA = _names("""
    num_ctx num_keep num_batch num_gpu main_gpu num_thread use_mmap use_mlock low_vram vocab_only f16_kv numa
    repeat_last_n penalize_newline tfs_z mirostat mirostat_tau mirostat_eta keep_alive truncate shift think
""")
_ANTHROPIC_AND_GEMINI = _names("""
    thinking output_config container context_management mcp_servers speed inference_geo cache_control
    safety_settings cached_content tool_config labels thinking_config response_modalities media_resolution
    speech_config image_config candidate_count response_logprobs audio_timestamp
    safetySettings cachedContent toolConfig serviceTier thinkingConfig responseModalities mediaResolution
""")
#: Options of chat calls: those that most providers have, then those of single providers, as their API references name
#: them (autumn 2026).
CHAT_OPTIONS = frozenset({*OUTPUT_LIMITS, *_COMMON, *_HOSTED, *_VLLM_AND_LLAMA_CPP, *_OLLAMA, *_ANTHROPIC_AND_GEMINI})
#: Options of embedding calls.
EMBED_OPTIONS = _names("""
    dimensions output_dimensionality encoding_format user input_type task_type title truncate truncation keep_alive
    num_ctx num_batch num_gpu main_gpu num_thread use_mmap use_mlock low_vram temperature seed metadata provider
    api_version output_dtype embedding_types auto_truncate truncate_prompt_tokens priority extra_body
""")
#: Those of each kind of call.
KNOWN: Mapping[Kind, frozenset[str]] = {"chat": CHAT_OPTIONS, "embed": EMBED_OPTIONS}

#: Options whose value is a number.
_NUMBERS = {*OUTPUT_LIMITS} | _names(
    "temperature top_p top_k min_p seed presence_penalty frequency_penalty repeat_penalty num_ctx num_gpu"
)
#: Options under which other libraries take keys. Options are part of a request, and requests are kept on cassettes.
SECRET_NAMES = frozenset({
    "apikey", "key", "token", "accesstoken", "password", "secret", "clientsecret", "auth", "authorization", "headers",
    "extraheaders", "defaultheaders", "xapikey", "apitoken", "bearer", "credentials", "cookie",
})  # fmt: skip
#: Ends of names of texts that are keys, whatever stands before: `mcp_servers` take an `authorization_token`.
SECRET_ENDS = (
    "apikey", "accesskey", "secretkey", "privatekey", "accesstoken", "authtoken", "authorizationtoken", "sessiontoken",
    "refreshtoken", "bearertoken", "apitoken", "password", "secret", "authorization", "cookie",
)  # fmt: skip
#: Fields of bodies that the library fills in itself: what `extra_body` put in their place would not be what was asked,
#: or would lift the limit of tokens that a budget counts on.
OWN_FIELDS = frozenset({
    "model", "messages", "contents", "content", "input", "inputs", "texts", "requests", "system", "system_instruction",
    "systemInstruction", "stream", "tools", "options", "generationConfig", "generation_config", "n_predict",
    "max_output_tokens", "maxOutputTokens", "max_new_tokens", *OUTPUT_LIMITS,
})  # fmt: skip


def check_options(
    where: str, options: Mapping[str, object], kind: Kind, own: Iterable[str] = (), near: Iterable[str] = ()
) -> dict[str, Any]:
    """The options as a dict of their own, if all of them are known and none would write a key down.

    Args:
        where: whose options they are, for messages.
        options: as given.
        kind: of the calls they are for.
        own: further names: those that the provider takes (`Spec.options`).
        near: names of other arguments that a misspelt one may mean.

    Raises:
        ConfigurationError: an unknown option, with the nearest known one; text where a number is needed; a key; a field
            of `extra_body` that the library fills in itself.
    """
    for name in options.keys() - KNOWN[kind] - set(own):
        if _plain(name) in SECRET_NAMES:
            raise ConfigurationError(_secret(where, name))
        raise ConfigurationError(_unknown(where, name, {*KNOWN[kind], *own, *near}))
    for name, value in options.items():
        if isinstance(value, (Mapping, list, tuple, str)):
            if name in _NUMBERS:
                raise ConfigurationError(f"{where}({name}={value!r}): a number is needed, e.g. {name}=1")
            _refuse_secrets(where, name, value)
    extra = options.get("extra_body")
    if extra is not None:
        _check_extra(where, extra)
    return {name: _number(value) for name, value in options.items()}


def _number(value: object) -> object:
    """A number of NumPy as Python's; anything else as it is."""
    if isinstance(value, (bool, str, Mapping, list, tuple)):
        return value
    try:
        return _json.number(value)
    except TypeError:
        return value


def _unknown(where: str, name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name.lower(), sorted(known), n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return (
        f"{where}({name}=...): there is no argument or option of this name.{hint} What a server takes beyond the "
        f"options known here goes into extra_body={{{name!r}: ...}}"
    )


def _check_extra(where: str, extra: object) -> None:
    if not isinstance(extra, Mapping):
        raise ConfigurationError(f"{where}(extra_body=...): give a dict of further fields of the body, got {extra!r}")
    for name in extra:
        if name in OWN_FIELDS:
            raise ConfigurationError(
                f"{where}(extra_body={{{name!r}: ...}}): the library fills in this field itself; say it with the "
                "argument or option for it, e.g. max_tokens="
            )


def _refuse_secrets(where: str, path: str, value: object) -> None:
    """Refuse a key inside an option, by its name at any depth or by its form."""
    if isinstance(value, str):
        if any(pattern.search(value) for pattern in SECRETS.values()):
            raise ConfigurationError(_secret(where, path))
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            of_schema = path.endswith("properties") and isinstance(inner, Mapping)
            if _names_secret(str(name), inner) and not of_schema:
                raise ConfigurationError(_secret(where, f"{path}.{name}"))
            _refuse_secrets(where, f"{path}.{name}", inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            if isinstance(inner, (Mapping, list, tuple, str)):
                _refuse_secrets(where, path, inner)


def _secret(where: str, name: str) -> str:
    return (
        f"{where}({name}=...): options are kept on cassettes, in the cache and in saved programs, so no key may be "
        "among them. Give the model api_key=... (held in memory only) or api_key_env='MY_KEY', or set the provider's "
        "environment variable, e.g. OPENAI_API_KEY"
    )


def _names_secret(name: str, value: object) -> bool:
    plain = _plain(name)
    return plain in SECRET_NAMES or (isinstance(value, str) and plain.endswith(SECRET_ENDS))


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()
