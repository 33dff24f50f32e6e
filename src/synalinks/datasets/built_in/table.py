"""The built-in benchmark sets: where each is published, its splits, its data models and how records become examples.

Sets of Hugging Face are read from the Parquet files that the Hub makes of every set; GSM8K from its authors' files.
"""

from __future__ import annotations

from synalinks.datasets.built_in import mappings, models
from synalinks.datasets.built_in.benchmark import Benchmark, Hub, Published

_TRAIN_TEST = ("train", "validation", "test")
_TRAIN_VALIDATION = ("train", "validation")
_GSM8K_COMMIT = "3101c7d5072418e28b9008a6636bde82a006892c"  # 2021-11-19, MIT licence
_GSM8K_URL = f"https://raw.githubusercontent.com/openai/grade-school-math/{_GSM8K_COMMIT}/grade_school_math/data"

BENCHMARKS: dict[str, Benchmark] = {
    "arc_challenge": Benchmark(
        "ARC, challenge set: 1,119 + 1,172 questions of science exams (Clark et al., arXiv:1803.05457)",
        Hub("allenai/ai2_arc", "ARC-Challenge"), _TRAIN_TEST, "train", "test",
        models.ARCQuestion, models.ARCAnswer, mappings.arc_challenge,
    ),
    "bbh": Benchmark(
        "BIG-Bench Hard, boolean expressions: 250 of them (Suzgun et al., arXiv:2210.09261)",
        Hub("lukaemon/bbh", "boolean_expressions"), ("test",), "test", None,
        models.BooleanExpression, models.TruthValue, mappings.bbh,
    ),
    "bbq": Benchmark(
        "BBQ: questions that prejudices would answer, by category (Parrish et al., arXiv:2110.08193)",
        Hub("walledai/BBQ"), (), "age", None,
        models.BBQQuestion, models.BBQAnswer, mappings.bbq,
    ),
    "boolq": Benchmark(
        "BoolQ: 9,427 + 3,270 questions of yes or no (Clark et al., arXiv:1905.10044)",
        Hub("google/boolq"), _TRAIN_VALIDATION, "train", "validation",
        models.BoolQQuestion, models.BoolQAnswer, mappings.boolq,
    ),
    "drop": Benchmark(
        "DROP: 77,400 + 9,535 questions that need arithmetic over a passage (Dua et al., arXiv:1903.00161)",
        Hub("ucinlp/drop"), _TRAIN_VALIDATION, "train", "validation",
        models.DROPQuestion, models.DROPAnswer, mappings.drop,
    ),
    "gsm8k": Benchmark(
        "GSM8K: 7,473 + 1,319 word problems, with worked solutions (Cobbe et al., arXiv:2110.14168)",
        Published(_GSM8K_URL, ".jsonl", {
            "train": "17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465",
            "test": "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
        }), ("train", "test"), "train", "test",
        models.MathQuestion, models.NumericalAnswer, mappings.gsm8k,
    ),
    "hellaswag": Benchmark(
        "HellaSwag: 39,905 + 10,042 descriptions to end (Zellers et al., arXiv:1905.07830)",
        Hub("Rowan/hellaswag"), _TRAIN_TEST, "train", "validation",
        models.HellaSwagQuestion, models.HellaSwagAnswer, mappings.hellaswag,
    ),
    "hotpotqa": Benchmark(
        "HotpotQA, full wiki: 90,447 + 7,405 questions over two articles (Yang et al., arXiv:1809.09600)",
        Hub("hotpotqa/hotpot_qa", "fullwiki", shards={"train": 2}), _TRAIN_TEST, "train", "validation",
        models.HotpotQuestion, models.HotpotAnswer, mappings.hotpotqa,
    ),
    "humaneval": Benchmark(
        "HumanEval: 164 functions of Python to write (Chen et al., arXiv:2107.03374)",
        Hub("openai/openai_humaneval", "openai_humaneval"), ("test",), "test", None,
        models.HumanEvalQuestion, models.HumanEvalAnswer, mappings.humaneval,
    ),
    "ifeval": Benchmark(
        "IFEval: 541 tasks with conditions that a program checks (Zhou et al., arXiv:2311.07911)",
        Hub("google/IFEval"), ("train",), "train", None,
        models.IFEvalQuestion, models.IFEvalAnswer, mappings.ifeval,
    ),
    "lambada": Benchmark(
        "LAMBADA: 5,153 passages whose last word is missing (Paperno et al., arXiv:1606.06031)",
        Hub("EleutherAI/lambada_openai", "en"), ("test",), "test", None,
        models.LAMBADAQuestion, models.LAMBADAAnswer, mappings.lambada,
    ),
    "logiqa": Benchmark(
        "LogiQA: questions of logic from exams (Liu et al., arXiv:2007.08124)",
        Hub("fireworks-ai/logiqa"), _TRAIN_TEST, "train", "test",
        models.LogiQAQuestion, models.LogiQAAnswer, mappings.logiqa,
    ),
    "mmlu": Benchmark(
        "MMLU: 1,531 + 14,042 questions of exams in 57 subjects (Hendrycks et al., arXiv:2009.03300)",
        Hub("cais/mmlu", "all"), ("auxiliary_train", "dev", "validation", "test"), "validation", "test",
        models.MMLUQuestion, models.MMLUAnswer, mappings.mmlu,
    ),
    "squad": Benchmark(
        "SQuAD 1.1: 87,599 + 10,570 questions about paragraphs (Rajpurkar et al., arXiv:1606.05250)",
        Hub("rajpurkar/squad", "plain_text"), _TRAIN_VALIDATION, "train", "validation",
        models.SQuADQuestion, models.SQuADAnswer, mappings.squad,
    ),
    "truthfulqa": Benchmark(
        "TruthfulQA, one true choice: 817 questions that many answer wrongly (Lin et al., arXiv:2109.07958)",
        Hub("truthfulqa/truthful_qa", "multiple_choice"), ("validation",), "validation", None,
        models.TruthfulQAQuestion, models.TruthfulQAAnswer, mappings.truthfulqa,
    ),
    "winogrande": Benchmark(
        "WinoGrande XL: 40,398 + 1,267 sentences with a gap (Sakaguchi et al., arXiv:1907.10641)",
        Hub("allenai/winogrande", "winogrande_xl"), _TRAIN_TEST, "train", "validation",
        models.WinoGrandeQuestion, models.WinoGrandeAnswer, mappings.winogrande,
    ),
}  # fmt: skip
