"""The data algebra as functions: the operators of `synalinks.data`, to be awaited."""

from __future__ import annotations

from synalinks.ops.json import (
    concat,
    concatenate,
    convert_to_json_data_model,
    convert_to_symbolic_data_model,
    factorize,
    in_mask,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    out_mask,
    prefix,
    suffix,
)

__all__ = [
    "concat",
    "concatenate",
    "convert_to_json_data_model",
    "convert_to_symbolic_data_model",
    "factorize",
    "in_mask",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "out_mask",
    "prefix",
    "suffix",
]
