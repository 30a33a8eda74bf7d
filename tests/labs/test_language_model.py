"""Language models: all continuations sum to one, a product of steps by torch's own cells, and pear against pair."""

from __future__ import annotations

import math
import time
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from engine.data.passages import passage
from engine.labs.sequence_models import _texts, language_model
from engine.labs.sequence_models._texts import encoded, prepared, rebuilt
from engine.labs.sequence_models.language_model import LAB, Language, power, score
from engine.seeding import generator
from engine.training.characters import LONGEST, Corpus, LanguageModel, batches


def model_of(params: Language) -> tuple[LanguageModel, Corpus]:
    return rebuilt(LAB.last_frame(params).state, params), prepared(params.source, params.level, params.words)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_the_probabilities_of_all_continuations_sum_to_one(cell: str) -> None:
    own = passage(b"abab\nba\naab\nbbb\na\nab")
    model, corpus = model_of(
        Language(source=own, level="characters", cell=cell, steps=60, units=16, first="", second="")
    )
    inner = [i for i in range(len(corpus.vocabulary)) if i != corpus.vocabulary.eos]
    for begin in ([], encoded("ab", corpus)[0]):
        ended, going = 0.0, 0.0
        for length in range(6):
            for more in product(inner, repeat=length):
                chances = score(model, [*begin, *more], corpus).chances[len(begin) :]
                if length < 5:
                    ended += chances.prod()
                else:
                    going += chances[:-1].prod()  # whatever follows
        assert 0.05 < ended < 1 and ended + going == pytest.approx(1, abs=1e-5)


CELLS = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}


@pytest.mark.parametrize("cell", CELLS)
def test_a_sentences_steps_are_those_of_torchs_cell(cell: str) -> None:
    params = Language(cell=cell, steps=5)
    model, corpus = model_of(params)
    indices, _ = encoded("the cats were hungry.", corpus)
    one = CELLS[cell](params.units, params.units)
    one.load_state_dict({name.removesuffix("_l0"): value for name, value in model.layer.state_dict().items()})
    expected, state, x = [], None, torch.zeros(1, params.units)
    with torch.inference_mode():
        for target in [*indices, corpus.vocabulary.eos]:
            state = one(x, state)
            h = state[0] if cell == "lstm" else state
            expected.append(float(torch.softmax(model.leave(h), -1)[0, target]))
            x = model.enter.weight[target][None]
    np.testing.assert_allclose(score(model, indices, corpus).chances, expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("source", "level"), [("dinosaurs", "characters"), ("sentences", "words"), ("sentences", "characters")]
)
def test_the_cost_of_an_untrained_model_is_log_v(source: str, level: str) -> None:
    frames = LAB.frames(Language(source=source, level=level))
    first = next(frames)
    frames.close()
    size = len(prepared(source, level, 1000).vocabulary)
    curve = first.figures["Perplexity"].data
    assert [float(curve[k]["y"][0]) for k in (0, 1)] == pytest.approx([size, size], rel=1e-4)
    assert float(first.metrics["Perplexity"]) == pytest.approx(size, rel=5e-3)
    assert first.metrics["First to second"] in ("1 : 1",) or level == "characters"


def test_pear_against_pair() -> None:
    frame = LAB.last_frame(Language())
    first, second = frame.figures["Step by step"].data
    assert float(first["y"][3]) > 50 * float(second["y"][3])
    assert float(frame.metrics["P(first)"]) > 100 * float(frame.metrics["P(second)"])
    ends = [float(trace["y"][-1]) for trace in frame.figures["Product so far"].data]
    assert 10 ** ends[0] == pytest.approx(float(frame.metrics["P(first)"]), rel=0.01)
    assert frame.figures["Next token"].layout["yaxis"]["ticktext"][0] in language_pairs()
    assert float(frame.metrics["Perplexity"]) < 6


def language_pairs() -> set[str]:
    return {"shoes", "gloves", "socks", "boots", "glasses", "scissors", "trousers", "earrings", "skates", "slippers"}


def test_other_sentences_need_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = LAB.last_frame(Language(steps=40))
    monkeypatch.setattr(_texts, "fit_language", None)
    seen = LAB.seen(Language(steps=40, first="A quark slept.", prefix="the old"), frame)
    assert (
        seen.metrics["P(first)"] != frame.metrics["P(first)"]
        and seen.metrics["P(second)"] == frame.metrics["P(second)"]
    )
    assert "'quark'" in seen.note and seen.figures["Perplexity"] is frame.figures["Perplexity"]


@pytest.mark.parametrize("own", ["x", "🙂", "שלום עולם\nשלום שוב", "a", "你好。世界。", "\u200f!", "<b>\x07</b>"])
@pytest.mark.parametrize("level", ["characters", "words"])
def test_own_text_of_any_kind(own: str, level: str) -> None:
    source = passage(own.encode())
    frame = LAB.last_frame(Language(source=source, level=level, steps=20, first=own, second="", prefix=own[:1]))
    assert math.isfinite(float(frame.metrics["Perplexity"])) and frame.progress == 1
    assert float(frame.metrics["P(first)"]) > 0 and all("<b>" not in str(f.data) for f in frame.figures.values())


def test_a_rare_character_becomes_unk_and_the_note_says_so() -> None:
    own = passage(("".join(chr(0x4E00 + i) for i in range(400)) + "\nabc\n" * 50).encode())
    frame = LAB.last_frame(Language(source=own, level="characters", steps=2))
    assert "256 characters" in frame.note and "<UNK>" in frame.note


@pytest.mark.parametrize("level", ["characters", "words"])
@pytest.mark.parametrize("breaks", [True, False])
def test_own_text_of_a_megabyte_is_ready_soon(level: str, breaks: bool) -> None:
    line = "The quick brown fox jumps over the lazy dog, and 12 others" + (".\n" if breaks else " ")
    own = passage((line * 20_000).encode()[:1_000_000])
    began = time.process_time()
    frame = LAB.last_frame(Language(source=own, level=level, steps=20))
    assert time.process_time() - began < 20 and frame.progress == 1
    assert float(frame.metrics["Perplexity"]) < len(prepared(own, level, 1000).vocabulary)


def test_batches_hold_every_piece_once_an_epoch_with_its_like() -> None:
    pieces = prepared("dinosaurs", "characters", 1000).train
    drawn = batches(pieces, 64, generator(0))
    epoch = [next(drawn) for _ in range(-(-len(pieces) // 64))]
    assert sorted(torch.cat(epoch).tolist()) == list(range(len(pieces)))
    padded = sum(int(pieces.lengths[b].max()) * len(b) for b in epoch)
    assert padded < 1.06 * int(pieces.lengths.sum())


def test_a_long_sequence_is_cut_into_pieces_that_go_on() -> None:
    corpus = prepared(passage(b"abcdefghij" * 30), "characters", 1000)
    inputs, targets = corpus.train.batch(torch.arange(len(corpus.train)))
    assert inputs.shape == (7, LONGEST) and int((targets >= 0).sum()) == 301
    assert inputs[0, 0] == len(corpus.vocabulary) and inputs[1, 0] == targets[0, -1]
    assert torch.equal(inputs[:, 1:][targets[:, 1:] >= 0], targets[:, :-1][targets[:, 1:] >= 0])
    assert targets[targets >= 0][-1] == corpus.vocabulary.eos


def test_a_tiny_probability_is_written_by_its_power() -> None:
    assert power(-400.5) == "3.16e-401" and power(-2.0) == "1.00e-2"
    assert language_model.LAB is LAB
