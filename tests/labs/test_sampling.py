"""Sampling: frequencies as the model has them, no training for a new temperature, and text that gets better."""

from __future__ import annotations

import itertools
import time
from collections import Counter

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from engine.data import corpora
from engine.data.passages import passage
from engine.functional.language import at_temperature
from engine.labs.sequence_models import _texts
from engine.labs.sequence_models._texts import prepared, rebuilt
from engine.labs.sequence_models.sampling import LAB, Sampling
from engine.seeding import generator
from engine.training.characters import LanguageModel, initialize, read, sample


@pytest.fixture(scope="module")
def trained() -> LanguageModel:
    return rebuilt(LAB.last_frame(Sampling()).state[2], Sampling())


@pytest.mark.parametrize("temperature", [0.7, 1.0, 1.5])
def test_sampled_frequencies_match_the_distribution(trained: LanguageModel, temperature: float) -> None:
    corpus = prepared("dinosaurs", "characters", 1000)
    vocabulary, begin, draws = corpus.vocabulary, corpus.vocabulary.encode("Ty"), 20_000
    tokens, chances = sample(
        trained,
        vocabulary,
        begin,
        count=draws,
        longest=2,
        temperature=temperature,
        generator=generator(7),
        reject=False,
    )
    pairs = Counter(map(tuple, tokens.tolist()))
    expected = {}
    one = at_temperature(read(trained, begin)[0][-1].double(), temperature)
    for a in range(len(vocabulary)):
        two = at_temperature(read(trained, [*begin, a])[0][-1].double(), temperature)
        for b in range(len(vocabulary)):
            if a == vocabulary.eos:
                expected[a, b] = float(one[a]) * (b == vocabulary.eos)
            else:
                expected[a, b] = float(one[a] * two[b])
    assert sum(expected.values()) == pytest.approx(1, abs=1e-5)
    distance = sum(abs(pairs[pair] / draws - p) for pair, p in expected.items()) / 2
    by_chance = sum((p * (1 - p) / draws) ** 0.5 for p in expected.values()) / (2 * np.pi) ** 0.5
    assert distance < 1.2 * by_chance < 0.1
    often = [pair for pair, p in expected.items() if p * draws > 20]
    rest = 1 - sum(expected[pair] for pair in often)
    counts = [*(pairs[pair] for pair in often), draws - sum(pairs[pair] for pair in often)]
    likely = np.array([*(expected[pair] for pair in often), rest]) * draws
    assert chisquare(counts, likely / likely.sum() * draws).pvalue > 1e-3
    first = torch.stack([one[a] for a, _ in tokens.tolist()]).float()
    torch.testing.assert_close(chances[:, 0], first, rtol=1e-3, atol=1e-6)


def test_the_draws_in_the_figure_come_as_often_as_the_bars_say() -> None:
    for changed in ({}, {"temperature": 0.5}, {"begin": "Tyr"}):
        bars = LAB.last_frame(Sampling(steps=50, **changed)).figures["First token drawn"].data
        tempered, drawn = (np.asarray(bars[1]["x"], float), np.asarray(bars[2]["x"], float))
        assert np.abs(tempered - drawn).max() < 4.5 * np.sqrt(0.25 / 1000)


def test_another_temperature_or_beginning_needs_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = LAB.last_frame(Sampling(steps=60))
    monkeypatch.setattr(_texts, "fit_language", None)
    other = LAB.seen(Sampling(steps=60, temperature=0.2), frame)
    assert list(other.figures["Samples"].data[0]["text"]) != list(frame.figures["Samples"].data[0]["text"])
    assert other.figures["Cost"] is frame.figures["Cost"] and other.metrics["Cost"] == frame.metrics["Cost"]
    begun = LAB.seen(Sampling(steps=60, begin="Tri"), frame)
    assert all(text.startswith("<b>Tri</b>") for text in begun.figures["Samples"].data[0]["text"])


def test_at_zero_all_samples_are_the_likeliest_name() -> None:
    texts = LAB.last_frame(Sampling(steps=60, temperature=0)).figures["Samples"].data[0]["text"]
    assert len(texts) == 8 and len(set(texts)) == 1


def test_the_text_grows_into_names() -> None:
    frame = LAB.last_frame(Sampling())
    grown = frame.figures["As it trained"]
    steps = [int(label.split()[1].replace(",", "")) for label in grown.layout["yaxis"]["ticktext"]]
    assert steps[0] == 0 and steps[-1] == 250 and steps == sorted(steps) and len(steps) >= 6
    pairs = {a + b for name in corpora.names() for a, b in itertools.pairwise(name)}

    def share(text: str) -> float:
        return sum(a + b in pairs for a, b in itertools.pairwise(text)) / max(1, len(text) - 1)

    texts = [text.replace("<br>", "") for text in grown.data[0]["text"]]
    assert share(texts[0]) < 0.6 and share(texts[-1]) > 0.9
    assert np.mean([share(text) for text in frame.figures["Samples"].data[0]["text"]]) > 0.95
    curve = frame.figures["Cost"].data[0]["y"]
    assert (
        float(curve[-1])
        < 0.5 * float(curve[0])
        == pytest.approx(0.5 * np.log(len(prepared("dinosaurs", "characters", 1).vocabulary)), rel=1e-4)
    )


def test_words_make_sentences_of_the_texts_own_words() -> None:
    frame = LAB.last_frame(Sampling(source="sentences", level="words", steps=150))
    known = set(prepared("sentences", "words", 1000).vocabulary.tokens)
    words = [
        w.strip(".,?!") for text in frame.figures["Samples"].data[0]["text"] for w in text.replace("<br>", " ").split()
    ]
    assert len(words) > 30 and set(words) - {""} <= known


def test_a_thousand_characters_come_within_a_second() -> None:
    corpus = prepared("dinosaurs", "characters", 1000)
    model = initialize(len(corpus.vocabulary), 64, "gru", generator(0))
    model.leave.bias.data[corpus.vocabulary.eos] = -1e9
    seconds = []
    for _ in range(3):
        began = time.process_time()  # what other work on the machine leaves alone
        tokens, _ = sample(model, corpus.vocabulary, [], count=1, longest=1000, temperature=1.0, generator=generator(0))
        seconds.append(time.process_time() - began)
        assert tokens.shape == (1, 1000)
    assert min(seconds) < 1


@pytest.mark.parametrize("own", ["x", "🙂", "👩‍👩‍👧 👍🏽\nשלום עולם", "سلام دنیا", "<b>\x07</b>"])
@pytest.mark.parametrize("level", ["characters", "words"])
def test_own_text_of_any_kind(own: str, level: str) -> None:
    source = passage(own.encode())
    for begin in ("", own[:1], "zz"):
        frame = LAB.last_frame(Sampling(source=source, level=level, steps=10, begin=begin))
        assert frame.progress == 1 and frame.metrics["New"].endswith("of 8 samples")
        text = "".join(frame.figures["Samples"].data[0]["text"])
        assert "\x07" not in text and "<b>" not in text.replace("<b>" * bool(begin), "")


def test_own_text_of_a_megabyte() -> None:
    own = passage(("Call me a text without any line break at all; it goes on. " * 20_000).encode()[:1_000_000])
    frame = LAB.last_frame(Sampling(source=own, steps=40, longest=200))
    assert frame.progress == 1 and float(frame.metrics["Perplexity"]) < 25
