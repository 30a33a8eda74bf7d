"""Searches against the enumeration of all sequences, and CTC against that of all paths, torch's loss and a plain search."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.errors import BadInput
from engine.functional.decoding import (
    Hypothesis,
    Memory,
    Step,
    beam_search,
    ctc_beam,
    ctc_collapse,
    ctc_greedy,
    greedy,
    length_normalized,
    ranked,
    remembered,
    step_of_table,
)
from engine.seeding import generator

NONE = torch.empty(1, 0, dtype=torch.long)


def random_model(size: int, seed: int, sharp: float = 2.0) -> Callable[[Sequence[int]], Tensor]:
    """Log-probabilities (V,) after any prefix, drawn once each."""
    rows: dict[tuple[int, ...], Tensor] = {}
    draw = generator(seed)

    def table(prefix: Sequence[int]) -> Tensor:
        key = tuple(prefix)
        if key not in rows:
            rows[key] = torch.log_softmax(sharp * torch.randn(size, generator=draw, dtype=torch.float64), 0)
        return rows[key]

    return table


def all_sequences(
    table: Callable[[Sequence[int]], Tensor], size: int, eos: int, longest: int, alpha: float
) -> list[Hypothesis]:
    """Every sequence that ends, or is cut, best first."""
    found = []
    for length in range(1, longest + 1):
        for inner in itertools.product([v for v in range(size) if v != eos], repeat=length - 1):
            for last in range(size) if length == longest else [eos]:
                tokens = (*inner, last)
                total = sum(float(table(tokens[:t])[tokens[t]]) for t in range(length))
                found.append(Hypothesis(tokens, total, total / length**alpha, last == eos))
    return sorted(found, key=lambda h: (not h.ended, -h.score))


@pytest.mark.parametrize("alpha", [0.0, 0.7, 1.0])
@pytest.mark.parametrize(("size", "longest"), [(2, 5), (3, 4), (4, 3), (5, 1)])
def test_a_beam_of_all_sequences_is_exhaustive(size: int, longest: int, alpha: float) -> None:
    for seed in range(5):
        table, eos = random_model(size, seed), size - 1
        search = beam_search(
            step_of_table(table), table(())[None], NONE, width=size**longest, eos=eos, longest=longest, alpha=alpha
        )
        expected = all_sequences(table, size, eos, longest, alpha)
        assert [h.tokens for h in search.found] == [h.tokens for h in expected] and search.lost == -math.inf
        np.testing.assert_allclose([h.score for h in search.found], [h.score for h in expected], rtol=1e-12)
        np.testing.assert_allclose(sum(math.exp(h.log_probability) for h in search.found), 1, rtol=1e-9)
        assert search.proves(search.found[0], longest, alpha)


def test_a_beam_of_one_is_greedy() -> None:
    lengths = set()
    for seed in range(60):
        table = random_model(12, seed, 1.0)
        step, first = step_of_table(table), table(())[None]
        search = beam_search(step, first, NONE, width=1, eos=0, longest=9, alpha=0.7)
        one = greedy(step, first, NONE, eos=0, longest=9, alpha=0.7)
        assert search.found[0].tokens == one.tokens and len(search.found) == 1
        assert search.found[0].score == pytest.approx(one.score, rel=1e-12) and search.found[0].ended == one.ended
        lengths.add((len(one.tokens), one.ended))
    assert len(lengths) > 4 and (9, False) in lengths


@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_a_proof_holds_and_wider_beams_find_more(alpha: float) -> None:
    proofs, rights = 0, defaultdict(int)
    for seed in range(40):
        table = random_model(4, seed, 3.0)
        best = all_sequences(table, 4, 3, 5, alpha)[0]
        for width in (1, 2, 4, 16, 64):
            search = beam_search(
                step_of_table(table), table(())[None], NONE, width=width, eos=3, longest=5, alpha=alpha
            )
            right = search.found[0].tokens == best.tokens
            proved = search.proves(search.found[0], 5, alpha)
            assert right or not proved
            proofs += proved
            rights[width] += right
    assert proofs > 20
    assert rights[1] < rights[4] <= rights[64] and rights[64] >= 38


def test_the_trace_holds_what_was_kept_and_pruned() -> None:
    table = random_model(6, 3)
    search = beam_search(step_of_table(table), table(())[None], NONE, width=3, eos=5, longest=6, runners_up=2)
    beam: list[tuple[int, ...]] = [()]
    width, sums = 3, {(): 0.0}
    for depth, made in enumerate(search.rounds, 1):
        every = sorted((-(sums[p] + float(table(p)[v])), (*p, v)) for p in beam for v in range(6))
        names = [(*beam[p], v) for p, v in zip(made.parents.tolist(), made.tokens.tolist(), strict=True)]
        assert names == [name for _, name in every[: width + 2]] and made.kept == width
        np.testing.assert_allclose(made.totals, [-total for total, _ in every[: width + 2]], rtol=1e-12)
        for name, chance, total in zip(names, made.chances.tolist(), made.totals.tolist(), strict=True):
            assert chance == pytest.approx(float(table(name[:-1])[name[-1]]))
            sums[name] = total
        beam = [name for name in names[: made.kept] if name[-1] != 5 and depth < 6]
        width = len(beam)
    assert len(search.found) == 3


def test_what_is_impossible_is_never_found() -> None:
    row = torch.tensor([0.0, -torch.inf, -torch.inf])
    search = beam_search(step_of_table(lambda p: row), row[None], NONE, width=4, eos=2, longest=3)
    assert [h.tokens for h in search.found] == [(0, 0, 0)] and not search.found[0].ended
    none = torch.full((3,), -torch.inf)
    assert beam_search(step_of_table(lambda p: none), none[None], NONE, width=2, eos=2, longest=3).found == ()


def network(size: int, hidden: int) -> tuple[Step[tuple[Tensor, Tensor]], Tensor, tuple[Tensor, Tensor]]:
    """An LSTM's step, what it says first, and its state."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        cell, enter, leave = nn.LSTMCell(hidden, hidden), nn.Embedding(size, hidden), nn.Linear(hidden, size)
    leave.weight.data *= 8

    @torch.no_grad()
    def step(tokens: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        state = cell(enter(tokens), state)
        return torch.log_softmax(leave(state[0]).double(), -1), state

    first, state = step(torch.tensor([0]), (torch.zeros(1, hidden), torch.zeros(1, hidden)))
    return step, first, state


@pytest.mark.parametrize("width", [1, 3, 10])
def test_states_follow_their_beginnings(width: int) -> None:
    step, first, state = network(15, 8)

    def anew(prefix: Sequence[int]) -> Tensor:
        rows, now = first, state
        for token in prefix:
            rows, now = step(torch.tensor([token]), now)
        return rows[0]

    limits = {"width": width, "eos": 14, "longest": 8, "alpha": 0.7}
    search = beam_search(step, first, state, **limits)
    other = beam_search(step_of_table(anew), anew(())[None], NONE, **limits)
    assert [h.tokens for h in search.found] == [h.tokens for h in other.found]
    np.testing.assert_allclose([h.score for h in search.found], [h.score for h in other.found], rtol=1e-5)


def test_a_memory_asks_only_for_what_it_has_not_seen() -> None:
    step, first, state = network(15, 8)
    asked: list[int] = []

    def counting(tokens: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        asked.append(len(tokens))
        return step(tokens, state)

    memory: Memory = {(): (first[0], state)}
    limits = {"eos": 14, "longest": 8}
    found = beam_search(remembered(counting, memory), first, NONE, width=4, **limits)
    expected = beam_search(step, first, state, width=4, **limits)
    assert [h.tokens for h in found.found] == [h.tokens for h in expected.found]
    np.testing.assert_allclose([h.score for h in found.found], [h.score for h in expected.found], rtol=1e-5)
    assert sum(asked) == len(memory) - 1 and asked
    asked.clear()
    again = beam_search(remembered(counting, memory), first, NONE, width=4, alpha=1.0, **limits)
    assert not asked and {h.tokens for h in again.found} == {h.tokens for h in found.found}
    before = len(memory)
    beam_search(remembered(counting, memory), first, NONE, width=6, **limits)
    assert sum(asked) == len(memory) - before > 0


def test_the_score_and_its_order() -> None:
    assert length_normalized(-6.0, 4, 0.5) == -3 and length_normalized(-6.0, 4, 0) == -6
    one, two, cut = Hypothesis((1,), -2, -2, True), Hypothesis((2,), -1, -1, True), Hypothesis((3,), 0, 0, False)
    assert ranked([one, cut, two]) == [two, one, cut]


def test_the_courses_line_collapses() -> None:
    assert "".join(ctc_collapse("ttt_h_eee___ ____qqq__", "_")) == "the q"
    assert ctc_collapse([0, 1, 1, 0, 1, 2, 2, 0], 0) == [1, 1, 2] and ctc_collapse([], 0) == []


def frames(count: int, size: int, seed: int, sharp: float = 2.0) -> Tensor:
    return torch.log_softmax(sharp * torch.randn(count, size, generator=generator(seed), dtype=torch.float64), -1)


def by_all_paths(log_probabilities: Tensor, blank: int) -> dict[tuple[int, ...], float]:
    """The probability of every labelling, summed over all paths."""
    total: dict[tuple[int, ...], float] = defaultdict(float)
    count, size = log_probabilities.shape
    for path in itertools.product(range(size), repeat=count):
        labels = tuple(k for k, _ in itertools.groupby(path) if k != blank)
        total[labels] += math.exp(sum(float(log_probabilities[t, v]) for t, v in enumerate(path)))
    return total


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("seed", range(4))
def test_a_wide_ctc_beam_sums_all_paths(seed: int, blank: int) -> None:
    said = frames(6, 3, seed)
    expected = by_all_paths(said, blank)
    found = {each.labels: each.log_probability for each in ctc_beam(said, 1000, blank)}
    assert found.keys() == expected.keys()
    for labels, total in expected.items():
        assert found[labels] == pytest.approx(math.log(total), abs=1e-9)
    assert ctc_beam(said, 1000, blank)[0].labels == max(expected, key=expected.__getitem__)
    assert sum(math.exp(each) for each in found.values()) == pytest.approx(1)


def test_a_labellings_probability_is_torchs_loss() -> None:
    said = frames(7, 4, 1)
    found = ctc_beam(said, 5000)
    assert len(found) > 300
    for each in found[:60]:
        target, sizes = torch.tensor([each.labels], dtype=torch.long), torch.tensor([len(each.labels)])
        loss = nn.functional.ctc_loss(said[:, None], target, torch.tensor([7]), sizes, reduction="sum")
        assert each.log_probability == pytest.approx(-float(loss), abs=1e-9)


def add(*logs: float) -> float:
    most = max(logs)
    return most if most == -math.inf else most + math.log(sum(math.exp(each - most) for each in logs))


def plain_beam(
    said: Tensor, width: int, blank: int, model: Callable[[tuple[int, ...]], Tensor], weight: float, bonus: float
) -> list[tuple[tuple[int, ...], float]]:
    """Prefix beam search in plain Python."""
    given: dict[tuple[int, ...], float] = {(): 0.0}

    def rank(prefix: tuple[int, ...]) -> float:
        if prefix not in given:
            given[prefix] = rank(prefix[:-1]) + weight * float(model(prefix[:-1])[prefix[-1]]) + bonus
        return given[prefix]

    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -math.inf)}
    for frame in said.tolist():
        grown: dict[tuple[int, ...], tuple[float, float]] = defaultdict(lambda: (-math.inf, -math.inf))
        for prefix, (p_blank, p_label) in beam.items():
            for v, p in enumerate(frame):
                b, nb = grown[prefix]
                if v == blank:
                    grown[prefix] = add(b, p_blank + p, p_label + p), nb
                    continue
                longer = (*prefix, v)
                c, nc = grown[longer]
                if prefix and v == prefix[-1]:
                    grown[prefix] = b, add(nb, p_label + p)
                    grown[longer] = c, add(nc, p_blank + p)
                else:
                    grown[longer] = c, add(nc, p_blank + p, p_label + p)
        best = sorted(grown, key=lambda prefix: -(add(*grown[prefix]) + rank(prefix)))[:width]
        beam = {prefix: grown[prefix] for prefix in best if add(*grown[prefix]) > -math.inf}
    return sorted(((p, add(*beam[p]) + rank(p)) for p in beam), key=lambda pair: -pair[1])


