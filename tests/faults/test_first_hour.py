"""Typical mistakes of a first hour: what is printed of each is short, and names the fix."""

from __future__ import annotations

import gc
import linecache
import math
import socket
import traceback
import warnings
from pathlib import Path

import pytest

from synalinks._support import tracebacks

#: Lines of a terminal of 80 columns that a mistake, and the warnings before it, may take.
MOST_LINES, MOST_LINES_OF_WARNINGS, COLUMNS = 12, 8, 80
BEGIN = """
import asyncio
import numpy as np
import synalinks
class Question(synalinks.DataModel):
    question: str
class Answer(synalinks.DataModel):
    answer: str
class Other(synalinks.DataModel):
    result: int
X, Y = [Question(question="?")] * 4, [Answer(answer="!")] * 4
async def made(model="ollama/m", **options):
    inputs = synalinks.Input(data_model=Question)
    outputs = await synalinks.Generator(data_model=Answer, language_model=model, **options)(inputs)
    return synalinks.Program(inputs=inputs, outputs=outputs, name="program")
async def compiled(model="ollama/m", optimizer="random_few_shot", reward="exact_match", **options):
    program = await made(model)
    program.compile(optimizer=optimizer, reward=reward, **options)
    return program
"""
#: By mistake: what the user writes, and what has to be in what is printed.
MISTAKES: dict[str, tuple[str, tuple[str, ...]]] = {
    "a wrong prefix": ("await made('olama/llama3.2')", ("olama", "Did you mean", "ollama")),
    "no prefix": ("await made('llama3.2')", ("llama3.2", "ollama/")),
    "no server": (
        "await (await compiled(synalinks.LanguageModel('ollama/m', api_base=NOBODY))).fit(X, Y, verbose=0)",
        ("ollama serve", "server"),
    ),
    "no key": ("await (await compiled('openai/gpt-4o-mini')).fit(X, Y, verbose=0)", ("OPENAI_API_KEY", "api_key=")),
    "no model": ("await (await compiled(None)).fit(X, Y)", ("set_default_language_model",)),
    "two models missing": (
        "await (await compiled(None, 'omega')).fit(X, Y)",
        ("set_default_language_model", "set_default_embedding_model"),
    ),
    "a typo in a mask": (
        "await compiled(reward=synalinks.ExactMatch(in_mask=['anser']))",
        ("anser", "did you mean 'answer'"),
    ),
    "a typo in an optimizer": ("await compiled(optimizer='omeg')", ("omeg", "omega")),
    "a typo in a reward": ("await compiled(reward='exact_mach')", ("exact_mach", "exact_match")),
    "a typo in a metric": ("await compiled(metrics=['f1_scor'])", ("f1_scor", "f1_score")),
    "a typo in a keyword of fit": ("await (await compiled()).fit(X, Y, epoch=2)", ("epoch", "epochs")),
    "a typo in a keyword of a generator": ("await made(instruction='Answer.')", ("instruction", "instructions")),
    "a typo in an option of a model": (
        "synalinks.LanguageModel('ollama/m', temprature=0)",
        ("temprature", "temperature"),
    ),
    "a temperature in words": (
        "synalinks.LanguageModel('ollama/m', temperature='hot')",
        ("temperature='hot'", "a number is needed"),
    ),
    "targets of another length": ("await (await compiled()).fit(X, Y[:2])", ("4", "2")),
    "targets of another class": (
        "await (await compiled()).fit(X, [Other(result=1)] * 4)",
        ("result", "answer", "fields of the prediction"),
    ),
    "no targets": ("await (await compiled()).fit(X)", ("y=",)),
    "numbers as inputs": ("await (await compiled()).fit(np.zeros(4), Y)", ("object",)),
    "a forgotten await of a module": (
        "inputs = synalinks.Input(data_model=Question)\n"
        "    generator = synalinks.Generator(data_model=Answer, language_model='ollama/m')\n"
        "    synalinks.Program(inputs=inputs, outputs=generator(inputs))",
        ("await",),
    ),
    "a forgotten compile": ("await (await made()).fit(X, Y)", ("compile(",)),
    "a string instead of a data model": ("await (await made())('What?')", ("DataModel", "dict of its fields")),
    "a dict with another key": ("await (await made())({'qestion': 'What?'})", ("question",)),
    "a string as a data model's class": (
        "synalinks.Generator(data_model='Answer', language_model='ollama/m')",
        ("Give a DataModel",),
    ),
    "a budget in dollars and an unknown price": (
        "await (await compiled('openai/no-such')).fit(X, Y, budget=1)",
        ("price", "set_price"),
    ),
    "a field that a result has not": ("Answer(answer='!').to_json_data_model().anser", ("anser", "answer")),
    "a cassette that is not there": (
        "with synalinks.use_cassette('nowhere.jsonl', record_mode='none'):\n"
        "        await (await compiled()).evaluate(X, Y, verbose=0)",
        ("nowhere.jsonl", "record"),
    ),
    "a program that is not there": ("synalinks.Program.load('nowhere.json')", ("nowhere.json",)),
    "arguments without names": ("synalinks.Generator(Answer)", ("by name", "data_model=")),
    "fields without names": ("Question('What?')", ("by name", "Question(question=")),
    "a typo in a field": ("Question(qestion='What?')", ("question: Field required", "qestion: Extra inputs")),
    "a key that a result has not": ("Answer(answer='!').to_json_data_model()['anser']", ("did you mean 'answer'",)),
    "a result that was not awaited": ("print((await made())(X[0]).answer)", ("coroutine", "never awaited")),
    "a fit that was not awaited": ("(await compiled()).fit(X, Y)", ("never awaited",)),
    "a typo in an argument of a cassette": (
        "synalinks.use_cassette('x.jsonl', mode='none')",
        ("Did you mean 'record_mode'?",),
    ),
    "a callback's class": (
        "await (await compiled()).fit(X, Y, callbacks=[synalinks.callbacks.EarlyStopping])",
        ("write EarlyStopping()",),
    ),
    "validation data without targets": (
        "await (await compiled()).fit(X, Y, validation_data=X)",
        ("validation_data is a pair (x, y)",),
    ),
    "metrics that are no list": ("await compiled(metrics='exact_match')", ("write metrics=[...]",)),
    "a budget in words": ("await (await compiled()).fit(X, Y, budget='5 dollars')", ("give dollars, e.g. 0.50",)),
    "no epochs": ("await (await compiled()).fit(X, Y, epochs=0)", ("at least 1",)),
    "no optimizer": ("await (await compiled(optimizer=None)).fit(X, Y)", ("compile(optimizer=...",)),
    "targets that are strings": ("await (await compiled()).fit(X, ['!'] * 4)", ("YourModel(field=...)",)),
    "one example in place of a list": ("await (await compiled()).fit(X[0], Y[0])", ("a list of examples",)),
    "a class in place of outputs": (
        "synalinks.Program(inputs=synalinks.Input(data_model=Question), outputs=Answer)",
        ("awaited modules return",),
    ),
    "instructions that are no text": ("await made(instructions=['Be', 'brief'])", ("instructions", "valid string")),
    "a typo in a class": ("synalinks.Genrator(data_model=Answer)", ("Genrator",)),
    "a forgotten with": ("synalinks.use_cassette('x.jsonl')", ("had no effect", "with synalinks.use_cassette")),
    "a budget without with": ("synalinks.use_budget(1)", ("had no effect", "with synalinks.use_budget")),
    "a loss, as in Keras": ("(await made()).compile(loss='mse')", ("loss", "reward=")),
    "a typo in a budget": ("synalinks.Budget(dollars=1)", ("dollars", "usd=")),
    "a price without names": ("synalinks.set_price('openai/x', 1)", ("by name", "input=")),
    "a negative budget": ("await (await compiled()).fit(X, Y, budget=-1)", ("not negative", "-1")),
    "a folder in place of a cassette": (
        "with synalinks.use_cassette('.'):\n        pass",
        ("is a directory", "*.jsonl"),
    ),
    "a record mode that is not there": (
        "with synalinks.use_cassette('x.jsonl', record_mode='nones'):\n        pass",
        ("'nones'", "'none'", "'new_episodes'"),
    ),
    "a field without a type": ("class Bad(synalinks.DataModel):\n        a = 'x'", ("a = 'x'", "type annotation")),
    "a field of another type": ("Question(question=3)", ("question: Input should be a valid string",)),
    "inputs and targets swapped": ("await (await compiled()).fit(Y, X)", ("Give y the fields of the prediction",)),
    "no data": ("await (await compiled()).fit([], [])", ("x is empty",)),
    "a dict of lists": ("await (await compiled()).fit({'question': ['a']}, Y)", ("1 examples", "y has 4")),
    "targets with another key": (
        "await (await compiled()).fit(X, [{'anser': '!'}] * 4)",
        ("anser", "answer", "Give y the fields of the prediction"),
    ),
    "a split in percent": ("await (await compiled()).fit(X, Y, validation_split=20)", ("fraction", "20")),
    "a batch of nothing": ("await (await compiled()).fit(X, Y, batch_size=0)", ("batch_size=0", "at least 1")),
    "epochs in words": ("await (await compiled()).fit(X, Y, epochs='3')", ("epochs='3'", "whole number")),
    "an evaluation before compile": (
        "await (await made()).evaluate(X, Y, verbose=0)",
        ("program.compile(reward=...)",),
    ),
    "a program without outputs": ("synalinks.Program(inputs=synalinks.Input(data_model=Question))", ("outputs=...",)),
    "a module in place of its output": (
        "generator = synalinks.Generator(data_model=Answer, language_model='ollama/m')\n"
        "    synalinks.Program(inputs=synalinks.Input(data_model=Question), outputs=generator)",
        ("awaited modules return", "Generator"),
    ),
    "a list in place of a data model": (
        "synalinks.Generator(data_model=[Answer], language_model='ollama/m')",
        ("got list", "Give a DataModel"),
    ),
    "a program saved without an ending": ("(await made()).save('prog')", (".json",)),
    "variables that are not there": ("(await made()).load_variables('nowhere.json')", ("no file nowhere.json",)),
    "a default model without a prefix": (
        "synalinks.set_default_language_model('gpt-4o')",
        ("gpt-4o", "provider/model"),
    ),
    "a server's address that is a number": (
        "synalinks.LanguageModel('ollama/m', api_base=11434)",
        ("11434", "http://127.0.0.1:8000"),
    ),
    "a mask that is a string": ("await compiled(reward=synalinks.ExactMatch(in_mask='answer'))", ("write ['answer']",)),
    "a module that is not there": ("(await made()).get_module('genrator')", ("genrator", "it has input_module")),
    "a tool that is no function": ("await made(tools=['calc'])", ("calc", "a function")),
    "examples that are no pairs": ("await made(examples=['a'])", ("pairs of (inputs, outputs)",)),
    "a plot before a fit": ("synalinks.utils.plot_history((await compiled()).history)", ("what fit returned",)),
    "a field of the input that is not there": ("await (await made())(qestion='What?')", ("question: Field required",)),
    "a reward of one argument": (
        "await compiled(reward=lambda y: 1.0)",
        ("the reward '<lambda>'", "write lambda y_true, y_pred: ..."),
    ),
    "a metric of three arguments": (
        "def score(x, y_true, y_pred): return 1.0\n    await compiled(metrics=[score])",
        ("the metric 'score'", "missing a required argument: 'y_pred'", "write def score(y_true, y_pred)"),
    ),
    "a call that takes no inputs": (
        "class Same(synalinks.Module):\n        async def call(self): return None\n    await Same()(X[0])",
        ("Same.call() takes 1 positional argument",),
    ),
    "a call that does not await": (
        "program = await made()\n    class Same(synalinks.Module):\n"
        "        async def call(self, inputs): return program(inputs)\n    await Same()(X[0])",
        ("`return await ...`",),
    ),
    "a program that initialises nothing": (
        "class Own(synalinks.Program):\n        def __init__(self): self.a = 1\n"
        "        async def call(self, inputs): return inputs\n    await Own()(X[0])",
        ("super().__init__(...)",),
    ),
    "a typo in an optimizer's argument": (
        "synalinks.optimizers.RandomFewShot(nb_max_example=3)",
        ("Did you mean 'nb_max_examples'?",),
    ),
    "a model by half its name": (
        "synalinks.Generator(data_model=Answer, model='ollama/m')",
        ("'data_model'", "'language_model'"),
    ),
    "a prompt by half its name": ("await made(prompt='Answer.')", ("'prompt_template' or 'prompt_variables'",)),
    "caps without a budget": ("synalinks.use_budget(usd=1)", ("budget=Budget | Decimal",)),
    "a negative retry": ("synalinks.LanguageModel('ollama/m', retry=-1)", ("retry=", "-1")),
    "a near name of a field": ("Question(qestion='What?')", ("Did you mean 'question'?",)),
    "a field of a result that is set": (
        "Answer(answer='!').to_json_data_model().answer = '?'",
        ("make another value", "'answer': ..."),
    ),
    "a shape in place of a data model": ("synalinks.Input((3,))", ("schema=(3,)", "data_model=")),
    "a split that leaves nothing": ("await (await compiled()).fit(X, Y, validation_split=1.5)", ("validation_split",)),
}


