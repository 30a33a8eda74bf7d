"""Dates as people write them, in hundreds of forms and twelve languages (through Babel), and what each is in ISO 8601.

Where numbers alone leave it open which is the day, a rule decides: first the month where slashes part them, first the day
with dots, dashes or spaces, and a number above 12 is the day wherever it stands. A year of two digits lies from 1950 to 2049.
Every 23rd day of the calendar is held out: no training text shows it in any form.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from babel import Locale
    from babel.dates import DateTimePattern

LOCALES = ("en", "en_GB", "de", "fr", "es", "it", "nl", "pt", "sv", "da", "nb", "fi", "pl")
YEARS, RECENT = (1600, 2199), (1950, 2049)
LONGEST = 40
UNKNOWN = "□"
LETTERS = UNKNOWN + " 0123456789abcdefghijklmnopqrstuvwxyz.,/-':"
NUMBER = {letter: i for i, letter in enumerate(LETTERS)}
DIGITS = "0123456789-"
EOS = len(DIGITS)
HOLD = 23
# Letters that Unicode doesn't take apart.
WRITTEN = str.maketrans({"ø": "o", "æ": "ae", "ł": "l", "œ": "oe", "’": "'", "–": "-", "—": "-", "\n": " ", "\t": " "})

# Patterns of Babel; {nth} is the day in English as 1st, 2nd, 3rd.
EVERYWHERE = (
    "d MMMM y", "dd MMMM y", "d MMM y", "dd MMM y", "d. MMMM y", "d. MMM y", "EEEE d MMMM y", "EEEE, d MMMM y",
    "EEE d MMM y", "EEE, dd MMM y", "d MMMM, y", "y MMMM d", "y, d MMMM", "d-MMM-y", "dd-MMM-y", "d-MMM-yy",
    "d/MMM/y", "d MMM yy", "d MMM ''yy",
)  # fmt: skip
OWN = {
    "en": ("MMMM d, y", "MMM d, y", "MMMM d y", "MMM d y", "EEEE, MMMM d, y", "EEE MMM d, y", "MMM d, ''yy", "MMM dd, y",
           "{nth} 'of' MMMM y", "{nth} 'of' MMMM, y", "{nth} MMMM y", "{nth} MMM y", "MMMM {nth}, y", "MMM {nth} y",
           "MMMM {nth} y", "MMM {nth}, y", "{nth} MMMM, y", "EEE, MMM {nth}, y",
           "MMM. d, y", "MMM. d y", "d MMM. y", "y MMMM {nth}",
           "'the' {nth} 'of' MMMM y", "'the' {nth} 'of' MMMM, y", "EEEE 'the' {nth} 'of' MMMM y", "MMMM 'the' {nth}, y",
           "EEEE, MMMM {nth}, y", "'on' MMMM d, y", "y MMM d", "y-MMM-dd", "{nth} 'day' 'of' MMMM y"),
    "de": ("'den' d. MMMM y", "'am' d. MMMM y", "EEEE, 'den' d. MMMM y", "EEEE, d. MMMM y", "EEE., d. MMM y"),
    "fr": ("'le' d MMMM y", "'le' EEEE d MMMM y", "d'er' MMMM y", "'le' d MMM y"),
    "es": ("d 'de' MMMM 'de' y", "d 'de' MMMM 'del' y", "'el' d 'de' MMMM 'de' y", "EEEE, d 'de' MMMM 'de' y",
           "d 'de' MMM 'de' y"),
    "it": ("'il' d MMMM y", "EEEE d MMMM y", "d'o' MMMM y"),
    "nl": ("d MMMM y", "'op' d MMMM y", "'de' d'e' MMMM y"),
    "pt": ("d 'de' MMMM 'de' y", "EEEE, d 'de' MMMM 'de' y", "d 'de' MMM 'de' y", "'em' d 'de' MMMM 'de' y"),
    "sv": ("'den' d MMMM y", "EEEE 'den' d MMMM y", "'den' d':e' MMMM y"),
    "da": ("'den' d. MMMM y", "EEEE 'den' d. MMMM y"),
    "nb": ("'den' d. MMMM y", "EEEE d. MMMM y"),
    "fi": ("EEEE'na' d. MMMM y",),
    "pl": ("'dnia' d MMMM y", "EEEE, d MMMM y"),
}  # fmt: skip
NUMBERS = (
    "y-MM-dd", "y-M-d", "y/MM/dd", "y/M/d", "y.MM.dd", "yMMdd", "y MM dd",
    "M/d/y", "MM/dd/y", "M/dd/y", "MM/d/y", "M/d/yy", "MM/dd/yy", "d.M.y", "dd.MM.y", "d.MM.y", "d.M.yy", "dd.MM.yy", "d. M. y",
    "d-M-y", "dd-MM-y", "d-M-yy", "dd MM y", "d M y",
)  # fmt: skip
IN_NUMBERS = 0.3  # of all dates drawn
ENGLISH = ("d MMMM y", "MMMM d, y", "d MMM y", "MMM d, y", "y-M-d", "d.M.y")


@dataclass(frozen=True)
class Form:
    """A way of writing: a language and a pattern of Babel."""

    language: str
    pattern: str

    @property
    def short(self) -> bool:
        """Whether it gives the year in two digits."""
        return "yy" in self.pattern

    @property
    def numeric(self) -> bool:
        """Whether it consists of numbers alone, in which case the language doesn't matter."""
        return "MMM" not in self.pattern


