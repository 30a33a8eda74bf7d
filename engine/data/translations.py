"""French sentences and their translations, from a small grammar: no end of pairs, of 3 to about 30 words.

The French agrees in gender and number, elides, negates around its verb and puts colours behind their noun; the English has
its own order, articles and tenses. Words are in small letters, apostrophes stay with the word before them, and the full stop
is a word.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import NamedTuple

import torch

Words = tuple[str, ...]

NAMES = ("jane", "paul", "marie", "pierre", "sophie", "louis", "anne", "hugo", "claire", "marc")
PLACES = {
    "l' afrique": "africa", "la france": "france", "le japon": "japan", "l' italie": "italy", "la chine": "china",
    "l' inde": "india", "le canada": "canada", "l' égypte": "egypt", "paris": "paris", "londres": "london", "rome": "rome",
}  # fmt: skip
MONTHS = {
    "janvier": "january", "mars": "march", "avril": "april", "mai": "may", "juin": "june", "juillet": "july",
    "août": "august", "septembre": "september", "octobre": "october", "décembre": "december",
}  # fmt: skip
# Of a thing: gender, plural, English, English plural.
THINGS = {
    "chat": ("m", "chats", "cat", "cats"), "chien": ("m", "chiens", "dog", "dogs"),
    "maison": ("f", "maisons", "house", "houses"), "voiture": ("f", "voitures", "car", "cars"),
    "livre": ("m", "livres", "book", "books"),
    "fleur": ("f", "fleurs", "flower", "flowers"), "cheval": ("m", "chevaux", "horse", "horses"),
    "table": ("f", "tables", "table", "tables"), "bateau": ("m", "bateaux", "boat", "boats"),
    "lettre": ("f", "lettres", "letter", "letters"), "chapeau": ("m", "chapeaux", "hat", "hats"),
    "robe": ("f", "robes", "dress", "dresses"), "jardin": ("m", "jardins", "garden", "gardens"),
    "clé": ("f", "clés", "key", "keys"), "vache": ("f", "vaches", "cow", "cows"), "pomme": ("f", "pommes", "apple", "apples"),
}  # fmt: skip
PEOPLE = {
    "fille": ("f", "filles", "girl", "girls"), "garçon": ("m", "garçons", "boy", "boys"),
    "femme": ("f", "femmes", "woman", "women"), "médecin": ("m", "médecins", "doctor", "doctors"),
    "voisin": ("m", "voisins", "neighbour", "neighbours"), "reine": ("f", "reines", "queen", "queens"),
    "roi": ("m", "rois", "king", "kings"), "professeur": ("m", "professeurs", "teacher", "teachers"),
}  # fmt: skip
# Masculine, feminine, their plurals, English. The first stand before their noun, the others behind it.
BEFORE = (
    ("petit", "petite", "petits", "petites", "small"), ("grand", "grande", "grands", "grandes", "big"),
    ("vieux", "vieille", "vieux", "vieilles", "old"), ("joli", "jolie", "jolis", "jolies", "pretty"),
    ("nouveau", "nouvelle", "nouveaux", "nouvelles", "new"),
)  # fmt: skip
COLORS = (
    ("rouge", "rouge", "rouges", "rouges", "red"), ("noir", "noire", "noirs", "noires", "black"),
    ("blanc", "blanche", "blancs", "blanches", "white"), ("vert", "verte", "verts", "vertes", "green"),
    ("bleu", "bleue", "bleus", "bleues", "blue"),
)  # fmt: skip
MOODS = (
    ("fatigué", "fatiguée", "fatigués", "fatiguées", "tired"), ("heureux", "heureuse", "heureux", "heureuses", "happy"),
    ("triste", "triste", "tristes", "tristes", "sad"), ("célèbre", "célèbre", "célèbres", "célèbres", "famous"),
)  # fmt: skip
# Masculine, feminine, English; then those of the plural, alike for both.
SINGULAR = (
    ("un", "une", "a"),
    ("le", "la", "the"),
    ("ce", "cette", "this"),
    ("mon", "ma", "my"),
    ("notre", "notre", "our"),
)
PLURAL = (
    ("les", "the"),
    ("ces", "these"),
    ("mes", "my"),
    ("nos", "our"),
    ("deux", "two"),
    ("trois", "three"),
    ("dix", "ten"),
)


class Verb(NamedTuple):
    """The stems of a regular verb in the present and the future, its participle, and the English forms."""

    now: str
    later: str
    done: str
    base: str
    going: str
    past: str


TRAVEL = (
    Verb("visit", "visiter", "visité", "visit", "visiting", "visited"),
    Verb("quitt", "quitter", "quitté", "leave", "leaving", "left"),
    Verb("dessin", "dessiner", "dessiné", "draw", "drawing", "drew"),
    Verb("admir", "admirer", "admiré", "admire", "admiring", "admired"),
)
HANDLE = (
    Verb("cherch", "chercher", "cherché", "look for", "looking for", "looked for"),
    Verb("trouv", "trouver", "trouvé", "find", "finding", "found"),
    Verb("regard", "regarder", "regardé", "watch", "watching", "watched"),
    Verb("port", "porter", "porté", "carry", "carrying", "carried"),
    Verb("lav", "laver", "lavé", "wash", "washing", "washed"),
    Verb("montr", "montrer", "montré", "show", "showing", "showed"),
    Verb("dessin", "dessiner", "dessiné", "draw", "drawing", "drew"),
    Verb("admir", "admirer", "admiré", "admire", "admiring", "admired"),
)
PRONOUNS = {
    "il": ("he", "3s"),
    "elle": ("she", "3s"),
    "nous": ("we", "1p"),
    "ils": ("they", "3p"),
    "elles": ("they", "3p"),
}
PRESENT = {"3s": "e", "3p": "ent", "1p": "ons"}
FUTURE = {"3s": "a", "3p": "ont", "1p": "ons"}
HAVE = {"3s": "a", "3p": "ont", "1p": "avons"}
TIMES = {
    "present": {"maintenant": "now", "aujourd'hui": "today"},
    "past": {"hier": "yesterday", "la semaine dernière": "last week", "l' année dernière": "last year"},
    "future": {"demain": "tomorrow", "la semaine prochaine": "next week", "l' année prochaine": "next year"},
}
LINKS = {"et": "and", "mais": "but", "quand": "when", "parce que": "because"}
VOWELS = "aeiouéèê"
SHORTEST, LONGEST = 3, 30
MOST_CLAUSES, FEW = 4, 6
HELD_OUT = 8  # one sentence of so many is never trained on

Both = tuple[str, str]


@dataclass(frozen=True)
class Pair:
    """A French sentence and its translation, in words, the full stop included."""

    source: Words
    target: Words

    @property
    def length(self) -> int:
        """The French words, marks left out."""
        return sum(word not in ".," for word in self.source)

    @property
    def held_out(self) -> bool:
        """Whether this sentence is kept from training, as its checksum decides."""
        return zlib.crc32(" ".join(self.source).encode()) % HELD_OUT == 0


class _Drawn:
    """Random choices from numbers drawn in blocks: one draw a choice would take most of the time."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator
        self.left: Iterator[float] = iter(())

    def share(self) -> float:
        """A number in [0, 1)."""
        for value in self.left:
            return value
        self.left = iter(torch.rand(4096, generator=self.generator, dtype=torch.float64).tolist())
        return next(self.left)

    def index(self, count: int) -> int:
        """A whole number below ``count``."""
        return int(self.share() * count)

    def item(self, items: Sequence[str]) -> str:
        """One of some strings."""
        return items[self.index(len(items))]


