"""A layered layout of boxes: ranks by longest path, an order with few crossings, places without overlap.

The method is that of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
structures" (IEEE SMC 11, 1981): layers, dummies on long edges, barycentre sweeps, then coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

#: Sweeps down and up; more change nothing on graphs of the size a person can read.
_SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """Places in points.

    Attributes:
        centers: of each box, across and along the ranks.
        paths: of each edge, the points it passes from box to box, ends at the boxes' borders.
        width, height: of the whole, across and along the ranks.
    """

    centers: list[tuple[float, float]]
    paths: list[list[tuple[float, float]]]
    width: float
    height: float


def lay_out(
    sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]], gap: float, rank_gap: float
) -> Layout:
    """Places for boxes of these sizes, across and along the ranks, points; edges lead from lower to higher index."""
    ranks = [0] * len(sizes)
    for start, end in sorted(edges, key=lambda edge: edge[1]):
        ranks[end] = max(ranks[end], ranks[start] + 1)
    dims = list(sizes)
    chains: list[list[int]] = []
    for start, end in edges:
        chain = [start]
        for rank in range(ranks[start] + 1, ranks[end]):
            chain.append(len(dims))  # a dummy keeps room for the edge where it passes other boxes
            dims.append((gap / 2, 0.0))
            ranks.append(rank)
        chains.append([*chain, end])
    links = [pair for chain in chains for pair in pairwise(chain)]
    layers = [[i for i in range(len(dims)) if ranks[i] == rank] for rank in range(max(ranks, default=0) + 1)]
    _reduce_crossings(layers, links)
    across = _across(layers, links, dims, gap)
    along, height = _along(layers, dims, rank_gap)
    centers = [(across[i], along[ranks[i]]) for i in range(len(dims))]
    depths = [max(dims[node][1] for node in layer) for layer in layers]
    paths = [_path(chain, centers, dims, [depths[ranks[node]] for node in chain]) for chain in chains]
    width = max((centers[i][0] + dims[i][0] / 2 for i in range(len(dims))), default=0.0)
    return Layout(centers[: len(sizes)], paths, width, height)


def _neighbours(links: Sequence[tuple[int, int]], side: int) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for link in links:
        found.setdefault(link[side], []).append(link[1 - side])
    return found


def _reduce_crossings(layers: list[list[int]], links: Sequence[tuple[int, int]]) -> None:
    above, below = _neighbours(links, 1), _neighbours(links, 0)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        near = above if down else below
        for layer in layers[1:] if down else layers[-2::-1]:
            place = {node: index for other in layers for index, node in enumerate(other)}

            def barycentre(node: int, near: dict[int, list[int]] = near, place: dict[int, int] = place) -> float:
                others = near.get(node)
                return sum(place[other] for other in others) / len(others) if others else place[node]

            layer.sort(key=barycentre)


def _across(
    layers: Sequence[Sequence[int]], links: Sequence[tuple[int, int]], dims: Sequence[tuple[float, float]], gap: float
) -> list[float]:
    """Places across the ranks: each near the mean of its neighbours, none overlapping, the first at 0."""
    places = [0.0] * len(dims)
    for layer in layers:
        _spread(layer, [0.0] * len(layer), places, dims, gap)
    above, below = _neighbours(links, 1), _neighbours(links, 0)
    for sweep in range(_SWEEPS):
        near = above if sweep % 2 == 0 else below
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            wanted = []
            for node in layer:
                others = near.get(node)
                wanted.append(sum(places[other] for other in others) / len(others) if others else places[node])
            _spread(layer, wanted, places, dims, gap)
    left = min((places[i] - dims[i][0] / 2 for i in range(len(dims))), default=0.0)
    return [place - left for place in places]


def _spread(
    layer: Sequence[int], wanted: Sequence[float], places: list[float], dims: Sequence[tuple[float, float]], gap: float
) -> None:
    """Put a layer as near as can be to the wanted places, in order and apart: pooled adjacent violators."""
    offsets = [0.0]
    for left, right in pairwise(layer):
        offsets.append(offsets[-1] + (dims[left][0] + dims[right][0]) / 2 + gap)
    pools: list[list[float]] = []  # sum and number of the pooled
    for want, offset in zip(wanted, offsets, strict=True):
        pools.append([want - offset, 1.0])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            total, count = pools.pop()
            pools[-1][0] += total
            pools[-1][1] += count
    starts = [total / count for total, count in pools for _ in range(int(count))]
    for node, start, offset in zip(layer, starts, offsets, strict=True):
        places[node] = start + offset


def _along(
    layers: Sequence[Sequence[int]], dims: Sequence[tuple[float, float]], rank_gap: float
) -> tuple[list[float], float]:
    centers: list[float] = []
    at = 0.0
    for layer in layers:
        depth = max((dims[node][1] for node in layer), default=0.0)
        centers.append(at + depth / 2)
        at += depth + rank_gap
    return centers, at - rank_gap


def _path(
    chain: Sequence[int],
    centers: Sequence[tuple[float, float]],
    dims: Sequence[tuple[float, float]],
    depths: Sequence[float],
) -> list[tuple[float, float]]:
    """From border to border; straight along the ranks' own depth, so that bends lie between ranks and behind no box."""
    points: list[tuple[float, float]] = []
    for node, depth in zip(chain, depths, strict=True):
        x, y = centers[node]
        points += [(x, y - depth / 2), (x, y + depth / 2)]
    first, last = chain[0], chain[-1]
    points[0] = (points[0][0], centers[first][1] + dims[first][1] / 2)
    points[-1] = (points[-1][0], centers[last][1] - dims[last][1] / 2)
    return [point for i, point in enumerate(points) if i == 0 or point != points[i - 1]]