@dataclass(frozen=True)
class Dated:
    """A written date: the text, as the network reads it, the day that it is, and its form."""

    text: str
    day: date
    form: Form


NUMERIC = tuple(Form("en", pattern) for pattern in NUMBERS)
WORDED = tuple(
    Form(language, pattern) for language in LOCALES for pattern in dict.fromkeys((*EVERYWHERE, *OWN[language[:2]]))
)
FORMS = (*NUMERIC, *WORDED)


def plain(text: str) -> str:
    """Text as the network reads it: small letters without accents, and no room at the ends."""
    parts = unicodedata.normalize("NFKD", text.casefold().translate(WRITTEN))
    return " ".join("".join(c for c in parts if not unicodedata.combining(c)).translate(WRITTEN).split())


@lru_cache(maxsize=4096)
def _compiled(form: Form, day: int) -> tuple[DateTimePattern, Locale]:
    from babel import Locale
    from babel.dates import parse_pattern

    return parse_pattern(form.pattern.replace("{nth}", f"d'{ordinal(day)}'")), Locale.parse(form.language)


def ordinal(day: int) -> str:
    """What follows a day's number in English."""
    return "th" if 10 < day % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def written(day: date, form: Form) -> str:
    """A date in a form. The first of a month alone is 1er in French and 1o in Italian."""
    if day.day > 1 and ("d'er'" in form.pattern or "d'o'" in form.pattern):
        form = Form(form.language, form.pattern.replace("d'er'", "d").replace("d'o'", "d"))
    if day.day > 12 and day.day % 2 and form.pattern[0] in "Md" and form.numeric:
        # A day above 12 is known as such in the other order, too.
        form = Form(form.language, form.pattern.translate(str.maketrans("Md", "dM")))
    pattern, locale = _compiled(form, day.day if "{nth}" in form.pattern else 0)
    return plain(pattern.apply(day, locale))


def is_held_out(day: date) -> bool:
    """Whether training never shows this day."""
    return day.toordinal() % HOLD == 0


def draw_dates(
    count: int,
    random: torch.Generator,
    *,
    held_out: bool = False,
    forms: Sequence[Form] | None = None,
    years: tuple[int, int] = YEARS,
) -> list[Dated]:
    """Dates to learn from, or held-out ones; half of them from 1950 to 2049, where ``years`` allow.

    Without ``forms``, a share of them is in numbers alone and the others in a language's words, every form as likely.
    """
    worded = torch.rand(count, generator=random) >= IN_NUMBERS
    at, recent, when = torch.rand(3, count, generator=random, dtype=torch.float64)
    drawn = []
    for in_words, a, near, w in zip(worded.tolist(), at.tolist(), recent.tolist(), when.tolist(), strict=True):
        among = forms or (WORDED if in_words else NUMERIC)
        form = among[int(a * len(among))]
        low, high = RECENT if form.short or near < 0.5 else years
        first, end = date(max(low, years[0]), 1, 1).toordinal(), date(min(high, years[1]) + 1, 1, 1).toordinal()
        number = first + int(w * (end - first))
        if held_out:
            number = min(number - number % HOLD + HOLD, end - 1 - (end - 1) % HOLD)
        elif number % HOLD == 0:
            number += 1 if number + 1 < end else -1
        day = date.fromordinal(number)
        drawn.append(Dated(written(day, form), day, form))
    return drawn


