"""Made sequences to learn from: sentences whose verb agrees with a far subject, and names to repeat after a wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import torch
from torch import Tensor

SINGULAR = ("cat", "dog", "bird", "child", "student", "teacher", "friend", "boy")
PLURAL = ("cats", "dogs", "birds", "children", "students", "teachers", "friends", "boys")
OPENERS = ("that", "which")
VERBS = ("saw", "met", "followed", "liked", "chased", "found")
LINKS = ("near", "behind", "with", "beside", "of")
ADJECTIVES = ("old", "small", "happy", "quiet", "tall", "young")
ADVERBS = ("here", "outside", "today", "again")
FORMS = ("was", "were")
WORDS = ("the", *SINGULAR, *PLURAL, *OPENERS, *VERBS, *LINKS, *ADJECTIVES, *ADVERBS)
HELD, SHORT, MOST = 2, 3, 60
INDEX = {word: i for i, word in enumerate(WORDS)}


def draws(random: torch.Generator, block: int = 4096) -> Iterator[float]:
    """Uniform numbers in [0, 1) without end, drawn many at a time."""
    for _ in count():
        yield from torch.rand(block, generator=random).tolist()


def pick(words: Sequence[str], uniform: Iterator[float]) -> str:
    """One of the words, each as likely."""
    return words[int(next(uniform) * len(words))]


def filler(gap: int, uniform: Iterator[float]) -> list[str]:
    """``gap`` words between a subject and its verb: clauses and phrases whose nouns are of either number, then adverbs."""
    words: list[str] = []
    while (left := gap - len(words)) > 2:
        clause = left > 3 and next(uniform) < 0.5
        lead = [pick(OPENERS, uniform), pick(VERBS, uniform)] if clause else [pick(LINKS, uniform)]
        room = min(2, left - len(lead) - 2)
        between = [pick(ADJECTIVES, uniform) for _ in range(int(next(uniform) * (room + 1)))]
        words += [*lead, "the", *between, pick((*SINGULAR, *PLURAL), uniform)]
    return words + [pick(ADVERBS, uniform) for _ in range(gap - len(words))]


def sentence(plural: bool, gap: int, uniform: Iterator[float]) -> list[str]:
    """A sentence up to its verb: the subject, and ``gap`` words that don't matter."""
    return ["the", pick(PLURAL if plural else SINGULAR, uniform), *filler(gap, uniform)]


def is_held_out(words: Sequence[str]) -> bool:
    """Whether a sentence is kept from training: half of all, but none of the few with a gap below three words."""
    return len(words) >= SHORT + 2 and sum(INDEX[word] for word in words) % HELD == 0


def agreement(size: int, gap: int, random: torch.Generator, held_out: bool = False) -> tuple[Tensor, Tensor]:
    """``size`` sentences of one gap up to their verb, as indices of WORDS (size, gap + 2), and its form (size, 1).

    The form is 0 for was and 1 for were. Sentences are all for training, or all held out.
    """
    uniform = draws(random)
    rows: list[list[int]] = []
    forms: list[list[int]] = []
    while len(rows) < size:
        plural = next(uniform) < 0.5
        words = sentence(plural, gap, uniform)
        if gap < SHORT or is_held_out(words) == held_out:
            rows.append([INDEX[word] for word in words])
            forms.append([int(plural)])
    return torch.tensor(rows), torch.tensor(forms)


def read(sentence: str, known: Sequence[str] = WORDS, most: int = MOST) -> tuple[list[str], list[str]]:
    """The words of a typed sentence that are among the ``known`` ones, up to was or were, and those that aren't."""
    words = "".join(c if c.isalpha() else " " for c in sentence.lower()).split()
    verb = next((i for i, word in enumerate(words) if word in FORMS), len(words))
    found = [word for word in words[:verb] if word in known]
    return found[:most], [word for word in words[:verb] if word not in known]


def twin(words: Sequence[str]) -> list[str]:
    """The same sentence with its first noun, the subject, in the other number."""
    other = dict(zip((*SINGULAR, *PLURAL), (*PLURAL, *SINGULAR), strict=True))
    subject = next((i for i, word in enumerate(words) if word in other), None)
    return [other[word] if i == subject else word for i, word in enumerate(words)]


NAMES = ("ada", "ben", "cleo", "dan", "eva", "finn", "gus", "hana")
CHATTER = ("and", "then", "rain", "fell", "while", "music", "played")
CUE = "who"
TOLD = (*NAMES, *CHATTER, CUE)


def remember(size: int, gap: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """A name, ``gap`` words of chatter, and the cue that asks for the name: copy memory with one thing to copy.

    Indices of TOLD (size, gap + 2), and the name (size, 1). Hochreiter and Schmidhuber 1997, section 5.
    """
    told = torch.randint(len(NAMES), (size, 1), generator=random)
    chatter = len(NAMES) + torch.randint(len(CHATTER), (size, gap), generator=random)
    return torch.cat([told, chatter, torch.full((size, 1), TOLD.index(CUE))], 1), told