@pytest.mark.parametrize(("width", "weight", "bonus"), [(3, 0.0, 0.0), (8, 0.0, 0.0), (5, 0.8, 0.5), (2, 1.5, 1.0)])
def test_a_narrow_ctc_beam_is_hannuns(width: int, weight: float, bonus: float) -> None:
    for seed in range(5):
        said, model = frames(25, 6, seed, 1.5), random_model(6, seed + 100)
        expected = plain_beam(said, width, 0, model, weight, bonus)
        found = ctc_beam(said, width, language_model=model if weight else None, weight=weight, bonus=bonus)
        assert [each.labels for each in found] == [labels for labels, _ in expected]
        np.testing.assert_allclose([each.score for each in found], [score for _, score in expected], rtol=1e-9)


def test_a_language_model_decides_between_what_sounds_alike() -> None:
    said = torch.tensor([[0.1, 0.5, 0.4]]).log()
    assert ctc_beam(said, 5)[0].labels == (1,)
    model = torch.tensor([0.0, 0.1, 0.9]).log
    assert ctc_beam(said, 5, language_model=lambda labels: model())[0].labels == (2,)
    best = ctc_beam(said, 5, language_model=lambda labels: model(), weight=0.5)[0]
    assert best.score == pytest.approx(math.log(0.4) + 0.5 * math.log(0.9)) and best.log_probability == pytest.approx(
        math.log(0.4)
    )


def test_greedy_takes_the_likeliest_path_which_need_not_be_the_likeliest_labelling() -> None:
    said = torch.tensor([[0.6, 0.4], [0.6, 0.4]]).log()
    assert ctc_greedy(said) == [] and ctc_beam(said, 5)[0].labels == (1,)
    assert ctc_beam(said, 5)[0].log_probability == pytest.approx(math.log(0.64))
    for seed in range(5):
        peaked = frames(30, 5, seed, 30.0)
        path = peaked.argmax(-1).tolist()
        assert ctc_greedy(peaked) == [k for k, _ in itertools.groupby(path) if k]
        assert list(ctc_beam(peaked, 5)[0].labels) == ctc_greedy(peaked)


def test_no_frames_give_no_labels() -> None:
    (only,) = ctc_beam(torch.empty(0, 4), 3)
    assert only.labels == () and only.log_probability == 0 and ctc_greedy(torch.empty(0, 4)) == []


def test_a_language_model_cannot_weigh_less_than_nothing() -> None:
    with pytest.raises(BadInput, match="at least 0, got -1"):
        ctc_beam(frames(3, 3, 0), 2, language_model=random_model(3, 0), weight=-1.0)
