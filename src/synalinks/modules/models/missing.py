"""MissingModel: all that lack a model, in one error, with the calls that give them one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from synalinks.errors import ConfigurationError

#: By kind of model: a name to show in the call that sets the session's default.
EXAMPLES = {"language": "ollama/llama3.2:latest", "embedding": "ollama/all-minilm"}


class MissingModel(ConfigurationError):
    """Modules, rewards or optimizers that have no model to call.

    Args:
        needs: for each kind of model, `language` or `embedding`, who has none.
        otherwise: for a kind, what else would do.

    Example:
        >>> from synalinks.modules.models.missing import MissingModel
        >>> print(MissingModel({"language": ["generator", "OMEGA"]}))  # doctest: +NORMALIZE_WHITESPACE
        generator and OMEGA have no language model: pass language_model=, or set one for the session with
        synalinks.set_default_language_model('ollama/llama3.2:latest')
    """

    def __init__(self, needs: Mapping[str, Iterable[str]], otherwise: Mapping[str, str] | None = None) -> None:
        self.needs = {kind: list(dict.fromkeys(who)) for kind, who in needs.items()}
        self.otherwise = dict(otherwise or {})
        super().__init__("\n".join(self._line(kind, who) for kind, who in self.needs.items()))

    def _line(self, kind: str, who: list[str]) -> str:
        names = " and ".join([", ".join(who[:-1]), who[-1]] if len(who) > 1 else who)
        line = (
            f"{names} {'have' if len(who) > 1 else 'has'} no {kind} model: pass {kind}_model=, or set one for the "
            f"session with synalinks.set_default_{kind}_model({EXAMPLES[kind]!r})"
        )
        return f"{line}, or {self.otherwise[kind]}" if kind in self.otherwise else line

    @classmethod
    def all_of(cls, errors: Iterable[MissingModel]) -> MissingModel:
        """Several as one."""
        needs: dict[str, list[str]] = {}
        otherwise: dict[str, str] = {}
        for error in errors:
            otherwise |= error.otherwise
            for kind, who in error.needs.items():
                needs.setdefault(kind, []).extend(who)
        return cls(needs, otherwise)
