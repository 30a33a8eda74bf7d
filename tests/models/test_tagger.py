"""Taggers against torch.nn: layers, both ways, and networks side by side."""

import itertools

import pytest
import torch
from torch import nn

from engine.data.tagged import held_out, vocabulary
from engine.models import bundled
from engine.models.tagger import Tagger, Taggers, ids, seeded, weights_each, word_vectors
from engine.training.tagging import costs_of


def words(count: int, m: int, T: int) -> torch.Tensor:
    return torch.randint(count, (m, T), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("layers", "both_ways"), list(itertools.product((1, 2, 3), (False, True))))
def test_networks_side_by_side_equal_torch_one_by_one(layers: int, both_ways: bool) -> None:
    fleet = seeded(1, Taggers, 3, 7, 4, hidden=5, layers=layers, both_ways=both_ways).double()
    x, ways = words(7, 6, 9), 2 if both_ways else 1
    activations, logits = fleet.every(x)
    for k in range(3):
        a = fleet.embed[k][x]
        for layer in range(layers):
            rnn = nn.RNN(a.shape[-1], 5, batch_first=True, bidirectional=both_ways).double()
            with torch.no_grad():
                for way in range(ways):
                    end = "_reverse" if way else ""
                    getattr(rnn, f"weight_ih_l0{end}").copy_(fleet.Wax[layer][k + 3 * way].T)
                    getattr(rnn, f"weight_hh_l0{end}").copy_(fleet.Waa[layer][k + 3 * way].T)
                    getattr(rnn, f"bias_ih_l0{end}").copy_(fleet.ba[layer][k + 3 * way, 0])
                    getattr(rnn, f"bias_hh_l0{end}").zero_()
            a, _ = rnn(a)
            assert torch.allclose(activations[layer][k], a, atol=1e-9)
        assert torch.allclose(logits[k], a @ fleet.Wya[k] + fleet.by[k], atol=1e-9)
    size = sum(p[0].numel() * (1 if p.shape[0] == 3 else ways) for p in fleet.parameters())
    assert weights_each(fleet) == size


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_stacked_layers_equal_the_layers_of_torch(cell: str) -> None:
    network = seeded(2, Tagger, 7, 4, hidden=6, layers=3, both_ways=True, cell=cell, size=5).double()
    whole = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell](
        5, 6, 3, batch_first=True, bidirectional=True
    ).double()
    own = {
        name.replace("_l0", f"_l{i}"): value
        for i, layer in enumerate(network.layers)
        for name, value in layer.state_dict().items()
    }
    whole.load_state_dict(own)
    x = words(7, 4, 8)
    assert torch.allclose(network(x), network.read(whole(network.embed(x))[0]), atol=1e-9)


def test_one_way_never_looks_ahead_and_both_ways_do() -> None:
    x = words(7, 1, 8)
    other = x.clone()
    other[0, 5:] = (other[0, 5:] + 1) % 7
    for both_ways in (False, True):
        fleet = seeded(3, Taggers, 2, 7, 4, hidden=5, both_ways=both_ways)
        alike = torch.equal(fleet(x)[:, :, :5], fleet(other)[:, :, :5])
        assert alike is not both_ways


def test_costs_are_those_of_torch_for_each_network() -> None:
    logits, y = torch.randn(3, 4, 6, 5, dtype=torch.float64), words(5, 4, 6)
    each = [nn.functional.cross_entropy(z.flatten(0, 1), y.flatten()) for z in logits]
    assert torch.allclose(costs_of(logits, y), torch.stack(each), atol=1e-12)
    assert torch.allclose(costs_of(logits[0], y), each[0], atol=1e-12)


def test_word_vectors_know_the_grammar_and_stay_as_they_are() -> None:
    rows, vectors = word_vectors()
    assert tuple(rows) == vocabulary() == bundled.card("word-vectors").labels
    assert torch.isfinite(vectors).all() and (vectors[0] == 0).all() and (vectors[1:].norm(dim=1) > 0.1).all()
    network = Tagger(len(rows), 9, vectors=vectors)
    assert not network.embed.weight.requires_grad and torch.equal(network.embed.weight, vectors)
    assert ids(["paris", "zzz"], rows).tolist() == [[rows["paris"], 0]]


def test_a_held_out_word_lies_near_words_of_its_kind() -> None:
    from sklearn.neighbors import KNeighborsClassifier

    from engine.data.tagged import CITIES, FIRMS, FIRST

    rows, vectors = word_vectors()
    kinds = {word: i for i, names in enumerate((FIRST, CITIES, FIRMS)) for word in names}
    held = [word for word in kinds if word in held_out()]
    met = [word for word in kinds if word not in held_out()]
    near = KNeighborsClassifier(3, metric="cosine").fit(vectors[[rows[w] for w in met]], [kinds[w] for w in met])
    assert near.score(vectors[[rows[w] for w in held]], [kinds[w] for w in held]) >= 0.95
