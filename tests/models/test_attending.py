"""The recurrent encoder and decoder: step by step as all at once, blind to padding, and the bundled reader of dates."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engine.data.dates import EOS, LETTERS, answers, decode, draw_dates, encode
from engine.functional.attention import additive_energies
from engine.functional.decoding import beam_search, greedy
from engine.models import bundled
from engine.models.attending import Encoder, Translator, dates, initialize, last, overwritten, translator, write
from engine.seeding import generator
from engine.training.attending import exact, written

M, TX, TY, V = 4, 9, 5, 6
LENGTHS = torch.tensor([9, 4, 1, 7])


def tokens(high: int, *shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=[True, False])
def network(request: pytest.FixtureRequest) -> Translator:
    return initialize(1, 11, V, 5, 8, attend=request.param).double()


def test_the_encoder_reads_each_sequence_as_if_alone() -> None:
    encoder = initialize(0, 11, V, 5, 8).encoder.double()
    assert isinstance(encoder, Encoder)
    x = tokens(11, M, TX)
    a = encoder(x, LENGTHS)
    assert a.shape == (M, TX, 16)
    for row, length in enumerate(LENGTHS.tolist()):
        alone, _ = encoder.lstm(encoder.embed(x[row : row + 1, :length]))
        torch.testing.assert_close(a[row, :length], alone[0])
        assert a[row, length:].eq(0).all()


def test_last_is_where_each_way_ends() -> None:
    encoder = initialize(0, 11, V, 5, 8).encoder.double()
    x = tokens(11, M, TX)
    _, (h, _) = encoder.lstm(encoder.embed(x[:1]))
    whole = encoder(x[:1], torch.tensor([TX]))
    torch.testing.assert_close(last(whole, torch.ones(1, TX, dtype=torch.bool)), torch.cat([h[0], h[1]], 1))


def test_all_at_once_equals_step_by_step(network: Translator) -> None:
    x, y = tokens(11, M, TX), tokens(V, M, TY, seed=1)
    logits, alpha = network(x, LENGTHS, y)
    rows, state = network.decoder.first(*network.encode(x, LENGTHS))
    for t in range(TY):
        torch.testing.assert_close(rows, logits[:, t].log_softmax(-1))
        rows, state = network.decoder.step(y[:, t], state)
    assert all(len(part) == M for part in state) and alpha.shape == (M, TY, TX)


def test_weights_are_additive_attention_and_sum_to_one() -> None:
    network = initialize(1, 11, V, 5, 8).double()
    a, mask = network.encode(tokens(11, M, TX), LENGTHS)
    decoder, state = network.decoder, network.decoder.start(a, mask)
    energies = additive_energies(
        state[0][:, None], a, decoder.Ws.weight, decoder.Wa.weight, decoder.v.weight[0], decoder.Wa.bias
    )[:, 0]
    expected = energies.masked_fill(~mask, -math.inf).softmax(-1)
    torch.testing.assert_close(decoder.weights(state), expected)
    alpha = network(tokens(11, M, TX), LENGTHS, tokens(V, M, TY))[1]
    torch.testing.assert_close(alpha.sum(-1), torch.ones(M, TY, dtype=torch.float64))
    assert alpha.masked_select(~mask[:, None].expand_as(alpha)).eq(0).all()


def test_padding_changes_nothing(network: Translator) -> None:
    x, y = tokens(11, M, TX), tokens(V, M, TY, seed=1)
    logits, _ = network(x, LENGTHS, y)
    longer = torch.cat([x, tokens(11, M, 6, seed=2)], 1)
    for row, length in enumerate(LENGTHS.tolist()):
        longer[row, length:] = tokens(11, TX + 6 - length, seed=3)
    torch.testing.assert_close(network(longer, LENGTHS, y)[0], logits)


def test_without_attention_only_the_last_activations_count() -> None:
    network = initialize(1, 11, V, 5, 8, attend=False).double()
    a, mask = network.encode(tokens(11, 1, TX), torch.tensor([TX]))
    y = tokens(V, 1, TY, seed=1)
    other = a.clone()
    other[:, 1:-1] += 5
    assert torch.equal(network.decoder(a, mask, y)[0], network.decoder(other, mask, y)[0])
    assert network.decoder(a, mask, y)[1].eq(0).all() and not hasattr(network.decoder, "Wa")
    with_it = initialize(1, 11, V, 5, 8).double()
    assert not torch.equal(with_it.decoder(a, mask, y)[0], with_it.decoder(other, mask, y)[0])


@torch.inference_mode()
def test_searches_run_on_it() -> None:
    network = initialize(3, 11, V, 5, 8)
    x = tokens(11, 1, TX)
    first, state = network.decoder.first(*network.encode(x, torch.tensor([TX])))
    best = greedy(network.decoder.step, first, state, eos=0, longest=6)
    beam = beam_search(network.decoder.step, first, state, width=1, eos=0, longest=6)
    assert beam.found[0].tokens == best.tokens
    ours = write(network, x[0], eos=0, longest=6)
    batched = written(network.decoder, *network.encode(x, torch.tensor([TX])), eos=0, longest=6)
    assert tuple(ours.tokens.tolist()) == best.tokens == tuple(batched[0].tolist())
    chosen = ours.log_probabilities.max(1).values.sum()
    assert float(chosen) == pytest.approx(best.log_probability, abs=1e-5)


@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(0, 7), st.floats(0, 1))
@settings(deadline=None, max_examples=60)
def test_an_overwritten_row_keeps_the_weight_and_sums_to_one(seed: int, Tx: int, at: int, value: float) -> None:
    at = min(at, Tx - 1)
    alpha = torch.rand(Tx, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).softmax(0)
    edits = torch.full((Tx,), math.nan, dtype=torch.float64)
    edits[at] = value
    new = overwritten(alpha, edits)
    assert float(new.sum()) == pytest.approx(1)
    if Tx > 1:
        assert float(new[at]) == pytest.approx(value)
        others = [i for i in range(Tx) if i != at]
        torch.testing.assert_close(
            new[others] * alpha[others].sum(), alpha[others] * (1 - value), rtol=1e-9, atol=1e-12
        )


def test_overwriting_more_than_there_is() -> None:
    nan = math.nan
    alpha = torch.tensor([0.5, 0.25, 0.25])
    assert overwritten(alpha, torch.tensor([nan, nan, nan])).tolist() == alpha.tolist()
    assert overwritten(alpha, torch.tensor([1.0, 1.0, nan])).tolist() == [0.5, 0.5, 0.0]
    assert overwritten(alpha, torch.tensor([0.0, 0.0, 0.0])).tolist() == alpha.tolist()
    assert overwritten(torch.tensor([1.0]), torch.tensor([0.0])).tolist() == [1.0]


def test_an_overwritten_weight_reaches_what_is_written() -> None:
    x = encode(["saturday the 9th of may 1998"])[0][0]
    own = write(dates(), x, eos=EOS, longest=12)
    assert decode(own.tokens.tolist()) == "1998-05-09"
    row = torch.full((len(x),), math.nan)
    row[13] = 1.0
    changed = write(dates(), x, eos=EOS, longest=12, edits={6: row})
    assert decode(changed.tokens.tolist()) == "1998-09-09"
    assert changed.alpha[6].tolist() == [float(i == 13) for i in range(len(x))]
    torch.testing.assert_close(changed.own[:7], own.alpha[:7])


def test_a_start_depends_on_its_seed_alone() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = (initialize(seed, 11, V, 5, 8).state_dict() for seed in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["decoder.read.weight"], other["decoder.read.weight"])
    assert isinstance(translator(3, 4, 5, 6), nn.Module)


def test_the_bundled_reader_has_97_percent_of_2000_held_out_dates_exact() -> None:
    held = draw_dates(2000, generator(2), held_out=True)
    x, lengths = encode([each.text for each in held])
    with torch.inference_mode():
        found = written(dates().decoder, *dates().encode(x, lengths), eos=EOS, longest=12)
    share = float(exact(found, answers([each.day for each in held])).float().mean())
    assert share >= 0.97
    assert sum(p.numel() for p in dates().parameters()) == sum(v.numel() for v in bundled.state("dates").values())
    assert (bundled.WEIGHTS / "dates.safetensors").stat().st_size < 1_000_000
    assert dates().encoder.embed.num_embeddings == len(LETTERS)
