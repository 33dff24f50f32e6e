"""Three tasks and the law by which a simulated model answers them; README.md has the law in words.

Everything is a function of the texts in the prompt and of hashes. Nothing here refers to an optimizer.
"""

from __future__ import annotations

import hashlib
import math
import random
import re
from dataclasses import dataclass, field
from functools import lru_cache

TASKS = ("L1", "L2", "L3")
TRAIN, VALIDATION, FRESH = 120, 60, 600
#: Standard deviation of a letter's own difficulty, in logits.
SPREAD = 1.0
LETTER = re.compile(r"Letter (L[123])/(\d{4}):")
DESK = re.compile(r"\bdesk-[a-z]\d{3}\b")
BASE = {
    "L1": "Send the letter of the northern post to a desk.",
    "L2": "Take notes on the letter of the southern post.",
    "L3": "Send the letter of the eastern post to a desk.",
}
#: What the second generator of L2 begins with.
SECOND = "Name the desk that the notes name."
RULES = {
    "L1": (
        "letters with two seals belong to the desk of the second seal in the northern post",
        "in the northern post a torn stamp counts as no stamp at all",
        "the northern post sorts by the sender where the street is missing",
    ),
    "L2": (
        "the southern post reads the return address before the address",
        "money orders of the southern post are filed under the day of issue",
    ),
    "L3": ("the eastern post ignores every title in front of a name",),
}
USELESS = (
    "Work calmly and with care",
    "You have sorted letters for thirty years",
    "Every letter matters to the one who wrote it",
    "Look at the task from all sides",
    "Be exact in all that you do",
    "Your work is valued by the whole office",
)
HARMFUL = (
    "Choose whatever desk is mentioned first",
    "Leave out what takes too long to read",
    "Use the desk of the letter before if unsure",
)


def digest(*parts: object) -> int:
    """A number of 64 bits from anything."""
    return int.from_bytes(hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest(), "big")


def uniform(*parts: object) -> float:
    """A number in [0, 1) from anything."""
    return float(digest(*parts) / 2.0**64)


def normal(*parts: object) -> float:
    """A standard normal number from anything."""
    radius = math.sqrt(-2 * math.log(max(uniform("radius", *parts), 1e-12)))
    return radius * math.cos(2 * math.pi * uniform("angle", *parts))


def desk(*parts: object) -> str:
    """The name of a desk."""
    number = digest("desk", *parts)
    return f"desk-{'abcdefghkmnprstuvwxyz'[number % 21]}{number // 21 % 1000:03d}"


def _vocabulary() -> list[list[str]]:
    """Ten topics of eleven words each; no word is in two."""
    rng, found = random.Random(29), list[str]()
    syllables = [c + v for c in "bdfghklmnprstvw" for v in "aeiou"]
    while len(found) < 110:
        word = "".join(rng.choice(syllables) for _ in range(3)) + rng.choice("mnst")
        if word not in found:
            found.append(word)
    return [found[11 * topic : 11 * topic + 11] for topic in range(10)]


_TOPICS = _vocabulary()
_WEIGHTS = [1 / (rank + 2) for rank in range(10)]


@dataclass(frozen=True)
class Letter:
    """One case.

    Attributes:
        task, number: its name is `L1/0007`.
        text: the question.
        gold: the right desk. label: what the data set says.
        rule: the rule that it takes.
        words: that make it similar to others.
    """

    task: str
    number: int
    text: str
    gold: str
    label: str
    rule: int
    words: frozenset[str] = field(repr=False)

    @property
    def name(self) -> str:
        """As prompts have it."""
        return f"{self.task}/{self.number:04d}"


def _letter(task: str, number: int, labelled: bool) -> Letter:
    rng = random.Random(f"letter {task} {number}")
    words = rng.sample(_TOPICS[rng.choices(range(10), _WEIGHTS)[0]], 5)
    name = f"{task}/{number:04d}"
    text = (
        f"Letter {name}: from {words[0]} {words[1]}, sent by {words[2]}, about {words[3]} and {words[4]}. Which desk?"
    )
    gold = desk("gold", name)
    wrong = labelled and task == "L3" and uniform("label", name) < 0.2
    rule = digest("rule", name) % len(RULES[task])
    return Letter(task, number, text, gold, desk("mislabelled", name) if wrong else gold, rule, frozenset(words))


@lru_cache(None)
def letters(task: str, part: str) -> tuple[Letter, ...]:
    """The letters of a part: `train`, `validation` or `fresh`, the last with right labels."""
    first, count = {"train": (0, TRAIN), "validation": (1000, VALIDATION), "fresh": (3000, FRESH)}[part]
    return tuple(_letter(task, first + i, part != "fresh") for i in range(count))