def _noun(
    drawn: _Drawn, kinds: dict[str, tuple[str, str, str, str]], moods: Sequence[Words], rich: float
) -> tuple[str, str, bool]:
    """A noun with its determiner and adjectives in both languages, and whether it is plural."""
    noun = drawn.item(tuple(kinds))
    gender, plural, english, englishes = kinds[noun]
    many = drawn.share() < 0.35
    form = 2 * many + (gender == "f")
    before = BEFORE[drawn.index(len(BEFORE))] if drawn.share() < rich else None
    behind = moods[drawn.index(len(moods))] if drawn.share() < rich else None
    adjectives = [each[4] for each in (before, behind) if each]
    if many:
        article, the = PLURAL[drawn.index(len(PLURAL))]
    else:
        masculine, feminine, the = SINGULAR[drawn.index(len(SINGULAR))]
        article = feminine if gender == "f" else masculine
    said = [article, *([before[form]] if before else []), plural if many else noun, *([behind[form]] if behind else [])]
    second = [*adjectives, englishes if many else english]
    the = "an" if the == "a" and second[0][0] in "aeio" else the
    return " ".join(said), " ".join([the, *second]), many


def _subject(drawn: _Drawn, rich: float) -> tuple[str, str, str]:
    """Who does it, in both languages, and the person of the verb."""
    kind = drawn.share()
    if kind < 0.35:
        name = drawn.item(NAMES)
        if drawn.share() < 0.25 * (1 + rich):
            other = drawn.item([each for each in NAMES if each != name])
            return f"{name} et {other}", f"{name} and {other}", "3p"
        return name, name, "3s"
    if kind < 0.6:
        pronoun = drawn.item(tuple(PRONOUNS))
        return pronoun, *PRONOUNS[pronoun]
    french, english, many = _noun(drawn, PEOPLE, MOODS, 0.6 * rich)
    return french, english, "3p" if many else "3s"