def printed(code: str, nobody: str, path: Path) -> tuple[str, str]:
    """What a script of this code prints on standard error: its warnings, and the error that ends it."""
    source = f"{BEGIN}NOBODY = {nobody!r}\nasync def main():\n    {code}\nasyncio.run(main())\n"
    linecache.cache[str(path)] = len(source), None, source.splitlines(keepends=True), str(path)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            exec(compile(source, str(path), "exec"), {"__name__": "__main__"})
        except Exception as error:
            error.__traceback__ = None if error.__traceback__ is None else error.__traceback__.tb_next
            shown = tracebacks.short_text(error)
            if shown is None:  # as Python shows what the hook leaves to it
                tracebacks.make_short(error)
                shown = "".join(traceback.format_exception(error))
        else:
            shown = ""
        gc.collect()  # what was never awaited is warned of here
    told = [f"{path}:22: {one.category.__name__}: {one.message}\n  {code}" for one in warned]
    return "\n".join(told), shown.rstrip("\n")


def lines_of(text: str) -> int:
    """Lines of a terminal that a text takes."""
    return sum(max(1, math.ceil(len(line) / COLUMNS)) for line in text.splitlines())


@pytest.fixture
def nobody() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_short_and_names_the_fix(
    mistake: str, nobody: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    code, parts = MISTAKES[mistake]
    told, said = printed(code, nobody, Path("train.py"))
    assert [part for part in parts if part not in (told + said).replace(code, "")] == [], told + said
    assert lines_of(said) <= MOST_LINES, f"{lines_of(said)} lines:\n{said}"
    assert lines_of(told) <= MOST_LINES_OF_WARNINGS, f"{lines_of(told)} lines:\n{told}"
