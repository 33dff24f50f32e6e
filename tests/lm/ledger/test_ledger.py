"""The ledger: entries, queries, exact sums, and a table that people read."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.virtual import LoopClock, run
from synalinks.errors import BudgetExceeded, CallTimeout, ConfigurationError, LMError, OfflineError, RateLimited
from synalinks.lm import AttemptCosts, Budget, Client, Spec, register_provider, use_budget, use_ledger, use_provider
from synalinks.lm.core.amount import NOTHING
from synalinks.lm.core.call import Call, Reply, Request, Trace, Usage
from synalinks.lm.ledger.ledger import Entry, Ledger, LedgerLayer, Money
from synalinks.scope import FIELDS, Scope

REQUEST = Request("chat", "dear/m", messages=[])


def entry(**more: Any) -> Entry:
    scope = Scope(**{name: more.pop(name) for name in list(more) if name in FIELDS})
    values: dict[str, Any] = {
        "scope": scope, "draw": 0, "kind": "chat", "model": "dear/m", "provider": "dear", "source": "live",
        "usage": Usage(10, output_text=5), "as_if": Decimal("0.01"), "billed": Decimal("0.01"),
        "seconds": 0.5, "attempts": 1, "finish": "stop", "error": None,
        "caller": 1, "digest": "d",
    }  # fmt: skip
    return Entry(**{**values, **more})


def test_unknown_money_is_absorbing_and_shown() -> None:
    money = Money.of(Decimal("0.42")) + Money.of(None) + Money.of(None) + Money.of(None)
    assert str(money) == "at least $0.4200, 3 calls unpriced"
    assert money.exact is None
    assert str(Money.of(None)) == "at least $0.0000, 1 call unpriced"
    assert Money.of(Decimal(2)).exact == 2


costs = st.none() | st.decimals(0, 1000, places=12)


@given(st.lists(costs, max_size=5))
def test_sums_are_exact_in_any_order(amounts: list[Decimal | None]) -> None:
    totals = {
        (Ledger(entry(as_if=a, billed=a) for a in order).total.as_if) for order in itertools.permutations(amounts)
    }
    assert len(totals) == 1
    (total,) = totals
    assert total.known == sum((a for a in amounts if a is not None), Decimal(0))
    assert total.unknown == amounts.count(None)


def test_a_total_that_is_asked_again_adds_what_is_new() -> None:
    ledger = Ledger([entry()])
    assert ledger.total.calls == 1
    ledger.record(
        entry(
            error="timeout",
            as_if=None,
            billed=None,
            failed=AttemptCosts(tokens=9, priced=False),
            usage=Usage(),
            attempts=4,
        )
    )
    total = ledger.total
    assert (total.calls, total.failed, total.attempts, total.tokens, total.failed_tokens) == (2, 1, 5, 15, 9)
    assert total == Ledger(ledger).total
    assert total.failed_cost == Money(Decimal(0), 1)


def test_queries_by_any_field() -> None:
    ledger = Ledger(
        entry(
            epoch=e, phase=p, sample=s, source="cassette" if s else "live",
            billed=Decimal(0) if s else Decimal("0.01"),
        )
        for e in (1, 0, None) for p in ("train", "validation") for s in (0, 1)
    )  # fmt: skip
    assert list(ledger.by("epoch")) == [None, 0, 1]
    assert list(ledger.by("phase", "source"))[0] == ("train", "cassette")
    assert ledger.by("phase")["train"].hits == 3
    assert ledger.by("epoch", "phase")[(0, "train")].saved == Money(Decimal("0.01"))
    assert len(ledger.filter(epoch=0, phase="train")) == 2
    assert len(ledger.filter(epoch=None)) == 4
    assert len(ledger.filter()) == 12
    for wrong in (lambda: ledger.by("phases"), lambda: ledger.filter(seconds=1), lambda: ledger.table("usage")):
        with pytest.raises(ConfigurationError, match="the ledger has no field"):
            wrong()


def test_marks_and_the_last() -> None:
    ledger = Ledger([entry(), entry(caller=2)])
    mark = len(ledger)
    ledger.record(entry(caller=3))
    assert [e.caller for e in ledger.since(mark)] == [3]
    assert ledger.last() is not None
    assert ledger.last().caller == 3  # type: ignore[union-attr]
    assert ledger.last(caller=2).caller == 2  # type: ignore[union-attr]
    assert ledger.last(caller=9) is None
    assert Ledger().last() is None


def test_iteration_is_by_place_and_not_by_time(tmp_path: Path) -> None:
    entries = [entry(epoch=e, sample=s, digest=d, draw=w) for e in (0, 1) for s in (0, 1) for d in "ab" for w in (0, 1)]
    shuffled = Ledger(entries[::3] + entries[1::3] + entries[2::3])
    assert list(shuffled) == entries
    assert shuffled.to_dicts() == Ledger(entries).to_dicts()
    shuffled.to_jsonl(tmp_path / "bill.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "bill.jsonl").read_text().splitlines()]
    assert rows == shuffled.to_dicts()
    assert (rows[0]["as_if"], rows[0]["input_fresh"], rows[0]["output_reasoning"]) == ("0.01", 10, None)
    assert "seconds" in rows[0]
    assert "seconds" not in shuffled.to_dicts(timings=False)[0]


def test_the_table() -> None:
    replayed = {"source": "cassette", "billed": Decimal(0)}
    ledger = Ledger(
        [
            entry(epoch=0, phase="train", usage=Usage(1_234, output_text=56), as_if=Decimal("1.5"), **replayed),
            entry(epoch=0, phase="validation", as_if=Decimal("0.0049"), **replayed),
            entry(epoch=1, phase="train", error="timeout", usage=Usage(), as_if=Decimal("0.33"), billed=Decimal("0.33"),
                  failed=AttemptCosts(Decimal("0.33"), 70), attempts=2),
        ]
    )  # fmt: skip
    assert (
        str(ledger)
        == """\
