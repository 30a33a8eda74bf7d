"""Written dates: what is drawn is what a reader by rule finds, and held-out days stay out of training."""

from datetime import date

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.dates import (
    EOS,
    FORMS,
    LETTERS,
    LOCALES,
    LONGEST,
    NUMBER,
    NUMERIC,
    Form,
    answers,
    checked,
    decode,
    draw_dates,
    encode,
    is_held_out,
    months,
    ordinal,
    plain,
    read,
    valid,
    written,
)
from engine.seeding import generator

DRAWN = draw_dates(4000, generator(3))


def test_the_rule_reads_every_drawn_date_and_no_text_means_two_days():
    meant: dict[str, date] = {}
    for each in [*DRAWN, *draw_dates(1000, generator(4), held_out=True)]:
        assert read(each.text).iso == each.day.isoformat(), each
        assert meant.setdefault(each.text, each.day) == each.day
        assert 0 < len(each.text) <= LONGEST and set(each.text) <= set(LETTERS[1:]), each.text


def test_there_are_hundreds_of_forms_in_twelve_languages():
    assert len(FORMS) == len(set(FORMS)) >= 300
    assert {form.language[:2] for form in FORMS} == {locale[:2] for locale in LOCALES} and len(LOCALES) == 13
    assert len({each.form for each in DRAWN}) > 0.95 * len(FORMS)
    assert 0.25 < sum(each.form.numeric for each in DRAWN) / len(DRAWN) < 0.35


def test_training_never_shows_a_held_out_day():
    held = draw_dates(2000, generator(5), held_out=True)
    assert all(is_held_out(each.day) for each in held)
    assert not any(is_held_out(each.day) for each in DRAWN)
    assert not {(each.text, each.form) for each in held} & {(each.text, each.form) for each in DRAWN}


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("years", [(1600, 2199), (1950, 2049), (2000, 2000)])
def test_years_keep_to_their_bounds(years, held_out):
    drawn = draw_dates(300, generator(6), held_out=held_out, years=years, forms=[Form("en", "y-MM-dd")])
    assert all(years[0] <= each.day.year <= years[1] for each in drawn)
    assert all(each.text == each.day.isoformat() and is_held_out(each.day) == held_out for each in drawn)


def test_short_years_lie_from_1950_to_2049():
    assert all(1950 <= each.day.year <= 2049 for each in DRAWN if each.form.short)


def test_the_same_generator_draws_the_same():
    assert draw_dates(50, generator(7)) == draw_dates(50, generator(7))


@pytest.mark.parametrize(
    ("pattern", "language", "text"),
    [
        ("{nth} 'of' MMMM y", "en", "3rd of may 2009"),
        ("MMMM d, y", "en", "may 3, 2009"),
        ("'le' d MMMM y", "fr", "le 3 mai 2009"),
        ("d 'de' MMMM 'de' y", "es", "3 de mayo de 2009"),
        ("EEEE, 'den' d. MMMM y", "de", "sonntag, den 3. mai 2009"),
        ("d MMM ''yy", "sv", "3 maj '09"),
        ("M/d/yy", "en", "5/3/09"),
    ],
)
def test_forms_are_babels(pattern, language, text):
    assert written(date(2009, 5, 3), Form(language, pattern)) == text


def test_english_ordinals():
    assert [f"{n}{ordinal(n)}" for n in (1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 31)] == (
        ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd", "31st"]
    )


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("3/5/09", "2009-03-05"),
        ("3.5.09", "2009-05-03"),
        ("3-5-2009", "2009-05-03"),
        ("13/5/2009", "2009-05-13"),
        ("5.13.2009", "2009-05-13"),
        ("2009/5/3", "2009-05-03"),
        ("20090503", "2009-05-03"),
        ("Dienstag, den 3. MÄRZ 1987", "1987-03-03"),
        ("1er août 1848", "1848-08-01"),
        ("mar. 24 mars 2009", "2009-03-24"),
        ("4 July '76", "1976-07-04"),
        ("6 października 2038", "2038-10-06"),
    ],
)
def test_the_rule(text, iso):
    assert read(text).iso == iso and not read(text).problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("30 February 2009", "There is no day 30: February 2009 has 28 days."),
        ("29.2.1900", "There is no day 29: February 1900 has 28 days."),
        ("31 juin 2000", "There is no day 31: June 2000 has 30 days."),
        ("2009-13-05", "There is no month 13."),
        ("13/13/2009", "There is no month 13."),
        ("1 May 0000", "There is no year 0: ISO years go from 1 to 9999."),
        ("tomorrow", "There is no date here: a date has a day, a month and a year, once each."),
        ("May 2009", "There is no date here: a date has a day, a month and a year, once each."),
        ("123456/1/2", "There is no date here: a date has a day, a month and a year, once each."),
        ("", "There is no date here: a date has a day, a month and a year, once each."),
    ],
)
def test_impossible_dates_are_told(text, problem):
    assert read(text).problem == problem and read(text).iso == ""


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=200)
def test_any_text_is_read_without_an_error(text):
    found = read(text)
    assert bool(found.problem) != valid(found.iso)


@given(st.integers(0, 10_000), st.integers(-1, 14), st.integers(-1, 33))
@settings(deadline=None, max_examples=300)
def test_the_calendar_is_pythons(year, month, day):
    try:
        date(year, month, day)
        real = True
    except ValueError:
        real = False
    assert (not checked(year, month, day).problem) == real


def test_ambiguity_is_where_only_the_order_tells():
    assert read("3/5/09").ambiguous and read("3.5.2009").ambiguous
    assert not any(read(text).ambiguous for text in ("13/5/2009", "5/5/2009", "3 May 2009", "2009-05-03"))


def test_numbers_and_back():
    texts = ["3 may 2009", "le 1er août □ 日"]
    x, lengths = encode([plain(text) for text in texts])
    assert lengths.tolist() == [10, 15] and x.shape == (2, 15) and x[0, 10:].eq(0).all()
    assert "".join(LETTERS[i] for i in x[0, :10]) == "3 may 2009" and x[1, -1] == 0
    day = date(1998, 5, 9)
    assert answers([day])[0, -1] == EOS and decode(answers([day])[0].tolist()) == "1998-05-09"
    assert encode([""])[1].tolist() == [1] and encode(["9" * 99])[0].shape == (1, LONGEST)
    assert len(NUMBER) == len(LETTERS) and torch.is_tensor(x)


def test_every_language_names_twelve_months():
    names = months()
    assert set(names.values()) == set(range(1, 13))
    assert (names["oct"], names["paz"], names["mrt"], names["sept"], names["kesakuuta"]) == (10, 10, 3, 9, 6)
    assert len(NUMERIC) >= 20
