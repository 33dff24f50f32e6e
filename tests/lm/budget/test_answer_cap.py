"""The cap on answers that a budget sets: no request fails because of it, and many calls fit at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lm.virtual import LoopClock
from lm.virtual import run_still as run
from synalinks.errors import BadReply, BudgetExceeded, LMError, RequestError, SampleRefused
from synalinks.lm import Budget, Client, Request, RetryPolicy, Usage, use_budget, use_cassette, use_ledger
from synalinks.lm.blocks import use_clock, use_provider
from synalinks.lm.budget.answer_cap import FIRST_CAP, LEAST_CAP, AnswerCaps
from synalinks.lm.budget.expected import TypicalUsage, UsageStatistics
from synalinks.lm.budget.schema_bound import longest
from synalinks.lm.budget.upper_bound import OUTPUT_ALLOWANCE, needs_of
from synalinks.lm.core.amount import NOTHING
from synalinks.lm.core.call import Call, Delta, Reply, schema_of
from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.pricing.limits import OutputLimits, lower_cap
from synalinks.lm.pricing.pricing import set_price
from synalinks.lm.process import PROCESS
from synalinks.lm.providers.transport.status import error_for

MODEL = "ollama/caps"
#: What servers say about a limit that is too high (400): words, cap, what is tried next, whether it is the model's.
REFUSALS = [
    ("max_tokens is too large: 16384. This model supports at most 4096 completion tokens", 16384, 4096, True),
    ("max_tokens: 16384 > 8192, which is the maximum allowed number of output tokens for claude", 16384, 8192, True),
    ("`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens`", 16384, 8192, True),
    ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", 16384, 8192, True),
    ("max_tokens is too high", 16384, 8192, True),
    (
        "This model's maximum context length is 8192 tokens. However, you requested 20000 tokens (3616 in the "
        "messages, 16384 in the completion).", 16384, 4576, False,
    ),
    (
        "'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 2048 "
        "tokens and your request has 100 input tokens", 4096, 1948, False,
    ),
    (
        "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length or "
        "`max_tokens` and try again", 21333, 11760, False,
    ),
    (
        "This endpoint's maximum context length is 8192 tokens. However, you requested about 9000 tokens (1000 of text "
        "input, 8000 in the output). Please reduce max_tokens", 8000, 7192, False,
    ),
    (
        "The requested token count exceeds the model's maximum context length of 131072 tokens. You requested a total "
        "of 135168 tokens: 4096 tokens from the input messages and 131072 tokens for the completion.",
        131072, 126976, False,
    ),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _learns_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PROCESS, "output_limits", OutputLimits())
    monkeypatch.setattr(PROCESS, "usage_statistics", UsageStatistics(Ledger()))


#: The same with other statuses: one request has more tokens than an account has a minute, or can pay for.
SHORT_OF = [
    (
        413, "Request too large for model `m` in organization `o` service tier `x` on tokens per minute (TPM): "
        "Limit 8000, Requested 16500, please reduce your message size and try again", 16384, 7884,
    ),
    (
        429, "Request too large for gpt-4o in organization o on tokens per min (TPM): Limit 10000, Requested 16900. "
        "The input or output tokens must be reduced in order to run successfully", 16384, 9484,
    ),
    (
        402, "This request requires more credits, or fewer max_tokens. You requested up to 16384 tokens, but can only "
        "afford 9434", 16384, 9434,
    ),
    (422, "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 1001 `inputs` tokens and 4096 `max_new_tokens`",
     4096, 3095),
    (
        400, "Requested generation length 16384 is not possible! The provided prompt is 200 tokens long, so generating "
        "16384 tokens requires a sequence length of 16584, but the maximum supported sequence length is just 8192!",
        16384, 7992,
    ),
    (400, "too many tokens: max tokens must be less than or equal to 4096, the maximum output length for this model",
     16384, 4096),
]  # fmt: skip


@pytest.mark.parametrize(("status", "words", "cap", "lower"), SHORT_OF)
def test_what_an_account_is_short_of_gives_the_next_cap(status: int, words: str, cap: int, lower: int) -> None:
    found = lower_cap(LMError(words, status=status), cap)
    assert found is not None and found.cap == lower


@pytest.mark.parametrize("status", [402, 413, 429])
def test_an_account_with_few_tokens_is_no_end_of_a_run(status: int) -> None:
    limit, sent = 1000, list[int]()

    async def server(call: Call) -> Reply:
        sent.append(call.output_cap or 0)
        asked = 300 + sent[-1]
        if asked > limit:
            words = {
                402: f"requires more credits, or fewer max_tokens. You can only afford {limit - 300}",
            }.get(status, f"too large on tokens per minute (TPM): Limit {limit}, Requested {asked}, please reduce it")
            raise error_for(status, words)
        return Reply("fine", usage=Usage(300, output_text=5), finish="stop")

    outcomes, tracker, _ = ask(server, Budget(usd=5), calls=3, text="x" * 600)
    assert [reply.text for reply in outcomes] == ["fine"] * 3
    assert sent[:2] == [FIRST_CAP, 700] and tracker.settled.calls == len(sent)


@pytest.mark.parametrize(("words", "cap", "lower", "is_limit"), REFUSALS)
def test_what_a_server_says_gives_the_next_cap(words: str, cap: int, lower: int, is_limit: bool) -> None:
    found = lower_cap(RequestError(words, status=400), cap)
    assert found is not None and (found.cap, found.of_model) == (lower, is_limit)


def test_a_request_that_is_too_long_says_nothing_of_the_answers_of_the_model() -> None:
    words = "the prompt of 3000 tokens and max_tokens are too long for the context window"
    found = lower_cap(SampleRefused(words, kind="context_length", status=400), 4096)
    assert found is not None and not found.of_model


@pytest.mark.parametrize(
    "error",
    [
        RequestError("temperature must be at most 2", status=400),
        RequestError("max_tokens must be at least 200, got 100", status=400),
        RequestError("`max_tokens` must be greater than `thinking.budget_tokens`", status=400),
        LMError("on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Try again in 2s", status=429),
        LMError("on tokens per min (TPM): Limit 300, Requested 900, please reduce your message size", status=413),
        LMError("insufficient credits", status=402),
        RequestError("max_tokens is too large: 4096", status=404),
        SampleRefused(
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens in the "
            "messages and 100 in the completion (9000 in the messages, 100 in the completion)", status=400,
        ),
        SampleRefused("cut by max_tokens", kind="length", reply=Reply("x"), status=400),
    ],
)  # fmt: skip
def test_other_refusals_are_no_reason_for_a_lower_cap(error: LMError) -> None:
    assert lower_cap(error, 100) is None


def ask(
    provider: Callable[[Call], Awaitable[Reply]], budget: Budget, calls: int = 1, path: Path | None = None,
    mode: Any = "all", model: str = MODEL, schema: Any = None, text: str = "hi",
) -> tuple[list[Any], Any, Any]:  # fmt: skip
    """Outcomes, tracker and ledger of calls without a limit of their own, one after the other."""
    set_price(model, input=1, output=10)

    async def main() -> Any:
        client = Client(model, cache="off", retry=RetryPolicy(attempts=2, first_wait=0))
        outcomes: list[Any] = []
        with use_provider(provider), use_budget(budget) as tracker, use_ledger() as ledger:
            for number in range(calls):
                messages = [{"role": "user", "content": f"{text} {number}"}]
                request = Request("chat", model, messages=messages, schema=schema)
                try:
                    outcomes.append(await client.send(request))
                except (LMError, BudgetExceeded) as error:
                    outcomes.append(error)
        return outcomes, tracker, ledger

    with use_clock(LoopClock()):
        if path is None:
            return run(main())  # type: ignore[no-any-return]
        with use_cassette(path, mode):
            return run(main())  # type: ignore[no-any-return]


class Limited:
    """A server with a limit on answers that it states, or not, in refusing more."""

    def __init__(self, limit: int, states: bool = True) -> None:
        self.limit, self.states, self.caps = limit, states, list[int | None]()

    async def __call__(self, call: Call) -> Reply:
        cap = call.output_cap
        self.caps.append(cap)
        if cap is not None and cap > self.limit:
            stated = f". This model supports at most {self.limit} completion tokens" if self.states else ""
            raise RequestError(f"max_tokens is too large{stated}", status=400)
        return Reply("fine", usage=Usage(10, output_text=5), finish="stop")


def test_a_refused_cap_is_lowered_and_the_limit_remembered(tmp_path: Path) -> None:
    server, path = Limited(1000), tmp_path / "calls.jsonl"
    outcomes, tracker, ledger = ask(server, Budget(usd=1), calls=3, path=path)
    assert [reply.text for reply in outcomes] == ["fine"] * 3
    assert server.caps == [FIRST_CAP, 1000, 1000, 1000]
    assert ledger.total.attempts == tracker.settled.calls == 4, "a refusal is free, and a call"
    again, same, _ = ask(server, Budget(usd=1), calls=3, path=path, mode="none")
    assert len(server.caps) == 4 and [reply.text for reply in again] == ["fine"] * 3
    assert same.settled == tracker.settled


def test_a_limit_that_is_not_stated_is_found() -> None:
    server = Limited(900, states=False)
    outcomes, _, _ = ask(server, Budget(tokens=100_000), calls=2)
    assert [reply.text for reply in outcomes] == ["fine"] * 2
    assert server.caps == [4096, 2048, 1024, 512, 512]


class Windowed:
    """A server whose prompts and answers share a context window, and whose answers have so many tokens."""

    def __init__(self, window: int, length: int, words: str, prompt: int = 100) -> None:
        self.window, self.length, self.words, self.prompt = window, length, words, prompt
        self.caps: list[int] = []

    async def __call__(self, call: Call) -> Reply:
        cap = call.output_cap or 0
        self.caps.append(cap)
        if cap + self.prompt > self.window:
            words = self.words.format(window=self.window, prompt=self.prompt, cap=cap, sum=cap + self.prompt)
            raise SampleRefused(words, kind="context_length", status=400)
        length = min(cap, self.length)
        reply = Reply("w", usage=Usage(self.prompt, output_text=length), finish="length" if length == cap else "stop")
        if reply.finish == "length":
            raise SampleRefused("cut", kind="length", reply=reply)
        return reply


#: Refusals that state the window and the prompt, the sum of both, and the window alone.
WINDOW_WORDS = (
    "This model's maximum context length is {window} tokens. However, you requested {sum} tokens ({prompt} in the "
    "messages, {cap} in the completion)",
    "input length and `max_tokens` exceed context limit: {prompt} + {cap} > {window}",
    "max_tokens is too large: the context window is {window} tokens",
)


@pytest.mark.parametrize("words", WINDOW_WORDS)
def test_a_context_window_is_remembered(words: str) -> None:
    server = Windowed(4096, 200, words)
    outcomes, tracker, ledger = ask(server, Budget(usd=5), calls=6, text="x" * 300)
    assert [reply.finish for reply in outcomes] == ["stop"] * 6
    refused = [cap for cap in server.caps if cap + server.prompt > server.window]
    assert refused == [FIRST_CAP], "one call pays for the refusal"
    assert tracker.settled.calls == ledger.total.attempts == 7


@pytest.mark.parametrize("words", WINDOW_WORDS)
def test_an_answer_that_fills_the_context_window_is_no_end_of_the_budget(words: str) -> None:
    """Such an answer is cut by the model: it is not fetched again and again until the budget is used up."""
    server = Windowed(4096, 100_000, words)
    outcomes, tracker, _ = ask(server, Budget(usd=5), calls=3, text="x" * 300)
    assert [type(outcome) for outcome in outcomes] == [SampleRefused] * 3 and tracker.refused is None
    assert max(cap for cap in server.caps if cap + server.prompt <= server.window) == 3996, "all of the window was used"
    assert len(server.caps) <= 3 * 4


def test_what_a_window_leaves_is_not_guessed_from_a_prompt_of_other_tokens() -> None:
    """The share of another prompt gives the first cap only: an answer that it cuts is fetched with all that is left."""
    server = Windowed(4096, 3500, WINDOW_WORDS[0])
    PROCESS.output_limits.learn_context(MODEL, 4096, share=1.0)
    (reply,), _, _ = ask(server, Budget(usd=5), text="x" * 2500)
    assert reply.finish == "stop" and server.caps[-1] == 3996


def test_an_answer_that_the_cap_cuts_is_fetched_again_with_a_larger_one(tmp_path: Path) -> None:
    caps = []

    async def wordy(call: Call) -> Reply:
        caps.append(call.output_cap)
        length = min(5000, call.output_cap or 5000)
        return Reply(
            "word " * length, usage=Usage(10, output_text=length), finish="stop" if length == 5000 else "length"
        )

    path = tmp_path / "calls.jsonl"
    (reply,), tracker, ledger = ask(wordy, Budget(usd=1), path=path)
    assert caps == [FIRST_CAP, 4 * FIRST_CAP] and reply.finish == "stop" and reply.capped is None
    assert (reply.attempts, reply.failed.tokens) == (2, 10 + FIRST_CAP)
    total = ledger.total
    assert tracker.settled.usd == total.as_if.exact == total.billed.exact
    assert tracker.settled.tokens == total.tokens + total.failed_tokens == 2 * 10 + 5000 + FIRST_CAP
    _, same, replayed = ask(wordy, Budget(usd=1), path=path, mode="none")
    assert same.settled == tracker.settled and replayed.total.as_if == total.as_if


def test_a_sink_is_fed_the_larger_answer_from_its_start() -> None:
    async def streamed(call: Call) -> Reply:
        whole = (call.output_cap or 0) > FIRST_CAP
        reply = Reply(
            "a longer story" if whole else "a long", finish="stop" if whole else "length", usage=Usage(9, output_text=9)
        )
        reply.feed(call.sink)  # type: ignore[arg-type]
        return reply

    async def main() -> list[Delta]:
        pieces: list[Delta] = []
        set_price(MODEL, input=1, output=10)
        with use_provider(streamed), use_budget(Budget(usd=1)):
            request = Request("chat", MODEL, messages=[{"role": "user", "content": "tell"}])
            await Client(MODEL, cache="off").send(request, pieces.append)
        return pieces

    first, between, second = run(main())
    assert (first.text, between.restart, second.text) == ("a long", True, "a longer story")


def test_where_nothing_larger_fits_the_budget_ends() -> None:
    async def endless(call: Call) -> Reply:
        raise SampleRefused("cut", kind="length", reply=Reply("wo", usage=Usage(10, output_text=call.output_cap)))

    (error,), tracker, _ = ask(endless, Budget(tokens=8000))
    assert isinstance(error, BudgetExceeded) and "cut its answer short" in str(error)
    assert tracker.settled.tokens <= 8000 and tracker.ended is not None


def test_a_models_own_limit_is_no_end_of_the_budget() -> None:
    PROCESS.output_limits.learn(MODEL, 100)

    async def endless(call: Call) -> Reply:
        assert call.output_cap == 100
        raise SampleRefused("cut", kind="length", reply=Reply("wo", usage=Usage(10, output_text=100)))

    (error,), tracker, _ = ask(endless, Budget(usd=1))
    assert isinstance(error, SampleRefused) and tracker.refused is None


def test_first_caps() -> None:
    def cap(model: str = MODEL, usual: int | None = None, longest: int | None = None, **more: Any) -> int:
        request = Request("chat", model, messages=[{"role": "user", "content": "x"}], **more)
        return AnswerCaps(request, needs_of(request, None, ()), OutputLimits()).first(
            TypicalUsage(usual, longest=longest)
        )

    yes = schema_of({"type": "object", "properties": {"yes": {"type": "boolean"}}})
    assert cap() == FIRST_CAP and cap(usual=100) == 200 and cap(usual=3) == LEAST_CAP
    assert cap("openai/gpt-3.5-turbo", usual=5000) == 4096, "no higher than the model's published limit"
    assert cap("openai/o3") == OUTPUT_ALLOWANCE == cap(options={"reasoning_effort": "high"}), "thinking takes its time"
    assert cap(longest=50) == 200 and cap(longest=5) == LEAST_CAP and cap(longest=5000) == FIRST_CAP
    assert cap("openai/o3", longest=5000) == OUTPUT_ALLOWANCE and cap(usual=100, longest=10) == 200
    assert cap(schema=yes) == LEAST_CAP + 2 * len('{"yes":false}')


@pytest.mark.parametrize(
    ("schema", "size"),
    [
        ({"enum": ["a", "bcd"]}, 5),
        ({"const": None}, 4),
        ({"type": "integer", "minimum": -10, "maximum": 9}, 3),
        ({"type": "integer"}, None),
        ({"type": "string", "maxLength": 2}, 26),
        ({"type": "array", "items": {"type": "boolean"}, "maxItems": 2}, 14),
        ({"type": "array", "items": {"type": "boolean"}}, None),
        ({"anyOf": [{"type": "null"}, {"const": "yes"}]}, 5),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": ["null", "boolean"]}}}, 5),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"$ref": "#/$defs/x"}}}, None),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, None),
    ],
)
def test_the_longest_answer_that_a_schema_allows(schema: dict[str, Any], size: int | None) -> None:
    assert longest(schema_of(schema)) == size


def test_a_schema_that_refers_to_itself_everywhere_takes_no_time() -> None:
    many = {f"f{number}": {"$ref": "#/$defs/x"} for number in range(30)}
    assert longest(schema_of({"$ref": "#/$defs/x", "$defs": {"x": {"type": "object", "properties": many}}})) is None
    doubled: dict[str, Any] = {"x0": {"type": "boolean"}}
    for depth in range(1, 6):
        doubled[f"x{depth}"] = {
            "type": "array",
            "maxItems": 1,
            "items": {"anyOf": [{"$ref": f"#/$defs/x{depth - 1}"}] * 9},
        }
    assert longest(schema_of({"$ref": "#/$defs/x5", "$defs": doubled})) is not None


def out_at_once(model: str, budget: Budget, calls: int, output: int) -> tuple[int, list[int | None]]:
    """The most calls that were out at the same moment, of so many begun together, and the cap of each."""
    out, most = 0, 0
    caps: list[int | None] = []

    async def provider(call: Call) -> Reply:
        nonlocal out, most
        out += 1
        caps.append(call.output_cap)
        most = max(most, out)
        await asyncio.sleep(1)
        out -= 1
        return Reply("fine", usage=Usage(100, output_text=output), finish="stop")

    async def main() -> None:
        client = Client(model, cache="off")
        with use_provider(provider), use_budget(budget):
            async with asyncio.TaskGroup() as group:
                for number in range(calls):
                    messages = [{"role": "user", "content": f"question {number}"}]
                    group.create_task(client.send(Request("chat", model, messages=messages)))

    with use_clock(LoopClock()):
        run(main())
    return most, caps


def test_many_calls_are_out_at_once_under_a_small_budget() -> None:
    set_price(MODEL, input=Decimal("2.5"), output=10)
    most, _ = out_at_once(MODEL, Budget(usd="0.50"), calls=64, output=50)
    assert most >= 8


def test_a_call_that_waits_has_the_cap_of_what_is_known_when_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """At first one cap takes nearly all of the budget; after four short answers many fit."""
    monkeypatch.setattr(PROCESS, "usage_statistics", UsageStatistics(PROCESS.ledger))
    set_price("ollama/waits", input=1, output=10)
    most, caps = out_at_once("ollama/waits", Budget(usd="0.05"), calls=16, output=10)
    assert caps[0] == FIRST_CAP and caps[-1] == LEAST_CAP and most >= 8


@pytest.mark.parametrize("first", [False, True])
def test_one_call_that_is_far_too_large_fails_by_itself(first: bool, tmp_path: Path) -> None:
    sent = []

    async def provider(call: Call) -> Reply:
        sent.append(call)
        return Reply("fine", usage=Usage(100, output_text=50), finish="stop")

    def play(mode: Any) -> tuple[list[str], Any, Any]:
        set_price(MODEL, input=1, output=1)

        async def main() -> Any:
            client, outcomes = Client(MODEL, cache="off"), []
            with use_provider(provider), use_budget(Budget(usd="0.50")) as tracker, use_ledger() as ledger:
                for number in range(6):
                    text = "x" * 3_900_000 if number == (0 if first else 3) else f"question {number}"
                    request = Request("chat", MODEL, messages=[{"role": "user", "content": text}])
                    try:
                        outcomes.append((await client.send(request)).text)
                    except LMError as error:
                        assert error.fails_sample and "too large for the" in str(error)
                        outcomes.append(error.kind)
            return outcomes, tracker, ledger

        with use_clock(LoopClock()), use_cassette(tmp_path / "calls.jsonl", mode):
            return run(main())  # type: ignore[no-any-return]

    outcomes, tracker, ledger = play("all")
    assert outcomes.count("fine") == 5 and outcomes.index("over_budget") == (0 if first else 3)
    assert tracker.refused is None and tracker.settled.calls == len(sent) == 5
    assert (ledger.total.failed, ledger.total.attempts) == (1, 5)
    again, same, replayed = play("none")
    assert again == outcomes and same.settled == tracker.settled and len(sent) == 5
    assert replayed.total.as_if == ledger.total.as_if


def test_where_nothing_usual_fits_the_budget_ends() -> None:
    async def provider(call: Call) -> Reply:
        return Reply("fine", usage=Usage(300, output_text=1), finish="stop")

    outcomes, tracker, _ = ask(provider, Budget(tokens=1000), calls=6, text="x" * 200)
    assert isinstance(outcomes[-1], BudgetExceeded) and tracker.refused is not None


@pytest.mark.parametrize("budget", [Budget(usd=5), Budget(calls=50)])
@pytest.mark.parametrize("words", ["prompt is too long: {prompt} tokens > {window} maximum", *WINDOW_WORDS])
def test_a_correction_that_is_too_long_for_the_window_ends_as_the_bad_reply(budget: Budget, words: str) -> None:
    window, caps = 4096, list[int | None]()

    async def server(call: Call) -> Reply:
        caps.append(call.output_cap)
        if len(call.request.messages) > 1:
            prompt, cap = 5000, call.output_cap or 0
            said = words.format(window=window, prompt=prompt, cap=cap, sum=prompt + cap)
            raise SampleRefused(said, kind="context_length", status=400)
        return Reply("no number", usage=Usage(10, output_text=5), finish="stop")

    before = PROCESS.output_limits.of(MODEL)
    outcomes, tracker, ledger = ask(server, budget, schema=schema_of({"type": "integer"}))
    (error,) = outcomes
    assert isinstance(error, BadReply) and error.kind == "bad_reply" and error.fails_sample
    assert "is not JSON" in str(error) and "the correction is too long" in str(error)
    assert isinstance(error.__cause__, SampleRefused)
    (entry,) = ledger
    assert (entry.error, entry.billed) == ("bad_reply", Decimal("0.00006"))
    assert entry.attempts == len(caps) == tracker.settled.calls and tracker.reserved == NOTHING
    assert PROCESS.output_limits.of(MODEL) == before, "it was no limit on answers"
    assert len(caps) <= 3, "one repeat, with as much less as the correction is longer"


@pytest.mark.parametrize("words", ["max_tokens and the prompt are too long", WINDOW_WORDS[2]])
def test_a_correction_that_a_shorter_answer_leaves_room_for_is_answered(words: str) -> None:
    """The server takes what it took before: prompt and cap of the first answer."""
    window, caps = 0, list[int]()

    async def server(call: Call) -> Reply:
        nonlocal window
        prompt = sum(len(message["content"]) for message in call.request.messages)  # a token a character
        caps.append(call.output_cap or 0)
        window = window or prompt + caps[-1]
        if prompt + caps[-1] > window:
            raise SampleRefused(words.format(window=window), kind="context_length", status=400)
        return Reply("7" if len(caps) > 1 else "x" * 90, usage=Usage(prompt, output_text=1), finish="stop")

    (reply,), tracker, _ = ask(server, Budget(usd=5), schema=schema_of({"type": "integer"}))
    assert reply.text == "7" and len(caps) == 3 == tracker.settled.calls