@lru_cache(None)
def by_name() -> dict[str, Letter]:
    """Every letter."""
    parts = ("train", "validation", "fresh")
    return {letter.name: letter for task in TASKS for part in parts for letter in letters(task, part)}


def similarity(one: Letter, other: Letter) -> float:
    """The part of the words that two letters share."""
    return len(one.words & other.words) / 5


class Shown:
    """What a prompt shows for a task.

    Attributes:
        rules: numbers of the rules it states. useless, harmful: sentences.
        right, wrong: letters shown with the right desk, and with another one.
    """

    def __init__(self, text: str, task: str, question: bool = True) -> None:
        low = text.lower()
        self.rules = frozenset(i for i, rule in enumerate(RULES[task]) if rule in low)
        self.useless = sum(sentence.lower() in low for sentence in USELESS)
        self.harmful = sum(sentence.lower() in low for sentence in HARMFUL)
        self.right: set[str] = set()
        self.wrong: set[str] = set()
        found = list(LETTER.finditer(text))
        ends = [match.start() for match in [*found[1:]]] + [len(text)] * bool(found)
        for match, end in list(zip(found, ends, strict=True))[: -1 if question else None]:
            letter = by_name().get(f"{match[1]}/{match[2]}")
            desks = DESK.findall(text[match.end() : end])
            if letter is not None and desks:
                (self.right if letter.gold in desks else self.wrong).add(letter.name)


def _nearest(shown: Shown, letter: Letter) -> float:
    return max((similarity(letter, by_name()[name]) for name in shown.right), default=0.0)


def p_right(shown: Shown, letter: Letter) -> float:
    """The chance of a right answer (L2: of right notes)."""
    task = letter.task
    if letter.name in shown.right:
        return 0.98
    stated = 0.3 * len(shown.rules) / len(RULES[task]) + 0.7 * (letter.rule in shown.rules)
    near, count = _nearest(shown, letter), len(shown.right)
    if task == "L1":
        examples = 0.5 * min(count, 4) / 4 + 0.5 * min(1.0, near / 0.6)
        p = 0.08 + 0.88 * (0.2 + 0.8 * stated) * (0.2 + 0.8 * examples)
    elif task == "L2":
        p = 0.12 + 0.42 * stated + 0.42 * min(count, 3) / 3
    else:
        p = 0.14 + 0.66 * min(1.0, near / 0.6) + 0.16 * stated
    p *= 0.88 ** len(shown.wrong) * 0.985**shown.useless * 0.85**shown.harmful
    p = min(0.985, max(0.015, p))
    return 1 / (1 + math.exp(-(math.log(p / (1 - p)) + SPREAD * normal("difficulty", letter.name))))


def expected(task: str, texts: list[str], part: str = "fresh") -> float:
    """The exact expected reward of a program whose prompts have these texts, one a generator."""
    shown = [Shown(text, task, question=False) for text in texts]
    second = 1.0
    if task == "L2":
        second = 0.97 * 0.88 ** len(shown[1].wrong) * 0.9 ** shown[1].harmful
    found = [p_right(shown[0], letter) * second for letter in letters(task, part)]
    return sum(found) / len(found)


def examples_text(chosen: list[Letter]) -> str:
    """Letters with their desks, as the laws read them."""
    return "\n".join(f"{letter.text} {letter.gold}" for letter in chosen)


@lru_cache(None)
def ceiling(task: str, count: int = 12, part: str = "fresh") -> float:
    """The oracle's reward: every rule, and the examples that cover the part best, chosen one by one."""
    goal, best, chosen = letters(task, part), [0.0] * len(letters(task, part)), list[Letter]()
    for _ in range(count):
        gains = [
            (sum(max(0.0, min(0.6, similarity(one, two)) - b) for one, b in zip(goal, best, strict=True)), two)
            for two in letters(task, "train")
            if two not in chosen
        ]
        taken = max(gains, key=lambda gain: gain[0])[1]
        chosen.append(taken)
        best = [max(b, min(0.6, similarity(one, taken))) for one, b in zip(goal, best, strict=True)]
    text = f"{BASE[task]} {'. '.join(RULES[task])}\n{examples_text(chosen)}"
    return expected(task, [text, SECOND], part)


def floor(task: str, part: str = "fresh") -> float:
    """The reward of the untrained program."""
    return expected(task, [BASE[task], SECOND], part)


if __name__ == "__main__":
    for name in TASKS:
        print(f"{name}: from {floor(name):.3f} to {ceiling(name):.3f}")
