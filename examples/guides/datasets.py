"""Datasets: rows of files as batches of data models, templates, splits, and rows of one's own.

synalinks run examples/guides/datasets.py --cassette cassettes/guides/datasets.jsonl --offline
"""

import asyncio
import tempfile
from pathlib import Path

import synalinks

MODEL = "ollama/llama3.2:latest"
synalinks.set_price(MODEL, input=0.15, output=0.60)  # dollars per million tokens
ROWS = """left,right,total
12,30,42
9,8,17
20,21,41
15,28,43
33,19,52
"""


class Problem(synalinks.DataModel):
    problem: str = synalinks.Field(description="A sum")


class Answer(synalinks.DataModel):
    answer: str = synalinks.Field(description="The number alone")


class Products(synalinks.datasets.Dataset):
    """Rows from anywhere: a subclass gives them one by one, anew at each pass."""

    def _iter_rows(self):
        for left in range(2, 5):
            yield {"left": left, "right": left + 10, "total": left * (left + 10)}


async def main():
    inputs = synalinks.Input(data_model=Problem)
    outputs = await synalinks.Generator(data_model=Answer, language_model=MODEL)(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="solver")
    program.compile(reward="exact_match")

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sums.csv"
        file.write_text(ROWS, encoding="utf-8")
        # A template renders the JSON of a data model from the columns of a row.
        sums = synalinks.datasets.CSVDataset(
            file,
            input_data_model=Problem,
            input_template='{"problem": "{{ left }} + {{ right }}"}',
            output_data_model=Answer,
            output_template='{"answer": "{{ total }}"}',
            batch_size=2,
        )
        print(len(sums), "batches; the first is", [one.problem for one in next(iter(sums))[0]])
        print("sums:", await program.evaluate(sums, verbose=0))

        # Read whole, for a split: the last part is for testing.
        train, test = synalinks.datasets.split_train_test(*sums.materialize(), validation_split=0.4)
        print(len(train[0]), "to train,", len(test[0]), "to test")

        # A file that is not there is an error here, not at the first pass.
        try:
            synalinks.datasets.CSVDataset(Path(folder) / "products.csv", input_data_model=Problem)
        except synalinks.DataError as error:
            print("refused:", str(error).partition(" /")[0])

    products = Products(
        input_data_model=Problem,
        input_template='{"problem": "{{ left }} * {{ right }}"}',
        output_data_model=Answer,
        output_template='{"answer": "{{ total }}"}',
        batch_size=3,
    )
    print("products:", await program.evaluate(products, verbose=0))

    # Plain rows do, too: lists of dicts, and tables of pandas, polars or Arrow.
    rows = [{"problem": "1 + 1"}, {"problem": "2 * 3"}]
    predictions = await program.predict(rows, verbose=0)
    print("plain rows:", [None if one is None else one.answer for one in predictions])


if __name__ == "__main__":
    asyncio.run(main())