epoch  phase       model   calls  hits  failed  tokens in  tokens out  failed tokens   billed    as if
-----  ----------  ------  -----  ----  ------  ---------  ----------  -------------  -------  -------
1      train       dear/m      1     1       -      1,234          56              -  $0.0000    $1.50
       validation  dear/m      1     1       -         10           5              -  $0.0000  $0.0049
2      train       dear/m      1     -       1          -           -             70  $0.3300  $0.3300
-----  ----------  ------  -----  ----  ------  ---------  ----------  -------------  -------  -------
total                          3     2       1      1,244          61             70  $0.3300    $1.83

3 calls (2 from the cassette); 1 failed; failed attempts: 70 tokens, $0.3300
$0.3300 billed, $1.83 as if live"""
    )
    assert str(Ledger()) == "no calls"


def test_the_table_says_what_is_not_known() -> None:
    ledger = Ledger([entry(billed=Decimal("0.42"), as_if=Decimal("0.42"))])
    for _ in range(3):
        ledger.record(entry(billed=None, as_if=None, usage=Usage()))
    text = ledger.table("model")
    assert "$0.4200 + ?" in text
    assert "4 calls; 3 without a count of tokens" in text
    assert "billed at least $0.4200, 3 calls unpriced; as if live at least $0.4200, 3 calls unpriced" in text
    assert text.splitlines()[0].split() == [
        "model",
        "calls",
        "hits",
        "failed",
        "tokens",
        "in",
        "tokens",
        "out",
        "billed",
        "as",
        "if",
    ]
    assert "1 from the cache, 1 shared" in Ledger([entry(source="cache"), entry(source="shared")]).table()


# --- the layer ------------------------------------------------------------------------------------------------


def metered(outcome: Any, before: Callable[[Trace], None] | None = None) -> Ledger:
    ledger, other = Ledger(), Ledger()

    async def below(call: Call) -> Reply:
        assert call.trace is not None
        if before is not None:
            before(call.trace)
        await asyncio.sleep(2)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    async def main() -> None:
        handler = LedgerLayer("dear", lambda call: (ledger, other), LoopClock())(below)
        try:
            await handler(Call(REQUEST, Scope(sample=3), 2, caller=7, trace=Trace()))
        except BaseException as error:
            assert error is outcome

    run(main())
    assert list(ledger) == list(other), "every ledger that listens gets it"
    return ledger


def test_an_answer_is_an_entry() -> None:
    reply = Reply(
        text="x",
        usage=Usage(1),
        cost=Decimal(1),
        billed=Decimal(3),
        attempts=2,
        failed=AttemptCosts(Decimal(2), 5),
    )
    (found,) = metered(reply)
    assert (found.scope.sample, found.draw, found.caller, found.model, found.provider) == (3, 2, 7, "dear/m", "dear")
    assert (found.as_if, found.billed, found.failed.cost, found.attempts, found.failed.tokens) == (3, 3, 2, 2, 5)
    assert found.seconds == pytest.approx(2, abs=0.1)
    assert found.digest == REQUEST.digest


@pytest.mark.parametrize(
    ("change", "attempts"),
    [({"source": "cache"}, 0), ({"source": "shared"}, 0), ({"source": "cassette"}, 3),
     ({"source": "cassette", "attempts": 0}, 0)],
)  # fmt: skip
def test_only_what_was_asked_has_attempts(change: dict[str, Any], attempts: int) -> None:
    (found,) = metered(replace(Reply(attempts=3, cost=Decimal(1), billed=Decimal(0)), **change))
    assert (found.attempts, found.as_if, found.billed) == (attempts, 1, 0)


def test_a_failure_is_an_entry_with_what_it_cost() -> None:
    error = RateLimited("slow down")
    error.attempts, error.failed = 5, AttemptCosts(Decimal("0.25"), 40)
    (found,) = metered(error)
    assert (found.error, found.attempts, found.as_if, found.billed, found.failed.tokens) == (
        "rate_limited", 5, Decimal("0.25"), Decimal("0.25"), 40,
    )  # fmt: skip
    error.source = "cassette"
    (found,) = metered(error)
    assert (found.billed, found.as_if) == (0, Decimal("0.25"))


def test_a_cancelled_call_is_on_the_bill_with_what_is_known() -> None:
    def sent(trace: Trace) -> None:
        trace.sent, trace.spent = 2, AttemptCosts(tokens=7, priced=False)

    (found,) = metered(asyncio.CancelledError(), sent)
    assert (found.error, found.attempts, found.as_if, found.failed.tokens) == ("cancelled", 2, None, 7)
    (found,) = metered(asyncio.CancelledError())
    assert (found.attempts, found.as_if, found.billed) == (0, 0, 0), "it was never sent, so it cost nothing"


def test_what_a_budget_ended_half_way_is_on_the_bill_and_what_it_refused_is_not() -> None:
    cause = CallTimeout("lost")
    cause.attempts, cause.failed = 2, AttemptCosts(Decimal("0.5"))
    refused = BudgetExceeded("used up")
    assert len(metered(refused)) == 0
    refused.__cause__ = cause
    (found,) = metered(refused)
    assert (found.error, found.attempts, found.as_if) == ("budget", 2, Decimal("0.5"))
    assert len(metered(OfflineError("no network"))) == 0


def test_an_entry_says_what_a_call_failed_of_in_short_and_without_keys() -> None:
    key = "sk-proj-" + "a" * 30
    (failed,) = metered(RateLimited(f"https://x answered 429: slow\ndown, {key} (after 3 attempts)", status=429))
    assert failed.error == "rate_limited"
    assert failed.error_message == "https://x answered 429: slow down, <secret> (after 3 attempts)"
    assert failed.to_dict()["error_message"] == failed.error_message
    (long,) = metered(CallTimeout("x" * 5000))
    assert len(long.error_message or "") == 300
    (fine,) = metered(Reply(text="x"))
    assert fine.error_message is None and fine.to_dict()["error_message"] is None


def test_what_a_call_failed_of_is_in_the_file(tmp_path: Path) -> None:
    ledger = metered(RateLimited("slow down", status=429))
    ledger.to_jsonl(tmp_path / "ledger.jsonl")
    (line,) = (tmp_path / "ledger.jsonl").read_text().splitlines()
    assert json.loads(line)["error_message"] == "slow down"


def test_local_models_are_shown_by_time_and_speed_in_place_of_dollars() -> None:
    free = {"as_if": Decimal(0), "billed": Decimal(0)}
    ledger = Ledger(
        [
            entry(epoch=0, model="ollama/m", usage=Usage(1_700, output_text=61), latency=1.5, **free),
            entry(epoch=1, model="ollama/m", usage=Usage(20, output_text=39), latency=0.5, **free),
            entry(epoch=1, model="ollama/e", usage=Usage(5), latency=0.25, **free),
        ]
    )
    assert (
        ledger.table("epoch", "model")
        == """\
