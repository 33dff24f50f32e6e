"""Tests of the layered layout: nothing overlaps, nothing is crossed, edges flow one way."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from synalinks.utils.layers import Layout, lay_out

GAP, RANK_GAP = 20.0, 30.0
Sizes = list[tuple[float, float]]
Edges = list[tuple[int, int]]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Sizes, Edges]:
    """Up to nine boxes, every one but the first reached from earlier ones."""
    count = draw(st.integers(1, 9))
    size = st.tuples(st.integers(40, 200), st.integers(20, 150)).map(lambda pair: (float(pair[0]), float(pair[1])))
    sizes = draw(st.lists(size, min_size=count, max_size=count))
    edges = [
        (parent, child)
        for child in range(1, count)
        for parent in draw(st.sets(st.integers(0, child - 1), min_size=0, max_size=3))
    ]
    return sizes, edges


def inside(point: tuple[float, float], center: tuple[float, float], size: tuple[float, float]) -> bool:
    return all(abs(point[i] - center[i]) < size[i] / 2 - 1e-6 for i in (0, 1))


def boxes_are_apart(layout: Layout, sizes: Sizes) -> bool:
    return all(
        any(abs(layout.centers[a][i] - layout.centers[b][i]) >= (sizes[a][i] + sizes[b][i]) / 2 - 1e-6 for i in (0, 1))
        for a, b in combinations(range(len(sizes)), 2)
    )


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_boxes_are_apart_and_inside_the_whole(graph: tuple[Sizes, Edges]) -> None:
    sizes, edges = graph
    layout = lay_out(sizes, edges, GAP, RANK_GAP)
    assert boxes_are_apart(layout, sizes)
    for (x, y), (width, height) in zip(layout.centers, sizes, strict=True):
        assert x - width / 2 >= -1e-6
        assert x + width / 2 <= layout.width + 1e-6
        assert y - height / 2 >= -1e-6
        assert y + height / 2 <= layout.height + 1e-6


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_edges_flow_one_way_and_bend_behind_no_box(graph: tuple[Sizes, Edges]) -> None:
    sizes, edges = graph
    layout = lay_out(sizes, edges, GAP, RANK_GAP)
    for (start, end), path in zip(edges, layout.paths, strict=True):
        assert path[0] == (layout.centers[start][0], layout.centers[start][1] + sizes[start][1] / 2)
        assert path[-1] == (layout.centers[end][0], layout.centers[end][1] - sizes[end][1] / 2)
        alongs = [along for _, along in path]
        assert alongs == sorted(alongs)
        ways = list(pairwise(path))
        assert all(one[0] == other[0] or other[1] - one[1] >= RANK_GAP - 1e-6 for one, other in ways), (
            "a bend in a rank"
        )
        middles = [((one[0] + other[0]) / 2, (one[1] + other[1]) / 2) for one, other in ways]
        for point in (*path, *middles):
            assert not any(inside(point, center, size) for center, size in zip(layout.centers, sizes, strict=True))


def test_a_chain_is_straight() -> None:
    layout = lay_out([(100.0, 20.0), (40.0, 20.0), (80.0, 20.0)], [(0, 1), (1, 2)], GAP, RANK_GAP)
    assert {x for x, _ in layout.centers} == {50.0}
    assert layout.height == 3 * 20 + 2 * RANK_GAP


def test_a_diamond_is_symmetric() -> None:
    layout = lay_out([(50.0, 20.0)] * 4, [(0, 1), (0, 2), (1, 3), (2, 3)], GAP, RANK_GAP)
    (top, _), (left, _), (right, _), (bottom, _) = layout.centers
    assert top == bottom == (left + right) / 2
    assert right - left == 50.0 + GAP


def test_crossings_that_need_not_be_are_removed() -> None:
    # Two columns whose second rank is listed the wrong way round.
    layout = lay_out([(50.0, 20.0)] * 4, [(0, 3), (1, 2)], GAP, RANK_GAP)
    first, second, third, fourth = (x for x, _ in layout.centers)
    assert (first < second) == (fourth < third)
