"""Tests of pictures of programs: what they show, with and without Graphviz."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import MODEL, Answer, Pipeline, Question
from synalinks.errors import ConfigurationError
from synalinks.utils import plot_program, program_to_dot
from synalinks.utils.program_graph import Shown, graph_of
from utils.drawn import PNG, catch, words


def branching() -> synalinks.Program:
    """An input, two generators, one of them frozen, and an operator."""

    async def make() -> synalinks.Program:
        model = synalinks.LanguageModel(model=MODEL)
        inputs = synalinks.Input(data_model=Question, name="ask")
        first = await synalinks.Generator(data_model=Answer, language_model=model, name="first")(inputs)
        second = await synalinks.Generator(
            data_model=synalinks.ChatMessages, language_model=model, name="second", trainable=False
        )(first)
        return synalinks.Program(inputs=inputs, outputs=first & second, name="branching")

    return asyncio.run(make())


@pytest.fixture
def no_dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without Graphviz."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


def a_dot(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """A `dot` that does what the script says, alone on the path."""
    folder.mkdir()
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


# --- what is shown --------------------------------------------------------------------------------------------


def test_a_box_per_operation_and_an_edge_per_value() -> None:
    graph = graph_of(branching(), Shown())
    assert [box.title for box in graph.boxes] == [("Input",), ("Generator",), ("Generator",), ("And",)]
    assert [box.kind for box in graph.boxes] == ["input", "module", "module", "operator"]
    assert graph.edges == [(0, 1), (1, 2), (1, 3), (2, 3)]
    assert all(box.sections == () for box in graph.boxes)


def test_names_schemas_and_what_is_trainable() -> None:
    graph = graph_of(branching(), Shown(names=True, schemas=True, trainable=True))
    asked, first, second, both = graph.boxes
    assert asked.title == ("Input", "ask")
    assert asked.sections == (("question: string",),)
    assert (first.title, first.sections, first.trainable) == (
        ("Generator", "first"),
        (("answer: integer",), ("trainable",)),
        True,
    )
    assert (second.sections, second.trainable) == ((("messages: [ChatMessage]",), ("frozen",)), False)
    assert both.sections == (("answer: integer", "messages: [ChatMessage]"),)


def test_schemas_that_are_referred_to() -> None:
    box = graph_of(branching(), Shown(schemas=True, defs=True)).boxes[2]
    headings = [section[0] for section in box.sections]
    assert "ChatMessage:" in headings
    [roles] = [section for section in box.sections if section[0] == "ChatRole:"]
    assert "user | assistant" in roles[1]


def test_a_nested_program_is_one_box_that_can_list_its_modules() -> None:
    async def make() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        return synalinks.Program(inputs=inputs, outputs=await branching_inside(inputs), name="outer")

    branching_inside = branching()
    program = asyncio.run(make())
    assert graph_of(program, Shown()).boxes[1].title == ("Program",)
    [modules] = graph_of(program, Shown(nested=True)).boxes[1].sections
    assert modules == ("InputModule  ask", "Generator  first", "Generator  second")


def test_a_subclassed_program_is_one_box() -> None:
    program = Pipeline(model=synalinks.LanguageModel(model=MODEL))
    program.built = True
    graph = graph_of(program, Shown(names=True))
    assert [box.title[0] for box in graph.boxes] == ["Pipeline"]
    assert graph.edges == []


def test_what_can_not_be_shown_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not built yet"):
        plot_program(Pipeline(model=synalinks.LanguageModel(model=MODEL)), to_folder=tmp_path)
    with pytest.raises(ConfigurationError, match="shows a Program, got int"):
        plot_program(3, to_folder=tmp_path)
    with pytest.raises(ConfigurationError, match="rankdir='down': the directions are TB, BT, LR, RL"):
        program_to_dot(branching(), rankdir="down")


# --- without Graphviz -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_dot")
def test_all_lines_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    path = plot_program(branching(), to_folder=tmp_path, show_module_names=True, show_schemas=True, show_trainable=True)
    assert path == tmp_path / "branching.png"
    assert path.read_bytes().startswith(PNG)
    drawn = words(caught[0].axes[0])
    assert drawn.count("Generator") == 2
    assert {"ask", "question: string", "answer: integer", "trainable", "frozen"} <= set(drawn)


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("rankdir", ["TB", "BT", "LR", "RL"])
def test_data_flow_where_they_are_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rankdir: str) -> None:
    caught = catch(monkeypatch)
    plot_program(branching(), to_file="plot.svg", to_folder=tmp_path, rankdir=rankdir)
    places = {text.get_text(): text.get_position() for text in caught[0].axes[0].texts}
    (x0, y0), (x1, y1) = places["Input"], places["And"]  # y grows downwards
    flows = {"TB": y0 < y1, "BT": y0 > y1, "LR": x0 < x1, "RL": x0 > x1}
    assert flows[rankdir]


@pytest.mark.usefixtures("no_dot")
def test_text_stays_inside_its_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    plot_program(branching(), to_folder=tmp_path, show_schemas=True, show_defs=True, show_module_names=True)
    axes = caught[0].axes[0]
    caught[0].canvas.draw()
    boxes = [patch.get_window_extent() for patch in axes.patches if hasattr(patch, "get_boxstyle")]
    for text in axes.texts:
        extent = text.get_window_extent()
        assert any(box.x0 <= extent.x0 and extent.x1 <= box.x1 + 0.5 for box in boxes if box.y0 <= extent.y0 <= box.y1)


# --- with Graphviz --------------------------------------------------------------------------------------------


def test_the_text_for_graphviz() -> None:
    text = program_to_dot(branching(), show_schemas=True, show_trainable=True, rankdir="LR", dpi=100)
    assert text.startswith("digraph program {\n  graph [rankdir=LR, dpi=100,")
    assert "<B>Generator</B>" in text
    assert "answer: integer<BR" in text
    assert "frozen" in text
    assert [line.strip() for line in text.splitlines() if "->" in line] == [
        "n0 -> n1;",
        "n1 -> n2;",
        "n1 -> n3;",
        "n2 -> n3;",
    ]


def test_names_that_mean_something_to_graphviz_are_escaped() -> None:
    async def make() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question, name='a<b>&"c"')
        generator = synalinks.Generator(data_model=Answer, language_model=synalinks.LanguageModel(model=MODEL))
        return synalinks.Program(inputs=inputs, outputs=await generator(inputs))

    text = program_to_dot(asyncio.run(make()))
    assert "a&lt;b&gt;&amp;&quot;c&quot;" in text


def test_graphviz_draws_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_dot(monkeypatch, tmp_path / "bin", 'echo "$@" > "$3.arguments"; cat > "$3"')
    program = branching()
    path = plot_program(program, to_file="plot.svg", to_folder=tmp_path, dpi=96)
    assert path.read_text(encoding="utf-8") == program_to_dot(program, dpi=96)
    assert Path(f"{path}.arguments").read_text(encoding="utf-8").split() == ["-Tsvg", "-o", str(path)]


def test_a_graphviz_that_fails_is_said_and_the_picture_drawn_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_dot(monkeypatch, tmp_path / "bin", "echo no fonts here >&2; exit 1")
    with pytest.warns(UserWarning, match=r"could not draw branching.png \(no fonts here\); drawn with matplotlib"):
        path: Any = plot_program(branching(), to_folder=tmp_path)
    assert path.read_bytes().startswith(PNG)


def test_a_subgraph_stands_in_a_larger_graph_with_nodes_of_its_own() -> None:
    program = branching()
    text = program_to_dot(program, subgraph=True)
    assert text.startswith(f"subgraph cluster_{program.name} {{") and f'label="{program.name}"' in text
    whole = program_to_dot(program)
    for end in ("[label=", "-> "):
        assert text.count(end) == whole.count(end)
    assert f"{program.name}_0 -> " in text and " n0" not in text
