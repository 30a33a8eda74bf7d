"""Translation with attention and without: the bundled pair on held-out sentences by length, and what the lab shows of it."""

from __future__ import annotations

import numpy as np
import pytest
import sacrebleu
import torch

from engine.data.translations import Pair, by_length, draw_pairs
from engine.errors import BadInput
from engine.labs.attention import _translating
from engine.labs.attention.seq2seq import LAB, Translating, translate
from engine.models import bundled
from engine.models.translator import EOS, LONGEST, bundled_translator, english, known, read
from engine.results.translation import BINS, spoken
from engine.results.translation import by_length as compared
from engine.seeding import generator
from engine.training.attending import Update
from engine.training.translation import translated

MEASURED = 25


@pytest.fixture(scope="module")
def pairs() -> list[list[Pair]]:
    return by_length(MEASURED, BINS, generator(21))


@pytest.fixture(scope="module")
def said(pairs: list[list[Pair]]) -> dict[bool, list[list[tuple[str, ...]]]]:
    return {
        attend: [translated(bundled_translator(attend), [pair.source for pair in part]) for part in pairs]
        for attend in (True, False)
    }


def test_attention_holds_as_sentences_grow_and_none_falls(pairs, said) -> None:
    exact = {
        attend: [
            sum(" ".join(words) == " ".join(pair.target) for words, pair in zip(found, part, strict=True)) / MEASURED
            for found, part in zip(each, pairs, strict=True)
        ]
        for attend, each in said.items()
    }
    assert min(exact[True]) >= 0.95
    assert exact[False][0] >= 0.9 and exact[False][2] <= 0.7 and exact[False][4] <= 0.2 and exact[False][-1] <= 0.05
    for attend in (True, False):
        assert compared(BINS, pairs, said[attend]).exact == pytest.approx(exact[attend])


def test_bleu_by_length_is_that_of_sacrebleu(pairs, said) -> None:
    result = compared(BINS, pairs, said[False])
    for k, (part, found) in enumerate(zip(pairs, said[False], strict=True)):
        words, truth = [" ".join(each) for each in found], [" ".join(pair.target) for pair in part]
        oracle = sacrebleu.corpus_bleu(words, [truth], tokenize="none", smooth_method="none", force=True).score
        assert 100 * float(result.bleu[k]) == pytest.approx(oracle, abs=1e-4)


def test_bins_without_anything_said_are_empty(pairs, said) -> None:
    result = compared(BINS, pairs, said[True][:2])
    assert (
        np.isfinite(result.exact).tolist() == [True] * 2 + [False] * 5
        and result.counts.tolist() == [MEASURED] * 2 + [0] * 5
    )


def test_padding_changes_nothing(pairs) -> None:
    """Sentences of different lengths translated together and each alone."""
    some = [part[0].source for part in pairs[:4]]
    for attend in (True, False):
        network = bundled_translator(attend)
        together = translated(network, some)
        assert together == [translated(network, [words])[0] for words in some]
        assert together == [translate(network, words, 1) for words in some]


def test_no_held_out_sentence_is_trained_on(pairs) -> None:
    trained = {pair.source for pair in draw_pairs(3000, generator(0))}
    assert not trained & {pair.source for part in pairs for pair in part}
    assert all(pair.held_out for part in pairs for pair in part)
    assert all(low <= pair.length <= high for (low, high), part in zip(BINS, pairs, strict=True) for pair in part)


def test_log_probabilities_are_those_of_the_search(pairs) -> None:
    network, words = bundled_translator(True), pairs[2][0].source
    with torch.inference_mode():
        rows, state = network.decoder.first(*network.encode(*read([words])))
        logs, tokens = list[float](), list[int]()
        while len(tokens) < LONGEST and EOS not in tokens:
            tokens.append(int(rows[0].argmax()))
            logs.append(float(rows[0, tokens[-1]]))
            rows, state = network.decoder.step(torch.tensor(tokens[-1:]), state)
    found = spoken(network, words, english(tokens))
    assert found.chances == pytest.approx(np.array(logs), abs=1e-4)
    assert found.alpha.shape == (len(tokens), len(words))
    assert found.alpha.sum(1) == pytest.approx(np.ones(len(tokens)), abs=1e-5)
    assert np.isnan(spoken(bundled_translator(False), words, english(tokens)).alpha).all()


def test_the_map_crosses_where_words_change_places() -> None:
    words = ("jane", "montre", "la", "robe", "rouge", ".")
    found = spoken(bundled_translator(True), words, ("jane", "is", "showing", "the", "red", "dress", "."))
    looked = {word: words[int(row.argmax())] for word, row in zip(found.words, found.alpha, strict=True)}
    assert looked["red"] == "rouge" and looked["jane"] == "jane"


def test_typed_sentences() -> None:
    frame = next(LAB.frames(Translating(sentence="Jane visite l’Egypte en SEPTEMBRE avec Babar!")))
    assert "Jane is visiting Egypt in September" in frame.says
    assert frame.note == "Not in the grammar and left out: babar."
    assert known(("egypte", "xyz")) == (("égypte",), ("xyz",))
    with pytest.raises(BadInput, match="French word"):
        next(LAB.frames(Translating(sentence="hello 123 <b>!")))
    assert next(LAB.frames(Translating(sentence="jane " * 59))).note.startswith("Only the first 40")


def test_a_held_out_sentence_of_a_length_with_its_reference() -> None:
    frame = next(LAB.frames(Translating(words=12)))
    table = frame.tables["Translations"]
    assert table["By"] == ["French", "Attention", "No attention", "Reference"] and len(table["BLEU"]) == 4
    assert LAB.version and {"words", "width", "sentence"} <= set(LAB.views)


@pytest.mark.slow
def test_learning_now_parts_the_two() -> None:
    frame = LAB.last_frame(Translating(network="live"))
    exact = {trace.name: np.array(trace.y, float) for trace in frame.figures["Exact by length"].data}
    assert exact["attention"].mean() >= 0.7 and exact["no attention"].mean() <= exact["attention"].mean() - 0.15
    assert set(frame.figures) == {"Exact by length", "BLEU by length", "Cost", "Attention", "Word by word"}


def test_a_training_that_overflows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [Update(0, 5.0), Update(1, float("nan"))]
    monkeypatch.setattr(_translating, "fit_attending", lambda *_, **__: iter(moments))
    *_, frame = LAB.frames(Translating(network="live", steps=10))
    assert frame.progress == 1 and "rate" in frame.diverged and frame.remedy == {"rate": 0.015}


@pytest.mark.slow
@pytest.mark.parametrize("attend", [True, False])
def test_the_cards_say_what_is_measured(attend: bool) -> None:
    network, each = bundled_translator(attend), by_length(200, BINS, generator(1))
    result = compared(BINS, each, [translated(network, [pair.source for pair in part]) for part in each])
    told = ", ".join(f"{low}-{high}: {exact:.1%}" for (low, high), exact in zip(BINS, result.exact, strict=True))
    assert told in bundled.card("translator" if attend else "translator-plain").metric