def _verb(verb: Verb, tense: str, person: str, negated: bool) -> Both:
    """The verb in its tense, with its negation around it in French."""
    are = {"3s": "is", "3p": "are", "1p": "are"}[person]
    if tense == "present":
        french, after, english = verb.now + PRESENT[person], "", f"{are} {'not ' if negated else ''}{verb.going}"
    elif tense == "future":
        french, after, english = verb.later + FUTURE[person], "", f"will {'not ' if negated else ''}{verb.base}"
    else:
        french, after, english = HAVE[person], f" {verb.done}", f"did not {verb.base}" if negated else verb.past
    if negated:
        french = f"{'n' + chr(39) if french[0] in VOWELS else 'ne'} {french} pas"
    return french + after, english


def _time(drawn: _Drawn, tense: str) -> Both:
    """When: in a month, or a day or week that goes with the tense."""
    if drawn.share() < 0.5:
        month = drawn.item(tuple(MONTHS))
        return f"en {month}", f"in {MONTHS[month]}"
    when = drawn.item(tuple(TIMES[tense]))
    return when, TIMES[tense][when]


def _clause(drawn: _Drawn, rich: float) -> Both:
    """Someone does something, perhaps with someone and at some time, said first or last."""
    who, english_who, person = _subject(drawn, rich)
    tense = drawn.item(("present", "past", "future"))
    travels = drawn.share() < 0.4
    verbs = TRAVEL if travels else HANDLE
    verb, does = _verb(verbs[drawn.index(len(verbs))], tense, person, drawn.share() < 0.2)
    if travels:
        what = drawn.item(tuple(PLACES))
        english_what = PLACES[what]
    else:
        what, english_what, _ = _noun(drawn, THINGS, COLORS, rich)
    french, english = f"{who} {verb} {what}", f"{english_who} {does} {english_what}"
    if drawn.share() < 0.3 * rich:
        friend = drawn.item(NAMES)
        french, english = f"{french} avec {friend}", f"{english} with {friend}"
    if drawn.share() < 0.7 * rich:
        when, english_when = _time(drawn, tense)
        if drawn.share() < 0.4:
            return f"{when} , {french}", f"{english_when} , {english}"
        french, english = f"{french} {when}", f"{english} {english_when}"
    return french, english


def _sentence(drawn: _Drawn, clauses: int) -> Pair:
    """So many clauses joined, from plain to rich."""
    rich = drawn.share()
    french, english = _clause(drawn, rich)
    for _ in range(clauses - 1):
        link = drawn.item(tuple(LINKS))
        more, english_more = _clause(drawn, rich)
        joined = f"{link[:-1]}' {more}" if link.endswith("que") and more[0] in VOWELS else f"{link} {more}"
        french, english = f"{french} {joined}", f"{english} {LINKS[link]} {english_more}"
    return Pair((*french.split(), "."), (*english.split(), "."))


