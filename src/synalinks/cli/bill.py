"""The bill of a run: how its calls were answered, what they cost, and what they would have cost live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from synalinks.cli.table import count
from synalinks.lm.budget.layer import BudgetTracker
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.dollars import dollars_text
from synalinks.lm.ledger.ledger import Ledger, Money, Totals
from synalinks.lm.ledger.table import LEAST_SECONDS, is_free, speed_text
from synalinks.scope import FIELDS

#: Where answers that cost nothing come from, in the words of the bill.
_FREE_SOURCES = {"cassette": "from the cassette", "cache": "from the cache", "shared": "shared"}


@dataclass(frozen=True, slots=True)
class CassetteFacts:
    """What a run did with its cassette.

    Attributes:
        path, mode: which cassette, and how it was opened.
        played, recorded: calls. unplayed: rows that no call was answered from.
        moved: calls played from another place than their own. near, missing: calls that are not on the cassette, with a
            request like theirs and without. price: what asking for those costs, in words.
        kept: whether the file is still there; a new cassette without any answer is not kept.
    """

    path: str
    mode: str
    played: int
    recorded: int
    unplayed: int
    kept: bool = True
    moved: int = 0
    near: int = 0
    missing: int = 0
    price: str = ""

    @classmethod
    def of(cls, cassette: Cassette) -> CassetteFacts:
        """The facts of a cassette that is still open."""
        fit = cassette.report()
        return cls(
            path=str(cassette.path),
            mode=cassette.mode,
            played=cassette.played,
            recorded=cassette.recorded,
            unplayed=fit.unplayed,
            moved=fit.moved,
            near=fit.near,
            missing=fit.missing,
            price=fit.price_text,
        )

    def __str__(self) -> str:
        if not self.kept:
            return f"{self.path} (record mode {self.mode}): not kept, for it holds no answer"
        moved = f" ({self.moved:,} from another place)" if self.moved else ""
        rows = f"{self.played:,} played{moved}, {self.recorded:,} recorded, {self.unplayed:,} unplayed"
        if self.near or self.missing:
            rows += f"; not on it: {self.near:,} near, {self.missing:,} missing; asking costs {self.price}"
        return f"{self.path} (record mode {self.mode}): {rows}"


def render(
    name: str,
    ledger: Ledger,
    seconds: float,
    *,
    cassette: CassetteFacts | None = None,
    tracker: BudgetTracker | None = None,
    models: Sequence[object] = (),
) -> str:
    """The bill as plain text, and by epoch and phase where there are epochs.

    Args:
        name: what was run.
        ledger: its calls.
        seconds: wall time.
        cassette, tracker: the cassette and the budget it ran under, if any.
        models: what is known of local models, a line each.
    """
    lines = _figures(ledger) if len(ledger) else [("calls", "none")]
    if tracker is not None:
        lines.append(("budget", _budget(tracker)))
    if cassette is not None:
        lines.append(("cassette", str(cassette)))
    lines += [("model", str(facts)) for facts in models]
    lines.append(("time", _time(seconds)))
    text = "\n".join([f"The bill of {name}", *(f"  {label:<7} {value}" for label, value in lines)])
    epoch, _, phase, *_ = FIELDS  # declared by that import, also where a script uses the LM layer alone
    if any(entry.scope.epoch is not None for entry in ledger):
        table, _, words = ledger.table(epoch, phase).partition("\n\n")
        text += f"\n\n{table}"
        total = ledger.total
        spent = total.failed_cost
        if total.uncertain or spent.known or spent.unknown:  # else the words repeat what is above
            text += f"\n\n{words}"
    return text


def _figures(ledger: Ledger) -> list[tuple[str, str]]:
    total = ledger.total
    lines = [
        ("calls", _calls(ledger, total)),
        ("hits", f"{total.hits:,} of {total.calls:,} ({100 * total.hits / total.calls:.0f} %)"),
        ("tokens", _tokens(total)),
    ]
    if total.machine_seconds >= LEAST_SECONDS:
        lines.append(("models", f"local; {speed_text(total)}"))
    if not is_free(total):
        lines.append(("spent", str(total.billed)))
        lines.append(("saved", f"{total.saved} (as if live: {_short(total.as_if)})"))
    if total.failed:
        lines.insert(2, ("failed", _failures(ledger, total)))
    return lines


def _calls(ledger: Ledger, total: Totals) -> str:
    sources = ledger.by("source")
    parts = [f"{sources['live'].calls if 'live' in sources else 0:,} live"]
    parts += [f"{sources[name].calls:,} {words}" for name, words in _FREE_SOURCES.items() if name in sources]
    if retries := sum(max(0, entry.attempts - 1) for entry in ledger):
        parts.append(count(retries, "retry", "retries"))
    return f"{total.calls:,} ({', '.join(parts)})"


def _failures(ledger: Ledger, total: Totals) -> str:
    kinds = Counter(entry.error for entry in ledger if entry.error is not None)
    return f"{total.failed:,} ({', '.join(f'{number:,} {kind}' for kind, number in sorted(kinds.items()))})"


def _tokens(total: Totals) -> str:
    text = f"{total.input_tokens:,} in, {total.output_tokens:,} out"
    text += f", {total.failed_tokens:,} in failed tries" if total.failed_tokens else ""
    return text + (f" ({count(total.uncounted, 'call')} gave no count)" if total.uncounted else "")


def _budget(tracker: BudgetTracker) -> str:
    def parts() -> Iterator[str]:
        yield f"{dollars_text(tracker.settled.usd)} of {dollars_text(Decimal(tracker.budget.usd or 0))} used"
        if tracker.uncertain.usd:
            yield f"{dollars_text(tracker.uncertain.usd)} of it an upper bound"
        if tracker.overshoot.usd:
            yield f"{dollars_text(tracker.overshoot.usd)} over it"
        if tracker.worst_overshoot.usd:
            yield f"mode 'expected': at worst {dollars_text(tracker.worst_overshoot.usd)} over it could not be excluded"
        if tracker.ended is not None:
            yield f"it ended the run {tracker.ended}"

    return "; ".join(parts())


def _short(money: Money) -> str:
    return f"{'at least ' if money.unknown else ''}{dollars_text(money.known)}"


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
