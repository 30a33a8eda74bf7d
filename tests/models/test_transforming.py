"""The Transformer: its layers against torch.nn, nothing leaks, heads switch off, and the bundled reader of dates."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engine.data.dates import EOS, answers, draw_dates, encode
from engine.functional.decoding import beam_search, greedy
from engine.models import bundled
from engine.models.transforming import (
    HEADS,
    LAYERS,
    Layer,
    MultiHead,
    attention_of,
    dates,
    initialize,
    without,
)
from engine.seeding import generator
from engine.training.attending import exact, written

M, TX, TY, V, D = 3, 8, 6, 5, 16
LENGTHS = torch.tensor([8, 3, 5])


def tokens(high: int, *shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(seed))


def copied(ours: MultiHead, theirs: nn.MultiheadAttention) -> None:
    weights = ours.weights
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat(weights[:3]))
        theirs.in_proj_bias.copy_(torch.cat(weights[4:7]))
        theirs.out_proj.weight.copy_(weights.Wo)
        theirs.out_proj.bias.copy_(weights.bo)


def test_an_encoder_layer_equals_torchs_that_normalises_first() -> None:
    torch.manual_seed(0)
    ours = Layer(D, 4, cross=False).double()
    theirs = nn.TransformerEncoderLayer(D, 4, 2 * D, dropout=0.0, batch_first=True, norm_first=True).double()
    copied(ours.own, theirs.self_attn)
    theirs.linear1.load_state_dict(ours.each[1].state_dict())
    theirs.linear2.load_state_dict(ours.each[3].state_dict())
    x = torch.randn(M, TX, D, dtype=torch.float64)
    here = torch.arange(TX) < LENGTHS[:, None]
    found, _, across = ours(x, here[:, None])
    expected = theirs(x, src_key_padding_mask=~here)
    torch.testing.assert_close(found[here], expected[here], rtol=1e-6, atol=1e-6)
    assert across is None


def test_a_decoder_layer_equals_torchs_that_normalises_first() -> None:
    torch.manual_seed(0)
    ours = Layer(D, 4, cross=True).double()
    theirs = nn.TransformerDecoderLayer(D, 4, 2 * D, dropout=0.0, batch_first=True, norm_first=True).double()
    copied(ours.own, theirs.self_attn)
    copied(ours.cross, theirs.multihead_attn)
    theirs.linear1.load_state_dict(ours.each[1].state_dict())
    theirs.linear2.load_state_dict(ours.each[3].state_dict())
    x, memory = torch.randn(M, TY, D, dtype=torch.float64), torch.randn(M, TX, D, dtype=torch.float64)
    here, causal = torch.arange(TX) < LENGTHS[:, None], torch.ones(TY, TY, dtype=torch.bool).tril()
    found, _, across = ours(x, causal[None], memory, here[:, None])
    expected = theirs(x, memory, tgt_mask=~causal, memory_key_padding_mask=~here)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)
    assert across.shape == (M, 4, TY, TX)


@given(st.integers(0, 1000), st.integers(0, TY - 1))
@settings(deadline=None, max_examples=25)
def test_later_tokens_change_no_earlier_output(seed: int, after: int) -> None:
    network = initialize(1, 9, V, D, 4, 2).double()
    a, mask = network.encode(tokens(9, M, TX), LENGTHS)
    before = tokens(V, M, TY, seed=seed)
    other = before.clone()
    other[:, after:] = (other[:, after:] + 1 + tokens(V - 1, M, TY - after, seed=seed + 1)) % V
    first, second = (network.decoder.every(each, a, mask)[0] for each in (before, other))
    assert torch.equal(first[:, :after], second[:, :after])
    assert not torch.equal(first[:, after:], second[:, after:])
    network.decoder.causal = False
    if after:
        leaky = [network.decoder.every(each, a, mask)[0][:, :after] for each in (before, other)]
        assert not torch.equal(*leaky)


def test_all_at_once_equals_step_by_step() -> None:
    network = initialize(1, 9, V, D, 4, 2).double()
    x, y = tokens(9, M, TX), tokens(V, M, TY, seed=1)
    logits, across = network(x, LENGTHS, y)
    rows, state = network.decoder.first(*network.encode(x, LENGTHS))
    for t in range(TY):
        torch.testing.assert_close(rows, logits[:, t].log_softmax(-1))
        rows, state = network.decoder.step(y[:, t], state)
    assert all(len(part) == M for part in state) and across.shape == (M, 4, TY, TX)


def test_padding_changes_nothing() -> None:
    network = initialize(1, 9, V, D, 4, 2).double()
    x, y = tokens(9, M, TX), tokens(V, M, TY, seed=1)
    other = torch.cat([x, tokens(9, M, 4, seed=2)], 1)
    other[torch.arange(TX + 4) >= LENGTHS[:, None]] = 7
    torch.testing.assert_close(network(other, LENGTHS, y)[0], network(x, LENGTHS, y)[0])


def test_without_positions_letters_are_a_bag() -> None:
    x, y = tokens(9, 1, TX), tokens(V, 1, TY, seed=1)
    whole, order = torch.tensor([TX]), torch.randperm(TX, generator=torch.Generator().manual_seed(3))
    for there, same in ((False, True), (True, False)):
        network = initialize(1, 9, V, D, 4, 2, positions=there).double()
        shuffled = network(x[:, order], whole, y)[0]
        assert torch.allclose(shuffled, network(x, whole, y)[0], atol=1e-9) == same


def test_maps_are_every_heads_weights() -> None:
    network = initialize(1, 9, V, D, 4, 2).double()
    x, y = tokens(9, M, TX), tokens(V, M, TY, seed=1)
    maps = network.maps(x, LENGTHS, y)
    assert [part.shape for part in maps] == [(2, M, 4, TX, TX), (2, M, 4, TY, TY), (2, M, 4, TY, TX)]
    for part in maps:
        torch.testing.assert_close(part.sum(-1), torch.ones(part.shape[:-1], dtype=torch.float64))
    assert maps.decoder.triu(1).eq(0).all()
    torch.testing.assert_close(maps.cross[-1], network(x, LENGTHS, y)[1])


@pytest.mark.parametrize("kind", ["encoder", "decoder", "cross"])
def test_a_head_that_is_off_adds_nothing(kind: str) -> None:
    network = initialize(1, 9, V, D, 4, 2).double()
    x, seen, mask = torch.randn(1, TY, D).double(), torch.randn(1, TX, D).double(), torch.ones(1, TY, TX).bool()
    whole, alpha = attention_of(network, kind, 1)(x, seen, mask)
    attention = attention_of(network, kind, 1)
    alone = []
    for head in range(4):
        others = [(kind, 1, other) for other in range(4) if other != head]
        alone.append(attention_of(without(network, others), kind, 1)(x, seen, mask)[0] - attention.o.bias)
        own = slice(4 * head, 4 * head + 4)
        value = (alpha[:, head] @ attention.v(seen)[..., own]) @ attention.o.weight[:, own].T
        torch.testing.assert_close(alone[-1], value)
    torch.testing.assert_close(sum(alone) + attention.o.bias, whole)
    assert attention.o.weight.ne(0).all(), "the network itself is left alone"


@torch.inference_mode()
def test_searches_run_on_it() -> None:
    network = initialize(3, 9, V, D, 4, 2)
    first, state = network.decoder.first(*network.encode(tokens(9, 1, TX), torch.tensor([TX])))
    best = greedy(network.decoder.step, first, state, eos=0, longest=6)
    wide = beam_search(network.decoder.step, first, state, width=4, eos=0, longest=6)
    assert beam_search(network.decoder.step, first, state, width=1, eos=0, longest=6).found[0].tokens == best.tokens
    assert wide.found[0].log_probability >= best.log_probability - 1e-5 or not wide.found[0].ended


def share(count: int) -> float:
    held = draw_dates(count, generator(2), held_out=True)
    x, lengths = encode([each.text for each in held])
    with torch.inference_mode():
        found = written(dates().decoder, *dates().encode(x, lengths), eos=EOS, longest=12)
    return float(exact(found, answers([each.day for each in held])).float().mean())


def test_the_bundled_reader_reads_held_out_dates() -> None:
    assert share(300) >= 0.97
    assert (len(dates().encoder.layers), attention_of(dates(), "cross", 0).heads) == (LAYERS, HEADS)
    assert (bundled.WEIGHTS / "dates-transformer.safetensors").stat().st_size < 1_000_000


@pytest.mark.slow
def test_the_bundled_reader_has_97_percent_of_2000_held_out_dates_exact() -> None:
    assert share(2000) >= 0.97
