"""Sentences with names in them, drawn from a grammar that knows which words are a person, a place, an organisation, a date.

Half of all words that can be part of a name, and of the nouns that can stand where one does, are held out: training
sentences use the other half. Words are in lower case, so that a capital gives nothing away, and digits are written 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch

KINDS = ("PER", "LOC", "ORG", "DATE")
# Tags as CoNLL 2003 writes them: B begins a name, I goes on with it, O is outside of any.
TAGS = ("O", *(f"{part}-{kind}" for kind in KINDS for part in "BI"))
NAMES = {"PER": "person", "LOC": "place", "ORG": "organisation", "DATE": "date"}
UNKNOWN = "<unk>"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST = _words("""
    harry hermione sally robert alice carlos mei anna omar priya john maria ivan fatima david elena ahmed grace
    kenji laura peter nadia george ingrid samuel aisha martin chloe diego hannah victor leila thomas sofia hassan
    julia kofi emma raj clara lucas yuki daniel amina oscar nina felix zara paul irene hugo tara simon olga leon
    ruth adam lucy mark jane charlotte florence sydney jordan austin victoria
""")
LAST = _words("""
    potter granger johnson lin smith garcia chen novak rossi khan müller silva tanaka kim dubois ivanova haddad
    okafor patel brown jones nguyen hansen costa moreau fischer santos wagner kowalski sato larsen mensah lopez
    cohen murphy petrov weber mahmoud singh ali evans taylor ricci bauer yamada park walker roy fernandez popov
    jensen diaz becker hughes clark cooper turner lewis lincoln washington
""")
CITIES = _words("""
    london paris berlin madrid rome cairo lagos nairobi mumbai delhi beijing tokyo seoul sydney toronto chicago
    boston lima bogota santiago vienna prague warsaw budapest athens oslo stockholm helsinki copenhagen dublin
    lisbon zurich geneva milan florence munich hamburg jakarta manila bangkok hanoi karachi tehran baghdad accra
    dakar tunis amman austin charlotte victoria washington
""")
COUNTRIES = _words("""
    france germany spain italy egypt nigeria kenya india china japan england canada mexico peru brazil chile austria
    poland hungary greece norway sweden finland denmark ireland portugal switzerland indonesia thailand vietnam iran
    iraq ghana morocco jordan turkey scotland wales
""")
FIRMS = _words("""
    google toyota siemens nokia apple orange sony volvo nestle lego philips intel boeing airbus shell ikea samsung
    honda adidas puma bosch oracle amazon fiat canon nikon hitachi ericsson unilever visa danone bayer lufthansa
    total gap target mars
""")
THINGS = _words("""
    bread music football rain chess coffee tea apples oranges cheese poetry trains bicycles cats dogs flowers snow
    soup cricket paper gold wool roses honey novels films horses bees maps kites lamps shoes milk rice salt steel
    silk gardens bridges stars