epoch  model     calls  hits  failed  tokens in  tokens out   time  tokens/s
-----  --------  -----  ----  ------  ---------  ----------  -----  --------
1      ollama/m      1     -       -      1,700          61  1.5 s        41
2      ollama/e      1     -       -          5           -  0.2 s         -
       ollama/m      1     -       -         20          39  0.5 s        78
-----  --------  -----  ----  ------  ---------  ----------  -----  --------
total                3     -       -      1,725         100  2.2 s        44

3 calls
local models: 2.2 s, 44 tokens/s"""
    )


def test_one_call_that_cost_something_brings_the_dollars_back() -> None:
    free = {"as_if": Decimal(0), "billed": Decimal(0), "latency": 2.0}
    header = Ledger([entry(**free), entry(latency=1.0)]).table("model").splitlines()[0]
    assert header.endswith("billed    as if")


def test_a_table_for_a_narrow_terminal() -> None:
    ledger = Ledger([entry(epoch=0, phase="train", model="openrouter/meta-llama/llama-3.3-70b-instruct")])
    assert max(map(len, ledger.table(width=80).split("\n\n")[0].splitlines())) <= 80
    assert max(map(len, ledger.table(width=40).split("\n\n")[0].splitlines())) <= 40


def test_an_exception_of_a_foreign_provider_leaves_an_entry() -> None:
    async def broken(call: Call, /) -> Reply:
        raise KeyError("x")

    request = Request("chat", "ollama/m", messages=[{"role": "user", "content": "a"}])
    with use_ledger() as ledger, use_provider(broken), pytest.raises(KeyError):
        asyncio.run(Client("ollama/m").send(request))
    (entry,) = ledger
    assert (entry.error, entry.attempts) == ("KeyError", 1)
    assert "ollama/m" in str(ledger)


def reply(**fields: Any) -> Any:
    return Reply(**fields)


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "NoneType; a reply is a Reply"),
        ("x", "str; a reply is a Reply"),
        ({"text": "x"}, "dict; a reply is a Reply"),
        (reply(text=b"x"), r"Reply\(text=b'x'\); the text is a str"),
        (reply(text=None), r"Reply\(text=None\)"),
        (reply(vectors=("abcd",)), "str as vector 0; a vector is bytes"),
        (reply(vectors=(b"abcd", [0.5])), "list as vector 1"),
        (reply(vectors=5), "Reply.vectors=5.; the vectors are a tuple"),
        (reply(usage={"input_fresh": 1}), "Reply.usage=.*; the usage is a Usage"),
        (reply(usage=Usage(input_fresh=-1_000_000)), r"Usage\(input_fresh=-1000000\); a count of tokens"),
        (reply(usage=Usage(1, output_text=cast(Any, 2.5))), r"Usage\(output_text=2.5\)"),
        (reply(usage=Usage(True)), r"Usage\(input_fresh=True\)"),
        (reply(usage=Usage(cast(Any, "7"))), r"Usage\(input_fresh='7'\)"),
        (reply(cost=Decimal(-1)), r"Reply\(cost=Decimal\('-1'\)\); a cost is a Decimal"),
        (reply(cost=Decimal("NaN")), "Reply.cost=.*; a cost is a Decimal"),
        (reply(cost=0.5), r"Reply\(cost=0.5\)"),
    ],
)
def test_what_a_foreign_provider_gives_in_place_of_a_reply_is_an_error_and_on_the_bill(
    given: Any, said: str, registered: bool
) -> None:
    async def odd(call: Call, /) -> Any:
        return given

    if registered:
        register_provider(Spec("odd", lambda endpoint, **settings: odd, "http://127.0.0.1:9", local=True))
    model = "odd/m" if registered else "ollama/m"
    request = Request("chat", model, messages=[{"role": "user", "content": "a"}])
    if isinstance(given, Reply) and given.vectors:
        request = Request("embed", model, texts=["a", "b"])
    with ExitStack() as stack:
        if not registered:
            stack.enter_context(use_provider(odd))
        ledger, tracker = stack.enter_context(use_ledger()), stack.enter_context(use_budget(Budget(tokens=100_000)))
        with pytest.raises(LMError, match=f"{model}' gave {said}"):
            asyncio.run(Client(model, cache="off").send(request))
    (entry,) = ledger
    assert (entry.error, entry.attempts, entry.failed.uncertain) == ("error", 1, 1)
    assert tracker.reserved == NOTHING and tracker.settled == tracker.uncertain != NOTHING, "at its bound"
