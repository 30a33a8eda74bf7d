"""Bidirectional RNN: exactly half right one way, nearly all both ways, and arrows that say what an answer can know."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from engine.data.tagged import SIDES, TWOFOLD
from engine.lab import Event, Frame
from engine.labs.sequence_models.birnn import LAB, Reading, build, material
from engine.models.tagger import ids


@pytest.fixture(scope="module")
def trained() -> Frame:
    torch.set_num_threads(1)
    return LAB.last_frame(Reading())


def accuracies(frame: Frame, params: Reading, arm: int) -> tuple[np.ndarray, np.ndarray]:
    """Of every network on twofold words and on others, by torch.nn.RNN with the same numbers, a sentence at a time."""
    rows, _, held = material(params.seed)
    state, ways = frame.state[arm], 1 + arm
    twofold, others = [], []
    for k in range(params.starts):
        rnn = nn.RNN(params.hidden, params.hidden, batch_first=True, bidirectional=arm == 1)
        with torch.no_grad():
            for way in range(ways):
                at, end = k + way * params.starts, "_reverse" if way else ""
                getattr(rnn, f"weight_ih_l0{end}").copy_(state["Wax.0"][at].T)
                getattr(rnn, f"weight_hh_l0{end}").copy_(state["Waa.0"][at].T)
                getattr(rnn, f"bias_ih_l0{end}").copy_(state["ba.0"][at, 0])
                getattr(rnn, f"bias_hh_l0{end}").zero_()
            hits: dict[bool, list[bool]] = {True: [], False: []}
            for sentence in held:
                a, _ = rnn(state["embed"][k][ids(sentence.words, rows)])
                guess = (a[0] @ state["Wya"][k] + state["by"][k]).argmax(-1).tolist()
                for word, tag, i in zip(sentence.words, sentence.tags, guess, strict=True):
                    hits[word in TWOFOLD].append(SIDES[i] == tag)
        twofold.append(np.mean(hits[True]))
        others.append(np.mean(hits[False]))
    return np.array(twofold), np.array(others)


def test_one_way_is_at_chance_and_both_ways_near_perfect(trained: Frame) -> None:
    one, one_others = accuracies(trained, Reading(), 0)
    both, both_others = accuracies(trained, Reading(), 1)
    # Twins share all that comes before, so one of two is wrong whatever was learned.
    assert (one == 0.5).all()
    assert both.min() >= 0.97
    assert one_others.min() >= 0.98 and both_others.min() >= 0.98
    assert trained.metrics["One way"] == "50.0%"
    assert float(trained.metrics["Both ways"].rstrip("%")) / 100 == pytest.approx(both.mean(), abs=0.0006)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_with_other_seeds(seed: int) -> None:
    frame = LAB.last_frame(Reading(seed=seed))
    assert frame.metrics["One way"] == "50.0%"
    assert float(frame.metrics["Both ways"].rstrip("%")) >= 97


def test_a_held_out_sentence_is_not_among_those_trained_on() -> None:
    _, train, held = material(0)
    assert not {s.words for s in train} & {s.words for s in held}


def test_teddy_is_a_name_before_roosevelt_and_not_before_bears(trained: Frame) -> None:
    answers = {}
    for follows in ("Roosevelt was a great president", "bears are on sale"):
        frame = LAB.seen(Reading(sentence=f"He said, Teddy {follows}"), trained)
        for arm in ("One way", "Both ways"):
            answers[arm, follows[:1]] = frame.figures[arm].data[-1]["marker"]["color"][3]
    assert answers["One way", "R"] == answers["One way", "b"]
    assert answers["Both ways", "R"] > 0.9 and answers["Both ways", "b"] < 0.1


def arrows(frame: Frame, figure: str, seen: int) -> int:
    x = frame.figures[figure].data[seen]["x"]
    return len(x) // 3


def test_blue_arrows_are_what_the_asked_answer_depends_on(trained: Frame) -> None:
    """The words that change the asked answer when changed are those with a blue arrow from them."""
    params = Reading(word=4)
    frame = LAB.seen(params, trained)
    rows, _, _ = material(0)
    for arm, name in enumerate(("One way", "Both ways")):
        network = build(params, arm)
        network.load_state_dict(frame.state[arm])
        x = ids(["he", "said", ",", "teddy", "roosevelt", "was", "a", "great", "president"], rows)
        depends = set()
        with torch.no_grad():
            base = network(x)[0, 0, 3]
            for t in range(x.shape[1]):
                other = x.clone()
                other[0, t] = rows["rose"]
                if not torch.equal(network(other)[0, 0, 3], base):
                    depends.add(t)
        blue = frame.figures[name].data[1]
        starts = [(x0, y0) for x0, y0 in zip(blue["x"][::3], blue["y"][::3], strict=True)]
        words = {round(x0) for x0, y0 in starts if y0 < 0.5}
        assert words == depends == (set(range(4)) if arm == 0 else set(range(9)))


def test_a_click_asks_and_a_longer_question_than_the_sentence_is_clamped(trained: Frame) -> None:
    assert LAB.respond(Reading(), Event("click", "Both ways", 2.2, 1)) == {"word": 3}
    assert LAB.respond(Reading(), Event("click", "Names told by what follows, held out", 2, 1)) == {}
    frame = LAB.seen(Reading(sentence="Teddy", word=12), trained)
    assert "“Teddy”" in frame.says


@pytest.mark.parametrize("text", ["", "🎵 <i>שלום</i>", "word " * 24, "\x00"])
def test_any_sentence_is_read(trained: Frame, text: str) -> None:
    frame = LAB.seen(Reading(sentence=text), trained)
    assert set(frame.figures) >= {"One way", "Both ways"}
    assert "<i>" not in str(frame.figures["Both ways"].layout["xaxis"]["ticktext"])
    assert ("UNK" if text.strip("\x00 ") else "Type a sentence") in frame.note