""")
MONTHS = _words("january february march april may june july august september october november december")
DAYS = _words("monday tuesday wednesday thursday friday saturday sunday")
TRADES = _words("farmer teacher doctor singer painter lawyer pilot writer nurse baker driver cultivator")

LISTS: Mapping[str, tuple[str, ...]] = {
    "first": FIRST, "last": LAST, "city": CITIES, "country": COUNTRIES, "firm": FIRMS, "thing": THINGS,
    "month": MONTHS, "day": DAYS, "trade": TRADES, "number": ("0", "00"), "year": ("0000",),
}  # fmt: skip
# Held out from training: every second word, but not what is in two lists or what a calendar needs.
SPLIT = ("first", "last", "city", "country", "firm", "thing")

# What a name is made of, each with its share; a word in braces is one of a list.
FORMS: Mapping[str, tuple[str, ...]] = {
    "PER": ("{first} {last}", "{first} {last}", "{first}", "{last}"),
    "LOC": ("{city}", "{city}", "{country}", "{country}", "new {city}"),
    "ORG": (
        "{firm}", "{firm}", "{firm}", "bank of {country}", "university of {city}", "{city} airlines", "{city} times",
        "{last} brothers", "{last} motors", "{firm} motors",
    ),
    "DATE": ("{day}", "{day}", "{number} {month}", "{number} {month} {year}"),  # on such a day
    "WHEN": ("{month}", "{month} {year}", "{year}"),  # in such a month or year
}  # fmt: skip
# In many of these a person, a place, an organisation or a plain noun fits: only the word itself can tell.
TEMPLATES = (
    "everyone talks about ANY .", "we heard a lot about ANY and ANY .", "ANY is on the front page today .",
    "he wrote a book about ANY in WHEN .", "she said that ANY has changed a lot since WHEN .", "i like ANY more than ANY .",
    "the story of ANY began on DATE .", "what do you think of ANY ?", "ANY was in the news on DATE .",
    "nobody forgot ANY .", "they asked about ANY , but not about ANY .", "today ANY means more to us than ANY .",
    "PER met PER at the ORG in LOC on DATE .", "PER works for ORG in LOC .", "PER is a {trade} .",
    "PER is an apple {trade} .", "PER flew from LOC to LOC on DATE .", "ORG hired PER in WHEN .",
    "ORG opened an office in LOC .", "on DATE PER left ORG .", "PER and PER invented a new spell .",
    "the {trade} sold {thing} and {thing} in LOC .", "the president of ANY , PER , spoke on DATE .",
    "he said , PER was a great president .", "it may rain in LOC on DATE .", "the {trade} bought {thing} from ORG .",
    "{thing} and {thing} are on sale .", "they moved to LOC in WHEN .",
)  # fmt: skip
# Only in the sentences without tags that word vectors learn from.
WIDER = (
    "{first} is the brother of {first} .", "mr {last} called mrs {last} .", "my friend {first} is a {trade} .",
    "{first} told {first} a secret .", "her name is {first} {last} .", "{first} loves {thing} .", "dr {last} is not in .",
    "the mayor of {city} resigned .", "the streets of {city} are full .", "the train to {city} is late .",
    "the map of {city} and {city} is old .", "the government of {country} fell .", "the king of {country} is old .",
    "{country} and {country} signed a treaty .", "{city} is the largest city in {country} .", "people in {country} vote .",
    "shares of {firm} rose .", "{firm} and {firm} will merge .", "the new phone of {firm} sells well .",
    "workers at {firm} want more pay .", "{firm} reported a loss in {month} .", "the chairman of {firm} resigned .",
    "a lot of {thing} is good for you .", "we need more {thing} and less {thing} .", "how much is the {thing} ?",
    "the {thing} in the kitchen is old .", "i would like some {thing} , please .", "his {thing} was lost .",
    "the office is closed on {day} .", "{number} {month} is her birthday .", "in {year} there was a war .",
)  # fmt: skip


@dataclass(frozen=True)
class Sentence:
    """Words and the tag of each."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


Draw = Callable[[int], int]


def drawer(random: torch.Generator) -> Draw:
    """A function that draws a whole number below its argument; numbers come from blocks, which is faster."""
    block: list[float] = []

    def draw(n: int) -> int:
        if not block:
            block.extend(torch.rand(1024, generator=random, dtype=torch.float64).tolist())
        return int(block.pop() * n)

    return draw


@lru_cache(maxsize=1)
def held_out() -> frozenset[str]:
    """The words that no training sentence holds: every second of a list, unless another list or a template has it, too."""
    fixed = {
        word for text in (*TEMPLATES, *(form for forms in FORMS.values() for form in forms)) for word in text.split()
    }
    count: dict[str, int] = {}
    for words in LISTS.values():
        for word in words:
            count[word] = count.get(word, 0) + 1
    every_second = (word for name in SPLIT for word in LISTS[name][::2])
    return frozenset(word for word in every_second if count[word] == 1 and word not in fixed)


Which = Literal["seen", "unseen", "all"]


@lru_cache(maxsize=3)
def word_lists(which: Which) -> Mapping[str, tuple[str, ...]]:
    """The lists with the words that training may use, with those held out alone where there are any, or with all."""
    held = held_out()
    kept = {
        "seen": {name: tuple(w for w in words if w not in held) for name, words in LISTS.items()},
        "unseen": {name: tuple(w for w in words if w in held) or words for name, words in LISTS.items()},
        "all": dict(LISTS),
    }
    return kept[which]


def sentences(count: int, random: torch.Generator, which: Which = "seen") -> list[Sentence]:
    """Tagged sentences, each from a template taken at random."""
    draw, words = drawer(random), word_lists(which)
    return [_written(TEMPLATES[draw(len(TEMPLATES))], words, draw) for _ in range(count)]


def untagged(count: int, random: torch.Generator) -> list[tuple[str, ...]]:
    """Sentences of the wider grammar, with all words and without tags, for word vectors to learn from."""
    draw, words, templates = drawer(random), word_lists("all"), TEMPLATES + WIDER
    return [_written(templates[draw(len(templates))], words, draw).words for _ in range(count)]


