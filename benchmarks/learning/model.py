"""The simulated model: answers letters and writes instructions, by the laws."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import laws

#: Where a proposer's prompt has the instructions that are to be improved, in the prompts of several libraries.
CURRENT = re.compile(
    r"\[\[ ## (?:basic_instruction|current_instruction) ## \]\]|\"current_variable\"|with the following instructions"
    r"|<curr_param>"
)
#: Chances of a proposal: a useless sentence, a harmful one, and no proposal at all.
USELESS, HARMFUL, BROKEN = 0.25, 0.08, 1 / 15


class Model:
    """Answers by the laws; the n-th answer to one prompt is another draw.

    Args:
        seed: of all draws.

    Attributes:
        counts: calls and proposals.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.counts: Counter[str] = Counter()
        self._repeats: Counter[int] = Counter()

    def complete(self, messages: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, str]:
        """The fields of an answer."""
        texts = [_text(message) for message in messages]
        key = laws.digest(*texts, *names)
        self._repeats[key] += 1
        rng = random.Random(laws.digest(self.seed, key, self._repeats[key]))
        self.counts["calls"] += 1
        if any("instruction" in name for name in names):
            self.counts["proposals"] += 1
            said = _proposal("\n".join(texts[:-1]), texts[-1], rng)
            return {name: said if "instruction" in name else "Some rules were missing." for name in names}
        return {name: _answer(texts, name, rng) for name in names}


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content or ""


def _answer(texts: Sequence[str], name: str, rng: random.Random) -> str:
    """The desk, or notes with it; the second generator of L2 finds notes in the question, and copies their desk."""
    found = list(laws.LETTER.finditer(texts[-1]))
    letter = laws.by_name().get(f"{found[-1][1]}/{found[-1][2]}") if found else None
    noted = laws.DESK.findall(texts[-1])
    everything = "\n".join(texts)
    if noted and "notes" in texts[-1]:
        shown = laws.Shown("\n".join(texts[:-1]), "L2", question=False)
        sure = 0.97 * 0.88 ** len(shown.wrong) * 0.9**shown.harmful
        return noted[-1] if rng.random() < sure else laws.desk("copied", rng.random())
    if letter is None:
        return "no desk"
    if rng.random() < laws.p_right(laws.Shown(everything, letter.task), letter):
        said = letter.gold
    else:
        said = laws.desk("wrong", letter.name, rng.randrange(4))
    return f"{letter.name}: the seal and the stamp point to {said}" if name == "notes" else said


def _proposal(system: str, user: str, rng: random.Random) -> str:
    """The current instructions, with perhaps a rule more, and perhaps a sentence that is of no use."""
    marks = list(CURRENT.finditer(user))
    own = user
    if marks:
        rest = user[marks[-1].end() :]
        own = rest[: rest.find("[[ ##")] if "[[ ##" in rest else rest
    everything = f"{system}\n{user}".lower()
    bases = {**laws.BASE, "second": laws.SECOND}
    task = next((task for task, base in bases.items() if base in own), None)
    task = task or next((task for task, base in bases.items() if base.lower() in everything), "L1")
    if rng.random() < BROKEN:
        return rng.choice(["", ", ", bases[task]])
    has, missing = _rules(task, own.lower(), everything, rng)
    extra = [s for s in laws.USELESS if s.lower() in own.lower() and rng.random() < 0.7]
    extra += [s for s in laws.HARMFUL if s.lower() in own.lower() and rng.random() < 0.5]
    if task != "second":
        has += _found(task, user, missing, rng)
    if rng.random() < USELESS:
        extra.append(rng.choice(laws.USELESS))
    if rng.random() < HARMFUL:
        extra.append(rng.choice(laws.HARMFUL))
    return bases[task] + "".join(f" {sentence[0].upper()}{sentence[1:]}." for sentence in dict.fromkeys(has + extra))


def _rules(task: str, own: str, everything: str, rng: random.Random) -> tuple[list[str], list[int]]:
    """Rules taken over from the text, and the numbers of those that are not."""
    has, missing = list[str](), list[int]()
    for number, rule in enumerate(laws.RULES.get(task, ())):
        if (rule in own and rng.random() < 0.95) or (rule in everything and rng.random() < 0.7):
            has.append(rule)
        else:
            missing.append(number)
    return has, missing


def _found(task: str, user: str, missing: Sequence[int], rng: random.Random) -> list[str]:
    """A rule that is missing, found with a chance that grows with the wrong predictions shown that lack it."""
    shown = laws.Shown(_predictions(user), task, question=False)
    lacking = Counter(laws.by_name()[name].rule for name in shown.wrong)
    seen = [number for number in missing if lacking[number]]
    count = sum(lacking[number] for number in seen)
    if seen and rng.random() < 1 - 0.6 ** min(count, 4):
        return [laws.RULES[task][rng.choice(seen)]]
    if missing and rng.random() < 0.08:
        return [laws.RULES[task][rng.choice(list(missing))]]
    return []


def _predictions(user: str) -> str:
    """The text with the first desk behind each letter only: the prediction, which stands before the truth."""
    found = list(laws.LETTER.finditer(user))
    parts = []
    for match, after in zip(found, [*found[1:], None], strict=False):
        segment = user[match.start() : after.start() if after else len(user)]
        first = laws.DESK.search(segment)
        parts.append(segment[: first.end()] if first else "")
    return "\n".join(parts)


def reply(model: Model, messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any] | None) -> str:
    """A JSON answer in a schema, lists left empty and numbers at 1."""
    properties = (schema or {}).get("properties", {"answer": {}})
    strings = [name for name, kind in properties.items() if kind.get("type", "string") == "string" or "anyOf" in kind]
    return json.dumps(model.complete(messages, strings))