def endless(generator: torch.Generator, longest: int = LONGEST) -> Iterator[Pair]:
    """Pairs without end, of no more clauses than fit into ``longest`` French words; some are longer all the same."""
    drawn = _Drawn(generator)
    # k clauses are k times 3 words at least, and what joins them.
    most = max(1, min(MOST_CLAUSES, (longest + 1) // 4))
    while True:
        yield _sentence(drawn, 1 + drawn.index(most))


def draw_pairs(m: int, generator: torch.Generator, *, held_out: bool = False, longest: int = LONGEST) -> list[Pair]:
    """m pairs of at most ``longest`` French words, all of them of the held-out ones or none."""
    fit = (pair for pair in endless(generator, longest) if pair.length <= longest and pair.held_out == held_out)
    return list(islice(fit, m))


def draw_simple(m: int, generator: torch.Generator, *, held_out: bool = False, clauses: int = 2) -> list[Pair]:
    """m pairs of up to so many clauses: one of a few people visits, leaves, draws or admires a place, perhaps in some month."""
    drawn, found = _Drawn(generator), list[Pair]()
    while len(found) < m:
        french, english = list[str](), list[str]()
        for _ in range(1 + drawn.index(clauses)):
            who, what, month = (drawn.item(tuple(words)[:FEW]) for words in (NAMES, PLACES, MONTHS))
            tense, when = drawn.item(("present", "future")), drawn.share()
            verb, does = _verb(TRAVEL[drawn.index(len(TRAVEL))], tense, "3s", False)
            said, english_said = f"{who} {verb} {what}", f"{who} {does} {PLACES[what]}"
            if when < 0.3:
                said, english_said = f"en {month} {said}", f"in {MONTHS[month]} {english_said}"
            elif when < 0.6:
                said, english_said = f"{said} en {month}", f"{english_said} in {MONTHS[month]}"
            french.append(said)
            english.append(english_said)
        pair = Pair((*" et ".join(french).split(), "."), (*" and ".join(english).split(), "."))
        if pair.held_out == held_out:
            found.append(pair)
    return found


def by_length(each: int, bins: Sequence[tuple[int, int]], generator: torch.Generator) -> list[list[Pair]]:
    """``each`` held-out pairs, no two alike, for every bin of lengths, its ends included."""
    found = [dict[Words, Pair]() for _ in bins]
    for pair in endless(generator, max(high for _, high in bins)):
        if all(len(kept) == each for kept in found):
            break
        for kept, (low, high) in zip(found, bins, strict=True):
            if low <= pair.length <= high and len(kept) < each and pair.held_out:
                kept[pair.source] = pair
    return [list(kept.values()) for kept in found]


@cache
def vocabularies() -> tuple[Words, Words]:
    """Every French word and every English word of the grammar, in alphabetical order."""
    verbs = [*TRAVEL, *HANDLE]
    french = {
        ",",
        ".",
        "avec",
        "en",
        "pas",
        "ne",
        "n'",
        "parce",
        "que",
        "qu'",
        "quand",
        "et",
        "mais",
        *PRONOUNS,
        *HAVE.values(),
    }
    english = {",", ".", "with", "in", "not", "did", "will", "is", "are", "an", *LINKS.values()}
    for pairs in (PLACES, MONTHS, *TIMES.values()):
        french |= set(" ".join(pairs).split())
        english |= set(" ".join(pairs.values()).split())
    french |= {word for noun, row in {**THINGS, **PEOPLE}.items() for word in (noun, row[1])}
    english |= {word for row in (*THINGS.values(), *PEOPLE.values()) for word in row[2:]}
    french |= {word for row in (*BEFORE, *COLORS, *MOODS) for word in row[:4]}
    english |= {row[4] for row in (*BEFORE, *COLORS, *MOODS)}
    french |= {word for row in SINGULAR for word in row[:2]} | {row[0] for row in PLURAL}
    english |= {row[-1] for row in (*SINGULAR, *PLURAL)} | {english for english, _ in PRONOUNS.values()}
    french |= {verb.now + end for verb in verbs for end in PRESENT.values()} | {verb.done for verb in verbs}
    french |= {verb.later + end for verb in verbs for end in FUTURE.values()}
    english |= set(" ".join(f"{verb.base} {verb.going} {verb.past}" for verb in verbs).split())
    return tuple(sorted(french | set(NAMES))), tuple(sorted(english | set(NAMES)))


def words_of(text: str) -> Words:
    """What a person typed as words of the grammar's kind: small letters, "l'" on its own, a full stop at the end."""
    text = text.lower().replace("’", "'").replace("aujourd'hui", "aujourd\0hui")
    words = re.findall(r"[^\W_]+(?:\0\w+)?'?|[.,!?;:]", re.sub(r"'", "' ", text))
    words = [word.replace("\0", "'") for word in words]
    return (*(word for word in words if word not in ".!?;:"), ".")


def spelled(words: Words) -> str:
    """Words as a person writes them: names, and English months, with a capital, marks and apostrophes joined."""
    proper = {*NAMES, *MONTHS.values(), *(each.split()[-1] for each in PLACES), *PLACES.values()}
    text = " ".join(word.capitalize() if word in proper and word != "mars" else word for word in words)
    text = text.replace(" .", ".").replace(" ,", ",").replace("' ", "'")
    return text[:1].upper() + text[1:]
