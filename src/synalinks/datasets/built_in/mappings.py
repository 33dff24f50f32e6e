"""What the fields of an example are made of, by benchmark set: a published record in, the fields out."""

from __future__ import annotations

from collections.abc import Iterable

from synalinks._json import JsonObject
from synalinks.errors import DataError

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: Stands between the worked solution of GSM8K and the number.
_MARK = "####"


def _choices(labels: Iterable[object], texts: Iterable[object]) -> str:
    return "".join(f"\n{label}) {text}" for label, text in zip(labels, texts, strict=False))


def _letter(index: object) -> str:
    """The letter of a choice, which a record gives as a number from 0 or as its text."""
    number = int(str(index))
    if not 0 <= number < len(LETTERS):
        raise DataError(f"there is no choice {index!r}; sets without published answers have such records")
    return LETTERS[number]


def _about(passage: object, question: object) -> str:
    return f"{passage}\n\nQuestion: {question}"


def arc_challenge(row: JsonObject) -> JsonObject:
    """The choices' own labels are kept: letters in most records, digits in some."""
    choices = row["choices"]
    return {"question": f"{row['question']}{_choices(choices['label'], choices['text'])}", "answer": row["answerKey"]}


def bbh(row: JsonObject) -> JsonObject:
    """The target is the text `True` or `False`."""
    if row["target"] not in ("True", "False"):
        raise DataError(f"the target is True or False, got {row['target']!r}")
    return {"question": row["input"], "answer": row["target"] == "True"}


def bbq(row: JsonObject) -> JsonObject:
    """The answer is the number of a choice."""
    question = f"{row['context']}\n{row['question']}{_choices(LETTERS, row['choices'])}"
    return {"question": question, "answer": _letter(row["answer"])}


def boolq(row: JsonObject) -> JsonObject:
    """The questions are published without a question mark."""
    return {"question": _about(row["passage"], f"{row['question']}?"), "answer": row["answer"]}


def drop(row: JsonObject) -> JsonObject:
    """The first of the answers, which mean the same."""
    return {"question": _about(row["passage"], row["question"]), "answer": row["answers_spans"]["spans"][0]}


def gsm8k(row: JsonObject) -> JsonObject:
    """The solution, taken apart."""
    thinking, answer = parse_solution(row["answer"])
    return {"question": row["question"], "thinking": thinking, "answer": answer}


def parse_solution(solution: str) -> tuple[str, float]:
    """The worked part of a published solution, and its number.

    Raises:
        DataError: no `####`, or no number after it.
    """
    thinking, mark, number = solution.rpartition(_MARK)
    try:
        if not mark:
            raise ValueError
        return thinking.strip(), float(number.strip().replace(",", ""))
    except ValueError:
        raise DataError(f"a GSM8K solution ends in {_MARK!r} and a number, got {solution[-200:]!r}") from None


def hellaswag(row: JsonObject) -> JsonObject:
    """The label is the number of an ending, as text."""
    return {"question": f"{row['ctx']}{_choices(LETTERS, row['endings'])}", "answer": _letter(row["label"])}


def hotpotqa(row: JsonObject) -> JsonObject:
    """Question and answer; the paragraphs are those of `load_knowledge`."""
    return {"question": row["question"], "answer": row["answer"]}


def humaneval(row: JsonObject) -> JsonObject:
    """The published solution is one of many that pass the tests."""
    return {"prompt": row["prompt"], "completion": row["canonical_solution"]}


def ifeval(row: JsonObject) -> JsonObject:
    """The set has no answers: the task stands in their place, for rewards that compare with it."""
    return {"prompt": row["prompt"], "response": row["prompt"]}


def lambada(row: JsonObject) -> JsonObject:
    """The passage is cut before its last word."""
    *words, last = row["text"].split()
    return {"question": " ".join([*words, "___"]), "answer": last}


def logiqa(row: JsonObject) -> JsonObject:
    """The options begin with their letters."""
    question = "\n".join([_about(row["context"], row["question"]), *row["options"]])
    return {"question": question, "answer": row["answer"]}


def mmlu(row: JsonObject) -> JsonObject:
    """The answer is the number of a choice."""
    return {
        "question": row["question"],
        "choices": row["choices"],
        "subject": row["subject"],
        "answer": _letter(row["answer"]),
    }


def squad(row: JsonObject) -> JsonObject:
    """The first of the answers, which mean the same."""
    return {"question": _about(row["context"], row["question"]), "answer": row["answers"]["text"][0]}


def truthfulqa(row: JsonObject) -> JsonObject:
    """One of the choices has the label 1."""
    targets = row["mc1_targets"]
    question = f"{row['question']}{_choices(LETTERS, targets['choices'])}"
    return {"question": question, "answer": _letter(targets["labels"].index(1))}


def winogrande(row: JsonObject) -> JsonObject:
    """The answer is the number of an option, as text."""
    question = f"{row['sentence']}{_choices((1, 2), (row['option1'], row['option2']))}"
    return {"question": question, "answer": int(row["answer"])}
