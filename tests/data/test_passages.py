"""The door for text: what it reads in any script, and the one sentence that each refused file gets."""

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.passages import MOST_BYTES, passage
from engine.errors import BadInput

SENTENCE = re.compile(r"The text '.*' must [^\n]*, got [^\n]*\.")
MANY = "Ελληνικά, עברית مرحبا 你好 \U0001f996\u200d\U0001f469 naïve"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_of_any_script_is_read_in_every_encoding(encoding):
    assert passage(MANY.encode(encoding)).text == MANY


@given(st.text(min_size=1).filter(lambda text: text.strip() and "\0" not in text and not text.startswith("\ufeff")))
def test_any_text_comes_back_with_its_lines_ended_alike(text):
    assert passage(text.encode()).text == "\n".join(re.split("\r\n|\r|\n", text))


def test_a_single_character_and_a_whole_megabyte_are_text():
    assert passage(b"a").text == "a"
    assert len(passage(b"ab c\n" * (MOST_BYTES // 5)).text) == MOST_BYTES


@pytest.mark.parametrize(
    "data",
    [b"", b" \n\t", b"a\0b", b"\xff\xfe\x00", b"caf\xe9", b"a" * (MOST_BYTES + 1), b"\x89PNG\r\n\x1a\n\xde\xad"],
    ids=["empty", "spaces", "zeros", "broken mark", "latin-1", "too long", "picture"],
)
def test_what_is_no_text_gets_one_sentence(data):
    with pytest.raises(BadInput) as problem:
        passage(data, "mine\n.txt")
    assert SENTENCE.fullmatch(str(problem.value)) and str(problem.value).isprintable()


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    try:
        assert passage(data).text.strip()
    except BadInput as problem:
        assert SENTENCE.fullmatch(str(problem))


def test_the_same_bytes_are_the_same_passage():
    one, two = passage(b"To be", "a"), passage(b"To be", "b")
    assert one == two and hash(one) == hash(two) and one != passage(b"Not to be")
    assert pickle.loads(pickle.dumps(one)) == one
