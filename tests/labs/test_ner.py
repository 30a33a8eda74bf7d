"""Named entities: what word vectors bring on words that training never saw, counted by scikit-learn, and typed sentences."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import f1_score
from sklearn.preprocessing import MultiLabelBinarizer

from engine.data.tagged import TAGS, held_out, normal, sentences, split_words
from engine.lab import Frame
from engine.labs.sequence_models.ner import DEFAULT, LAB, Names, build, rows_of, train_set
from engine.models.tagger import Tagger, ids
from engine.seeding import generator
from tests.functional.test_tagging import by_pattern


@pytest.fixture(scope="module")
def trained() -> Frame:
    torch.set_num_threads(1)
    return LAB.last_frame(Names())


def network(frame: Frame, params: Names, arm: int) -> Tagger:
    made = build(params, arm)
    made.load_state_dict(frame.state[arm])
    return made


def found(tagger: Tagger, rows: dict[str, int], words: list[str]) -> list[str]:
    with torch.inference_mode():
        return [TAGS[i] for i in tagger(ids(words, rows))[0].argmax(-1).tolist()]


def unseen_f1(frame: Frame, params: Names, arm: int, seed: int = 77) -> float:
    """Over fresh sentences one at a time, names compared as labels by scikit-learn."""
    tagger, rows = network(frame, params, arm), rows_of(params)[arm]
    held = sentences(150, generator(seed), "unseen")
    true = [by_pattern(list(s.tags)) for s in held]
    guess = [by_pattern(found(tagger, rows, list(s.words))) for s in held]
    binary = MultiLabelBinarizer().fit(true + guess)
    return float(f1_score(binary.transform(true), binary.transform(guess), average="micro"))


def test_f1_on_unseen_words_is_far_higher_with_vectors(trained: Frame) -> None:
    params = Names()
    with_vectors, without = (unseen_f1(trained, params, arm) for arm in (0, 1))
    assert with_vectors >= 0.95
    assert without <= with_vectors - 0.15
    assert without >= 0.4  # the words around a name tell something, too


def test_the_f1_shown_is_that_of_scikit_learn_on_the_same_sentences(trained: Frame) -> None:
    params = Names()
    for arm, label in enumerate(("F1, words never seen", "Without vectors")):
        shown = float(trained.metrics[label].rstrip("%")) / 100
        # The lab's sentences come from stream 3 of its seed.
        tagger, rows = network(trained, params, arm), rows_of(params)[arm]
        held = sentences(150, generator(0, 3), "unseen")
        true = [by_pattern(list(s.tags)) for s in held]
        guess = [by_pattern(found(tagger, rows, list(s.words))) for s in held]
        binary = MultiLabelBinarizer().fit(true + guess)
        expected = f1_score(binary.transform(true), binary.transform(guess), average="micro")
        assert shown == pytest.approx(expected, abs=0.0006)


def test_no_training_sentence_holds_the_words_that_the_text_names() -> None:
    met = {word for sentence in train_set(3000, 0) for word in sentence.words}
    assert {"harry", "potter", "rome"} <= held_out() and not {"harry", "potter", "rome"} & met
    with_vectors, without = rows_of(Names())
    assert held_out() <= set(with_vectors) and not held_out() & set(without)


def test_the_default_sentence_is_marked_rightly(trained: Frame) -> None:
    assert split_words(DEFAULT)[0] == "Harry" and "Harry Potter (person)" in trained.says
    for name in ("Hermione Granger (person)", "University of Rome (organisation)", "Paris (place)", "Monday (date)"):
        assert name in trained.says, name
    assert trained.note == "" and trained.metrics["Names in yours"] == "5"
    texts = [t for trace in trained.figures["Your sentence"].data for t in trace["text"]]
    assert any(text.startswith("organisation") for text in texts) and "Harry" in texts
    assert len(trained.figures["Your sentence"].layout["shapes"]) >= 5


def test_switching_vectors_off_changes_the_reader_and_begins_no_run(trained: Frame) -> None:
    assert set(LAB.views) == {"sentence", "vectors"}
    other = LAB.seen(Names(vectors=False), trained)
    assert "Harry" in other.note and "UNK" in other.note
    assert other.figures["Each word, in percent"] != trained.figures["Each word, in percent"]
    assert other.metrics["F1, words never seen"] == trained.metrics["F1, words never seen"]


@pytest.mark.parametrize(
    "text", ["", " ", "\x00", "Zxqw blorp", "🎵 שלום <b>x</b>", "a" * 200, "! " * 100, "2019", "$x$"]
)
def test_any_sentence_is_read(trained: Frame, text: str) -> None:
    frame = LAB.seen(Names(sentence=text), trained)
    shown = split_words(text)[:30] or ["…"]
    grid = frame.figures["Each word, in percent"].data[0]["z"]
    assert grid.shape == (len(shown), 5) and (abs(grid.sum(1) - 100) <= 3).all()
    strange = {word for word in split_words(text)[:30] if normal(word) not in rows_of(Names())[0]}
    assert all(word in frame.note for word in strange)
    assert "<b>" not in str([trace["text"] for trace in frame.figures["Your sentence"].data])
    assert ("30 words" in frame.note) is (len(split_words(text)) > 30)


def test_both_ways_beat_one_way_on_unseen_words(trained: Frame) -> None:
    params = Names(ways="one")
    one = LAB.last_frame(params)
    assert unseen_f1(one, params, 0) < unseen_f1(trained, Names(), 0) - 0.02


@pytest.mark.slow
def test_vectors_of_other_words_bring_nothing(trained: Frame, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.labs.sequence_models import ner
    from engine.models.tagger import word_vectors

    rows, vectors = word_vectors()
    mixed = vectors[torch.randperm(len(vectors), generator=generator(9))]
    monkeypatch.setattr(ner, "word_vectors", lambda: (rows, mixed))
    frame = LAB.last_frame(Names())
    assert unseen_f1(frame, Names(), 0) < unseen_f1(trained, Names(), 0) - 0.2


def test_the_first_cost_is_near_that_of_guessing() -> None:
    from math import log

    from engine.training.tagging import fit_tagger, grouped

    params = Names()
    train = grouped(train_set(params.count, params.seed), rows_of(params)[1], TAGS)
    first = next(fit_tagger(build(params, 1), train, steps=1, rate=0.01, batch=32, generator=generator(0)))
    assert float(first.cost) == pytest.approx(log(len(TAGS)), abs=0.15)
