"""Names found, counted by hand and by scikit-learn."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score
from sklearn.preprocessing import MultiLabelBinarizer

from engine.data.tagged import TAGS
from engine.functional.tagging import Span, named, score, spans


def test_a_worked_example() -> None:
    true = ["B-PER", "I-PER", "O", "B-LOC", "O", "B-ORG", "I-ORG", "I-ORG"]
    found = ["B-PER", "I-PER", "O", "B-ORG", "O", "B-ORG", "I-ORG", "O"]
    assert spans(true) == [Span("PER", 0, 2), Span("LOC", 3, 4), Span("ORG", 5, 8)]
    result = score(named([(true, found)]))
    assert result == (1, 3, 3) and result.precision == result.recall == result.f1 == 1 / 3
    assert score(named([(true, found)]), "PER").f1 == 1 and score(named([(true, found)]), "LOC").f1 == 0


def test_neighbours_and_a_name_begun_by_an_i() -> None:
    assert spans(["B-PER", "B-PER", "I-LOC", "I-LOC", "I-PER"]) == [
        ("PER", 0, 1),
        ("PER", 1, 2),
        ("LOC", 2, 4),
        ("PER", 4, 5),
    ]
    assert spans([]) == [] and score([]).f1 == 0


tags = st.lists(st.sampled_from(TAGS), min_size=0, max_size=12)


def by_pattern(given: list[str]) -> set[tuple[str, int, int]]:
    """Names by a regular expression over one letter a tag: small for I, capital for B."""
    found = set()
    for letter, kind in zip("plod", ("PER", "LOC", "ORG", "DATE"), strict=True):
        text = "".join({f"B-{kind}": letter.upper(), f"I-{kind}": letter}.get(tag, ".") for tag in given)
        found |= {(kind, m.start(), m.end()) for m in re.finditer(f"[{letter.upper()}{letter}]{letter}*", text)}
    return found


@given(st.lists(st.tuples(tags, tags).map(lambda p: (p[0], (p[1] + ["O"] * 12)[: len(p[0])])), min_size=1, max_size=6))
@settings(max_examples=80, deadline=None)
def test_scores_equal_scikit_learn_over_names_as_labels(pairs: list[tuple[list[str], list[str]]]) -> None:
    labels = [[by_pattern(pair[side]) for pair in pairs] for side in (0, 1)]
    never = [
        {("NONE", 0, 1), ("NONE", 1, 2)}
    ]  # two labels nobody gives, for scikit-learn takes one column for something else
    binary = MultiLabelBinarizer().fit(labels[0] + labels[1] + never)
    true, found = (binary.transform(part) for part in labels)
    result = score(named(pairs))
    known = {"average": "micro", "zero_division": 0}
    assert abs(result.f1 - f1_score(true, found, **known)) < 1e-12
    assert abs(result.precision - precision_score(true, found, **known)) < 1e-12
    assert abs(result.recall - recall_score(true, found, **known)) < 1e-12
