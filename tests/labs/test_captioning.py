"""Captions of held-out scenes by the bundled weights: exact match, BLEU beside sacrebleu, and what the lab shows of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sacrebleu
import torch

from engine.data.captions import NAMED, draw_told, sentence, told, vocabulary
from engine.data.scenes import CLASSES, COLORS, Scenes
from engine.functional.decoding import beam_search
from engine.lab import Event
from engine.labs.attention.captioning import LAB, Told
from engine.models import bundled
from engine.models.captioner import EOS, LONGEST, WORDS, captioner, look
from engine.results.captions import Measured, agreed, captions, measure, squared
from engine.seeding import generator
from engine.training.captions import as_targets, as_words

EXACT, BLEU = 0.6, 0.9


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return draw_told(40, generator(7), held_out=True)


@pytest.fixture(scope="module")
def measured() -> Measured:
    return measure(captioner(), 150, generator(1))


def test_held_out_scenes_are_told(measured: Measured) -> None:
    assert measured.exact() >= EXACT
    assert measured.bleu() >= BLEU
    right = [
        " ".join(words) == " ".join(each[0]) for words, each in zip(measured.said, measured.references, strict=True)
    ]
    assert measured.exact() == pytest.approx(sum(right) / len(right))


@pytest.mark.parametrize("references", [1, 2])
def test_bleu_is_that_of_sacrebleu(measured: Measured, references: int) -> None:
    said = [" ".join(words) for words in measured.said]
    streams = [[" ".join(each[k]) for each in measured.references] for k in range(references)]
    oracle = sacrebleu.corpus_bleu(said, streams, tokenize="none", smooth_method="none", force=True)
    assert 100 * measured.bleu(references=references) == pytest.approx(oracle.score, abs=1e-6)


@pytest.mark.slow
def test_the_card_says_what_is_measured() -> None:
    found = None
    random = generator(1)
    found = measure(captioner(), 500, random)
    exact, score = f"{found.exact():.1%}", f"BLEU {found.bleu():.3f}"
    assert exact in bundled.card("captioner").metric and score in bundled.card("captioner").metric


def test_sentences_say_what_is_drawn(scenes: Scenes) -> None:
    palette = np.array([COLORS[name] for name in NAMED])
    pixels = scenes.pictures.permute(0, 2, 3, 1).numpy()
    for i, (across, down) in enumerate(told(scenes)):
        parts = []
        for j in scenes.of(i).tolist():
            mask = (scenes.owners[i] == j).numpy()
            color = NAMED[int(((palette - pixels[i][mask].mean(0)) ** 2).sum(1).argmin())]
            x0, y0, x1, y1 = scenes.boxes[j].tolist()
            parts.append(((x0 + x1) / 256, (y0 + y1) / 256, f"{color} {CLASSES[int(scenes.classes[j])]}"))
        for words, axis in ((across, 0), (down, 1)):
            text, at = " ".join(words), 0
            for part in sorted(parts, key=lambda p: p[axis]):
                assert part[2] in text[at:]
                at = text.index(part[2], at) + len(part[2])
                said = text[at + 1 :].split(" , ")[0].split(" and ")[0].split(" before ")[0]
                assert ("left" in said) == (part[0] < 1 / 3) and ("right" in said) == (part[0] >= 2 / 3)
                assert ("upper" in said or "top" in said) == (part[1] < 1 / 3)
                assert ("lower" in said or "bottom" in said) == (part[1] >= 2 / 3)
        mean = pixels[i][(scenes.owners[i] < 0).numpy()].mean()
        assert across[-4:] == ("a", "light" if mean > 0.5 else "dark", "ground", ".")
        assert set(across) | set(down) <= set(vocabulary())


def test_words_and_tokens_come_back(scenes: Scenes) -> None:
    sentences = [each[0] for each in told(scenes)]
    assert as_words(as_targets(sentences)) == sentences
    assert sentence(("a", "red", "car", ",", "a", "hat", ".")) == "A red car, a hat."


def test_teacher_forcing_gives_what_the_search_adds_up(scenes: Scenes) -> None:
    seen = look(scenes.pictures[:1])
    network = captioner()
    with torch.inference_mode():
        first, state = network.decoder.first(*network.encode(seen))
        best, *_ = beam_search(network.decoder.step, first, state, width=4, eos=EOS, longest=LONGEST, alpha=0.7).found
    plain, beam = captions(network, seen, 4, 0.7)
    assert tuple(WORDS[token] for token in best.tokens) == beam.words
    assert beam.log_probability == pytest.approx(best.log_probability, abs=1e-4)
    assert beam.score == pytest.approx(best.log_probability / len(best.tokens) ** 0.7, abs=1e-4)
    assert beam.score >= plain.score - 1e-5
    assert beam.alpha.sum((1, 2)) == pytest.approx(np.ones(len(beam.words)), abs=1e-5)
    assert captions(network, seen, 1, 0.7)[1].words == plain.words
    for word, log, others in zip(beam.words, beam.chances, beam.alternatives, strict=True):
        shown = dict(others)
        assert word not in shown or math.log(shown[word]) == pytest.approx(float(log), abs=1e-4)
        assert word in shown or math.exp(log) <= min(shown.values()) + 1e-6


def test_agreement_is_in_order() -> None:
    assert agreed(("a", "red", "car", "<EOS>"), ("a", "blue", "car")) == [True, False, True, True]
    assert agreed(("a", "b", "<EOS>"), None) == [True, True, True]


def test_any_picture_is_told() -> None:
    values = squared(np.zeros((30, 70, 3), np.uint8))
    assert values.shape == (1, 3, 128, 128)
    frame = next(LAB.frames(Told(look="picture", picture="photo-flower")))
    assert "drawn" in frame.note and frame.metrics["BLEU"] == "no reference"


def test_the_lab_shows_sentence_references_and_bleu() -> None:
    frame = LAB.last_frame(Told(scenes=20))
    table = frame.tables["Captions"]
    assert table["Exact"][2] == "yes" and table["BLEU, first reference"][2] == "1.000" and len(table["By"]) == 4
    assert table["BLEU, both"][3] == "1.000"
    assert set(frame.figures) == {"Picture", "Words", "Where it looks", "Held out"}
    assert frame.metrics["Held out, exact"].endswith("of 20")


def test_a_click_chooses_the_word() -> None:
    assert LAB.respond is not None
    assert LAB.respond(Told(), Event("click", "Where it looks", 1.06 * 2 + 0.5, 0.5)) == {"word": 3}
    assert LAB.respond(Told(), Event("click", "Words", 0.5, 0.5)) == {}