def encode(texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Plain texts as numbers of letters (m, Tx), filled up with 0, and their lengths (m,)."""
    rows = [[NUMBER.get(letter, 0) for letter in text[:LONGEST]] or [0] for text in texts]
    lengths = torch.tensor([len(row) for row in rows])
    wide = int(lengths.max())
    return torch.tensor([row + [0] * (wide - len(row)) for row in rows]), lengths


def answers(days: Sequence[date]) -> Tensor:
    """Days in ISO form as numbers of digits (m, 11), <EOS> at the end."""
    return torch.tensor([[DIGITS.index(c) for c in day.isoformat()] + [EOS] for day in days])


def decode(tokens: Sequence[int]) -> str:
    """Numbers of digits as text, without <EOS>."""
    return "".join(DIGITS[token] for token in tokens if 0 <= token < EOS)


@lru_cache(maxsize=1)
def months() -> dict[str, int]:
    """The names of months in all languages, long and short, to their numbers."""
    from babel.dates import get_month_names

    found = {
        plain(name).rstrip("."): number
        for language in LOCALES
        for width in ("wide", "abbreviated")
        for context in ("format", "stand-alone")
        for number, name in get_month_names(width, context, language).items()
    }
    return {name: number for name, number in found.items() if name.isalpha()}


@dataclass(frozen=True)
class Reading:
    """What the rule makes of a text: the numbers of year, month and day where it found all three, and what is wrong.

    It is ``ambiguous`` where day and month are told apart by their order alone.
    """

    parts: tuple[int, int, int] | None
    problem: str
    ambiguous: bool = False

    @property
    def iso(self) -> str:
        """The day in ISO form, empty where there is none."""
        return "" if self.parts is None or self.problem else "{:04d}-{:02d}-{:02d}".format(*self.parts)


def read(text: str) -> Reading:
    """A written date by rule, without a network: which number is the year, the month, the day, and if there is such a day."""
    text = plain(text)
    names = [months()[word] for word in re.findall("[a-z]+", text) if word in months()]
    numbers = re.findall(r"\d+", text)
    if not names and len(numbers) == 1 and len(numbers[0]) == 8:
        numbers = [numbers[0][:4], numbers[0][4:6], numbers[0][6:]]
    if len(numbers) != (2 if names else 3) or max(map(len, numbers)) > 4:
        return Reading(None, "There is no date here: a date has a day, a month and a year, once each.")
    if names:
        # Where a weekday's short form is a month's name too, the month comes after it.
        month, (first, second) = names[-1], numbers
        year, day = (first, second) if _is_year(first) else (second, first)
        return checked(_year(year), month, int(day))
    if _is_year(numbers[0]):
        return checked(_year(numbers[0]), int(numbers[1]), int(numbers[2]))
    one, two = int(numbers[0]), int(numbers[1])
    month_first = two > 12 if (one > 12) != (two > 12) else "/" in text
    month, day_of = (one, two) if month_first else (two, one)
    found = checked(_year(numbers[2]), month, day_of)
    return replace(found, ambiguous=one != two and max(one, two) <= 12)


def _is_year(digits: str) -> bool:
    return len(digits) > 2 or int(digits) > 31


def _year(digits: str) -> int:
    """A year as written: two digits lie from 1950 to 2049."""
    number = int(digits)
    return number if len(digits) > 2 else number + (1900 if number >= RECENT[0] % 100 else 2000)


def checked(year: int, month: int, day: int) -> Reading:
    """Numbers against the calendar."""
    parts = (year, month, day)
    if not 1 <= year <= 9999:
        return Reading(parts, f"There is no year {year}: ISO years go from 1 to 9999.")
    if not 1 <= month <= 12:
        return Reading(parts, f"There is no month {month}.")
    days = calendar.monthrange(year, month)[1]
    if not 1 <= day <= days:
        return Reading(parts, f"There is no day {day}: {calendar.month_name[month]} {year} has {days} days.")
    return Reading(parts, "")


def valid(iso: str) -> bool:
    """Whether a text is a day of the calendar in ISO form."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", iso):
        return False
    return not checked(*map(int, iso.split("-"))).problem
