"""The map of the atlas, read once more by hand from the files' text."""

import re

import pytest

from engine import syllabus
from engine.syllabus import ASSETS, PAGES


def lines(name: str) -> list[str]:
    return [line for line in (ASSETS / name).read_text(encoding="utf-8").splitlines() if line.startswith("- {")]


def test_there_are_136_entries_in_the_order_of_the_file():
    ids = [re.match(r"- \{id: ([\w-]+)", line)[1] for line in lines("syllabus.yaml")]
    assert len(ids) == len(set(ids)) == 136
    assert list(syllabus.entries()) == ids


@pytest.mark.parametrize("line", lines("syllabus.yaml"), ids=lambda line: line.split()[2].strip(","))
def test_an_entry_says_what_its_line_says(line):
    written = re.fullmatch(
        r'- \{id: (?P<id>[\w-]+), *page: (?P<page>\w+), *week: (?P<week>[\w.]+), title: "?(?P<title>.*?)"?, '
        r'see: "(?P<see>.*?)", check: "(?P<check>.*)"\}',
        line,
    )
    assert vars(syllabus.entries()[written["id"]]) == written.groupdict()


def test_every_page_has_entries_and_every_entry_a_page():
    assert {entry.page for entry in syllabus.entries().values()} == set(PAGES)


def test_a_slug_makes_a_file_name_and_back():
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id) for id in syllabus.entries())


def test_errata_are_all_there_and_name_their_lab():
    ids = [re.match(r"- \{id: ([\w-]+), lab: ([\w-]+)", line).groups() for line in lines("errata.yaml")]
    assert [(e.id, e.lab) for e in syllabus.errata().values()] == ids
    assert len({id for id, _ in ids}) == len(ids)
    assert {lab for _, lab in ids} <= set(syllabus.entries())
    assert all(e.notes and e.right and e.notes != e.right for e in syllabus.errata().values())