def _written(template: str, lists: Mapping[str, Sequence[str]], draw: Draw) -> Sentence:
    """A template with every blank filled in."""
    words: list[str] = []
    tags: list[str] = []
    for piece in template.split():
        kind = ("PER", "LOC", "ORG", "thing")[draw(4)] if piece == "ANY" else piece
        if kind in FORMS:
            inside = [_filled(word, lists, draw) for word in FORMS[kind][draw(len(FORMS[kind]))].split()]
            name = "DATE" if kind == "WHEN" else kind
            tags += [f"B-{name}", *[f"I-{name}"] * (len(inside) - 1)]
            words += inside
        else:
            words.append(_filled("{thing}" if kind == "thing" else piece, lists, draw))
            tags.append("O")
    return Sentence(tuple(words), tuple(tags))


def _filled(piece: str, lists: Mapping[str, Sequence[str]], draw: Draw) -> str:
    """A word of the list that braces name, or the piece itself."""
    if not piece.startswith("{"):
        return piece
    words = lists[piece[1:-1]]
    return words[draw(len(words))]


@lru_cache(maxsize=1)
def vocabulary() -> tuple[str, ...]:
    """Every word that any sentence can hold, in alphabetical order after the sign for an unknown one."""
    texts = (*TEMPLATES, *WIDER, *(form for forms in FORMS.values() for form in forms))
    fixed = {
        word for text in texts for word in text.split() if not word.startswith("{") and word not in (*FORMS, "ANY")
    }
    return (UNKNOWN, *sorted(fixed.union(*LISTS.values())))


def split_words(text: str) -> list[str]:
    """A typed sentence as words and marks, as it was written; characters that no screen shows are left out."""
    text = "".join(c for c in text if c.isprintable() or c.isspace())
    return re.findall(r"[^\W_]+(?:[-'’][^\W_]+)*|[^\w\s]|_", text)


def normal(word: str) -> str:
    """A word as the grammar writes it: in lower case, every digit 0."""
    return re.sub(r"\d", "0", word.lower())


# ---------------------------------------------------------------- words that are a name or not by what follows
OPENERS = (
    "he said ,", "she said ,", "they said ,", "i heard that", "we know that", "look ,", "he told us that", "today",
    "she wrote that", "people say",
)  # fmt: skip
TWOFOLD = {
    "teddy": "bears", "rose": "bushes", "daisy": "chains", "robin": "nests", "bill": "payments", "will": "forms",
    "may": "flowers", "penny": "coins", "amber": "beads", "olive": "trees", "ginger": "biscuits", "pearl": "rings",
    "ruby": "rings", "jasmine": "flowers", "basil": "plants", "heather": "fields", "holly": "wreaths", "iris": "bulbs",
    "ivy": "leaves", "lily": "ponds",
}  # fmt: skip
SURNAMES = ("roosevelt", "smith", "garcia", "chen", "brown", "khan", "jones", "silva")
PERSONAL = (
    "was a great president", "is a good friend", "was the first speaker", "is on holiday", "was very kind",
    "lives near the sea", "sold the old house", "is a fine doctor",
)  # fmt: skip
PLAIN = (
    "are on sale", "are in the garden", "were on the table", "are very old", "were sold today", "are near the house",
    "cost a lot", "were a present",
)  # fmt: skip
SIDES = ("O", "NAME")


def twins(random: torch.Generator) -> tuple[list[Sentence], list[Sentence]]:
    """Pairs of sentences with one beginning, in which a word is a name and isn't: for training, and held out.

    The two of a pair are alike up to that word, so nothing before it can tell them apart: only what follows can. A quarter
    of all beginnings (opener and word) is held out, and with them all their sentences.
    """
    draw = drawer(random)
    begun = [(opener, word) for opener in OPENERS for word in TWOFOLD]
    order = torch.randperm(len(begun), generator=random).tolist()
    pairs = [_twin(begun[i][0], begun[i][1], draw) for i in order]
    held = len(pairs) // 4
    train = [sentence for pair in pairs[held:] for sentence in pair]
    return train, [sentence for pair in pairs[:held] for sentence in pair]


def _twin(opener: str, word: str, draw: Draw) -> tuple[Sentence, Sentence]:
    before = opener.split()
    name = [SURNAMES[draw(len(SURNAMES))], *PERSONAL[draw(len(PERSONAL))].split()]
    plain = [TWOFOLD[word], *PLAIN[draw(len(PLAIN))].split()]
    tags = ["O"] * len(before)
    return (
        Sentence((*before, word, *name), (*tags, "NAME", "NAME", *["O"] * (len(name) - 1))),
        Sentence((*before, word, *plain), (*tags, "O", *["O"] * len(plain))),
    )
