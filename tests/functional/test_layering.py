"""Layers, places and ways of a drawn graph."""

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.functional.layering import layered

COURSE = [[], [], [], [1, 2], [0, 3], [4]]  # a, b, c, u = bc, v = a + u, J = 3v


def graphs():
    """Each node takes up to two earlier ones; the last takes all that nobody took."""

    def whole(raw):
        inputs = [[i % at for i in picks][: 2 if at else 0] if at else [] for at, picks in enumerate(raw)]
        inputs = [list(dict.fromkeys(used)) for used in inputs]
        taken = {i for used in inputs for i in used}
        return [*inputs, [i for i in range(len(inputs)) if i not in taken]]

    return st.lists(st.lists(st.integers(0, 30), max_size=2), min_size=1, max_size=14).map(whole)


def test_the_courses_graph():
    places, ways = layered(COURSE)
    assert [x for x, _ in places] == [1, 0, 0, 1, 2, 3]
    assert places[4][1] == places[5][1] == pytest.approx((places[0][1] + places[3][1]) / 2)
    assert places[1][1] - places[2][1] == pytest.approx(1)
    assert ways[1, 3] == [places[1], places[3]]


@given(graphs())
@settings(max_examples=100, deadline=None)
def test_edges_go_right_and_nothing_overlaps(inputs):
    places, ways = layered(inputs)
    assert len(places) == len(inputs)
    assert set(ways) == {(i, node) for node, used in enumerate(inputs) for i in used}
    layers = defaultdict(list)
    for x, y in places:
        layers[x].append(y)
    for heights in layers.values():
        heights.sort()
        assert all(b - a > 1 - 1e-9 for a, b in pairwise(heights))
    for (start, end), way in ways.items():
        assert way[0] == places[start] and way[-1] == places[end]
        assert [x for x, _ in way] == list(range(int(way[0][0]), int(way[-1][0]) + 1))
        for x, y in way[1:-1]:
            assert all(abs(y - other) > 0.75 - 1e-9 for other in layers[x]), "a way keeps clear of the nodes it passes"


@given(st.integers(1, 5))
@settings(max_examples=5, deadline=None)
def test_a_tree_is_drawn_without_crossings(depth):
    count = 2**depth
    inputs, row = [[] for _ in range(count)], list(range(count))
    while len(row) > 1:
        inputs += [[row[i], row[i + 1]] for i in range(0, len(row), 2)]
        row = list(range(len(inputs) - len(row) // 2, len(inputs)))
    places, _ = layered(inputs)
    for node, used in enumerate(inputs):
        if used:
            assert places[node][1] == pytest.approx(sum(places[i][1] for i in used) / 2)
    bottom = [places[i][1] for i in range(count)]
    assert bottom == sorted(bottom, reverse=True)
