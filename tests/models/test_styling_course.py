"""Going on with a transfer: the same numbers as without a stop, no picture kept but the last, and nothing kept for long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from engine.models.styling import textures
from engine.seeding import generator
from engine.training import styling
from engine.training.styling import Moment, Plan, moments, resumed


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch) -> None:
    monkeypatch.setattr(styling, "_kept", styling._kept.__class__())


def begin() -> Iterator[Moment]:
    random = generator(3)
    content, style = torch.rand(3, 24, 24, generator=random), torch.rand(3, 24, 24, generator=random)
    reader = textures()
    return moments(reader, content, style, Plan("relu2_1", {"relu1_1": 1.0}), generator(0))


def numbers(history: list[Moment]) -> list[tuple[float, float]]:
    return [(m.total, m.content) for m in history]


def test_a_stopped_course_goes_on_with_the_same_numbers() -> None:
    *_, whole = resumed("other", begin, 9)
    course = resumed("one", begin, 9)
    for history in course:
        if history[-1].step == 4:
            break
    course.close()
    begun = []
    states = [len(h) for h in resumed("one", lambda: begun.append(1) or begin(), 9)]
    assert states[0] == 5 and not begun
    *_, more = resumed("one", begin, 12)  # raised
    *_, fresh = resumed("third", begin, 12)
    assert numbers(more) == numbers(fresh) and numbers(more)[:10] == numbers(whole)
    assert torch.equal(more[-1].picture, fresh[-1].picture)
    assert [m.picture.numel() > 0 for m in more] == [False] * 12 + [True]


def test_a_course_at_its_end_begins_anew() -> None:
    list(resumed("one", begin, 3))
    assert [len(h) for h in resumed("one", begin, 3)] == [1, 2, 3, 4]


def test_few_are_kept_and_none_that_failed() -> None:
    for key in "abc":
        list(resumed(key, begin, 1))
    assert list(styling._kept) == ["b", "c"]

    def failing() -> Iterator[Moment]:
        yield next(begin())
        raise RuntimeError

    with pytest.raises(RuntimeError):
        list(resumed("d", failing, 3))
    assert "d" not in styling._kept
