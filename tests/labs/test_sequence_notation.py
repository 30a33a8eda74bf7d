"""Text to vectors and back: the round trip, what becomes <UNK>, and how much a vocabulary knows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from engine.data import corpora
from engine.data.passages import passage
from engine.errors import BadInput
from engine.functional.language import EOS, UNK
from engine.labs.sequence_models.sequence_notation import LAB, Notation


def table(**changed: object) -> dict[str, list]:
    return LAB.last_frame(Notation(**changed)).tables["Round trip"]


@pytest.mark.parametrize("level", ["characters", "words"])
def test_known_tokens_come_back_from_their_vectors(level: str) -> None:
    frame = LAB.last_frame(Notation(typed="The apple and pear salad was fresh.", level=level, size=5000))
    trip = frame.tables["Round trip"]
    assert trip["token"] == trip["read back"] and trip["token"][-1] == EOS
    assert frame.metrics["Round trip"] == "the same" and frame.metrics["Unknown"] == "0"
    assert ("".join(trip["token"][:-1]) == "The apple and pear salad was fresh.") == (level == "characters")


def test_the_vectors_shown_are_one_hot_at_the_tokens_indices() -> None:
    frame = LAB.last_frame(Notation(position=5))
    heat = frame.figures["One-hot vectors"].data[0]
    values = np.asarray(heat["z"], float)
    rows = [label.split()[0] for label in frame.figures["One-hot vectors"].layout["yaxis"]["ticktext"]]
    first = int(frame.figures["One-hot vectors"].layout["xaxis"]["ticktext"][0].split("<br>")[0])
    for column, index in enumerate(frame.tables["Round trip"]["index"][first - 1 : first - 1 + values.shape[1]]):
        assert rows[int(np.nanargmax(values[:, column]))] == str(index) and np.nansum(values[:, column]) == 1


def test_unknown_words_are_lost_and_counted() -> None:
    trip = table(typed="a penguin and a walrus", size=50)
    assert trip["read back"] == ["a", UNK, "and", "a", UNK, EOS]
    frame = LAB.last_frame(Notation(typed="a penguin and a walrus", size=50))
    assert frame.metrics["Unknown"] == "2" and "lost" in frame.metrics["Round trip"]


def test_a_larger_vocabulary_never_knows_less() -> None:
    lost = [
        table(typed="The baker found a ripe mango.", size=size)["read back"].count(UNK) for size in (1, 20, 100, 400)
    ]
    assert lost == sorted(lost, reverse=True) and lost[0] > lost[-1] == 0


def test_the_share_known_is_that_of_the_most_frequent() -> None:
    figure = LAB.last_frame(Notation(source="dinosaurs", level="characters", size=10)).figures["How much is known"]
    counts = Counter("".join(corpora.names()))
    expected = sum(count for _, count in counts.most_common(10)) / sum(counts.values())
    assert figure.data[1]["y"][0] == pytest.approx(expected, rel=1e-6)
    assert figure.data[0]["y"][-1] == pytest.approx(1)


def test_the_end_is_a_choice_and_nothing_at_all_is_refused() -> None:
    assert table(typed="the", end=False)["token"] == ["the"]
    assert table(typed="")["token"] == [EOS]
    with pytest.raises(BadInput, match="at least one token, got ''"):
        LAB.last_frame(Notation(typed="", end=False))


@pytest.mark.parametrize("own", ["x", "🙂🙃🙂", "שלום עולם", "a\x07b", "<b>&amp;</b>", "ा"])
@pytest.mark.parametrize("level", ["characters", "words"])
def test_own_text_of_any_kind(own: str, level: str) -> None:
    source = passage(own.encode())
    frame = LAB.last_frame(Notation(source=source, typed=own, level=level, size=5000))
    assert frame.metrics["Round trip"] == "the same"
    shown = str(frame.figures["Tokens"].data[0]["text"])
    assert "<b>" not in shown and "\x07" not in shown


def test_own_text_of_a_megabyte() -> None:
    own = passage(("some words and a line\n" * 50_000).encode()[:1_000_000])
    assert LAB.last_frame(Notation(source=own, typed="some line")).metrics["Round trip"] == "the same"
