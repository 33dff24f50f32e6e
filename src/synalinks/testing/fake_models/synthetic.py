"""A model for tests and dry runs that invents its answers: any request is answered, at once and for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synalinks.lm.forecast.priors import Priors
from synalinks.lm.forecast.synthetic import SyntheticProvider, Tokens
from synalinks.lm.ledger.ledger import Ledger

if TYPE_CHECKING:
    from synalinks.lm.cassette.session import Cassette


class SyntheticModel(SyntheticProvider):
    """Answers every call of every model with something that has the right form and length, and no meaning.

        with synalinks.use_provider(SyntheticModel()):
            asyncio.run(program.fit(x, y))              # no server, no key, no cassette

    Answers obey the schema of their request and depend on `seed`, request and draw alone, so calls may come in any
    order. Tokens are counted in the real prompts, and prices are those of the model asked. `program.estimate` and
    `synalinks run --dry-run` stand on it. What models are limited to (`rpm`, `tpm`) holds for it, too; it never waits.

    Example:
        >>> from synalinks.lm import Client, Request
        >>> from synalinks.testing import SyntheticModel
        >>> request = Request("chat", "ollama/any", messages=[{"role": "user", "content": "What is 2 + 2?"}])
        >>> with synalinks.use_provider(SyntheticModel(output_tokens=12)):
        ...     asyncio.run(Client("ollama/any", cache="off").send(request)).usage.output_text
        12

    Args:
        seed: another seed gives other answers.
        output_tokens: how long answers are, in tokens: a number, a pair (least, most) to draw from, a mapping from
            models' names to those, or a function of the call.
        learn_from: where to learn from how long answers are and how prompts are counted: a cassette's path, a ledger,
            an open cassette, or several.

    Raises:
        ConfigurationError: lengths that are none.
        CassetteError: a cassette that is not there or is none.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        output_tokens: Tokens | None = None,
        learn_from: str | Path | Ledger | Cassette | Sequence[str | Path | Ledger | Cassette] = (),
    ) -> None:
        many = isinstance(learn_from, Sequence) and not isinstance(learn_from, str)
        priors = Priors.of(*(learn_from if many else [learn_from]))  # type: ignore[misc]
        super().__init__(seed, output_tokens=output_tokens, priors=priors)
