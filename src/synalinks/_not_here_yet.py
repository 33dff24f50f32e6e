"""Names of Synalinks that this version does not have: the table, and the error that names them.

A program that uses one stops with one line that says so, as an `AttributeError` for `synalinks.KnowledgeBase` and
`hasattr`, and as an `ImportError` for `from synalinks.modules import SQLAgent` and `import synalinks.tuners`.
Python drops the message of an `AttributeError` raised in `from ... import`, therefore the finder below: it is called
for names that a package lacks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import NoReturn

#: The names, by the part of Synalinks they are of. A name that exists is deleted here: a test compares.
_PARTS = {
    "knowledge bases": """
        KnowledgeBase knowledge_bases default_knowledge_base set_default_knowledge_base
        EmbedKnowledge RetrieveKnowledge StampKnowledge UpdateKnowledge
    """,
    "retrievers": """
        EntityFullTextSearch EntityHybridFTSSearch EntityHybridRegexSearch EntityRegexSearch EntitySimilaritySearch
        FullTextSearch GlobalGraphMapReduce GlobalGraphSearch HybridFTSSearch HybridRegexSearch LocalGraphSearch
        PathFullTextSearch PathHybridFTSSearch PathHybridRegexSearch PathRegexSearch PathSimilaritySearch
        RegexSearch RelationFullTextSearch RelationHybridFTSSearch RelationHybridRegexSearch RelationRegexSearch
        RelationSimilaritySearch RRFReranker SimilaritySearch
    """,
    "agents over knowledge bases": "CypherAgent SQLAgent Text2Cypher Text2SQL VectorRAGAgent",
    "agents with a sandbox": "DeepAgent DeepAgentAsJudge RLM RLMAsJudge RecursiveLanguageModelAgent",
    "sandboxes": """
        sandboxes CommandExitException CommandResult EntryInfo Execution ExecutionError ExecutionResult FileType Logs
        MirageSandbox NotFoundException Result Sandbox SandboxException TimeoutException WriteInfo
    """,
    "synthesis": "PythonSynthesis",
    "tuners": "tuners",
}
PART_OF = {name: part for part, names in _PARTS.items() for name in names.split()}


def missing_message(namespace: str, name: str) -> str:
    """The line that says that a name of the table is not here yet."""
    return f"{namespace}.{name} is a name of Synalinks that is not here yet (part: {PART_OF[name]})"


def attribute_of(namespace: str) -> Callable[[str], NoReturn]:
    """The `__getattr__` of a module that has no names but its own.

    Example:
        ```python
        __getattr__ = attribute_of(__name__)
        ```
    """

    def missing(name: str) -> NoReturn:
        if name in PART_OF:
            raise AttributeError(missing_message(namespace, name), name=name, obj=sys.modules[namespace])
        raise AttributeError(f"module {namespace!r} has no attribute {name!r}", name=name, obj=sys.modules[namespace])

    return missing


class Finder:
    """A finder of `sys.meta_path` that finds nothing: it raises for names of the table, below any package of ours."""

    @staticmethod
    def find_spec(fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """None for all other names.

        Raises:
            ImportError: a name of the table. The error's `name` is empty: Python drops errors that have the full name.
        """
        namespace, _, name = fullname.rpartition(".")
        if name not in PART_OF or namespace.partition(".")[0] != "synalinks":
            return None
        raise (ModuleNotFoundError if name.islower() else ImportError)(missing_message(namespace, name))


def install() -> None:
    """Put the finder behind all others, once a process."""
    if Finder not in sys.meta_path:
        sys.meta_path.append(Finder)
