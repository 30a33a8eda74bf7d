"""The door for tables: what it reads, against pandas, and the one sentence that each refused file gets."""

import io
import pickle
import re
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data import tables
from engine.data.tables import MOST_BYTES, MOST_COLUMNS, MOST_ROWS, Table, table
from engine.errors import BadInput

PLAIN = "height,weight,class\n1.5,60,cat\n2,70.25,dog\n-1e-3,80,cat\n"
SENTENCE = re.compile(r"The table '.*' must [^\n]*, got [^\n]*\.", re.DOTALL)


def refused(data, **told):
    """The sentence about a file that is refused."""
    with pytest.raises(BadInput) as caught:
        table(data.encode() if isinstance(data, str) else data, "mine.csv", **told)
    sentence = str(caught.value)
    assert SENTENCE.fullmatch(sentence) and sentence.isprintable() and sentence.startswith("The table 'mine.csv' must ")
    return sentence.removeprefix("The table 'mine.csv' must ")


def rows(count, header="a,class"):
    return header + "\n" + "\n".join(f"{i},{i % 2}" for i in range(count))


# What it reads


def test_numbers_and_classes_come_out_as_pandas_reads_them():
    found = table(PLAIN.encode(), "mine.csv")
    frame = pd.read_csv(io.StringIO(PLAIN))
    np.testing.assert_array_equal(found.x, frame[["height", "weight"]].to_numpy(np.float32))
    assert found.x.dtype == np.float32 and found.y.dtype == np.int64
    assert [found.classes[k] for k in found.y] == frame["class"].tolist()
    assert (found.features, found.label, found.classes) == (("height", "weight"), "class", ("cat", "dog"))
    assert (found.columns, found.scaling, found.name) == (("height", "weight", "class"), "standardized", "mine.csv")


@given(
    st.lists(
        st.tuples(st.floats(-1e6, 1e6, width=32), st.floats(-1e-3, 1e-3), st.sampled_from("abc")),
        min_size=2,
        max_size=20,
    ),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_whatever_pandas_writes_is_read_back(examples, separator, ending, bom):
    frame = pd.DataFrame(examples, columns=["one, two", 'say "x"', "class"])
    text = frame.to_csv(index=False, sep=separator, lineterminator=ending)
    data = text.encode("utf-8-sig" if bom else "utf-8")
    if frame["class"].nunique() < 2:
        assert "2 to 10 classes" in refused(data)
        return
    found = table(data)
    np.testing.assert_array_equal(found.x, frame.iloc[:, :2].to_numpy(np.float64).astype(np.float32))
    assert [found.classes[k] for k in found.y] == frame["class"].tolist()
    assert found.features == ("one, two", 'say "x"')


def test_a_byte_order_mark_is_no_part_of_the_first_name():
    assert table(b"\xef\xbb\xbf" + PLAIN.encode()).features[0] == "height"


def test_quoted_cells_may_hold_separators_and_line_ends():
    found = table(b'"a,b";"c,\nd";class\n1;2;"x;y"\n3;"4";"two\nlines"\n')
    assert found.features == ("a,b", "c,\nd")
    assert found.x.tolist() == [[1, 2], [3, 4]]
    assert found.classes == ("two\nlines", "x;y")


def test_blank_lines_and_spaces_around_names_and_classes_do_not_count():
    found = table(b"\n\n a ; class \n\n1; cat\n;\n 2 ;cat\n3;dog \n\n")
    assert found.columns == ("a", "class") and found.classes == ("cat", "dog")
    assert found.x.tolist() == [[1], [2], [3]] and found.y.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("header", "label"),
    [
        ("a,class,b", "class"),
        ("a,LABEL,b", "LABEL"),
        ("a,Target,b", "Target"),
        ("y,a,b", "y"),
        ("a,b,c", "c"),
        ("label,class,c", "class"),
    ],
)
def test_the_classes_are_in_the_usual_column_else_in_the_last(header, label):
    assert table(f"{header}\n0,1,0\n1,0,1\n".encode()).label == label


def test_columns_of_text_are_left_out_and_those_asked_for_taken():
    text = "name,a,b,class\nx,1,10,u\ny,2,20,v\nz,3,30,u\n"
    assert table(text.encode()).features == ("a", "b")
    found = table(text.encode(), features=("b",), label="class", scaling="from 0 to 1")
    assert found.x.tolist() == [[10], [20], [30]] and found.scaling == "from 0 to 1"
    assert found.choices == {"features": ("b",), "label": "class", "scaling": "from 0 to 1"}
    again = table(text.encode(), **found.choices)
    assert again == found and hash(again) == hash(found)
    assert found != table(text.encode()) and found != table(text.replace("30", "31").encode(), **found.choices)


def test_a_table_is_read_only_and_travels():
    found = table(PLAIN.encode())
    for each in (found, pickle.loads(pickle.dumps(found))):
        with pytest.raises(ValueError, match="read-only"):
            each.x[0] = 0
        with pytest.raises(ValueError, match="read-only"):
            each.y[0] = 0
        assert each == found
    assert len(found.digest) == 12


# Every limit, on both sides


def test_a_hundred_thousand_rows_are_read_and_one_more_refused():
    assert table(rows(MOST_ROWS).encode()).x.shape == (MOST_ROWS, 1)
    assert refused(rows(MOST_ROWS + 1)) == "have at most 100,000 rows, got more."


def test_millions_of_blank_lines_are_refused_early():
    assert refused("\n" * 19_000_000) == "have at most 100,000 rows, got more."
    assert table(rows(MOST_ROWS).replace("\n", "\n\n").encode()).x.shape == (MOST_ROWS, 1)


def test_two_hundred_columns_are_read_and_one_more_refused():
    def wide(columns):
        names = ",".join(f"c{i}" for i in range(columns - 1)) + ",class"
        return names + "\n" + "\n".join(",".join(["0.5"] * (columns - 1) + [k]) for k in "ab")

    assert table(wide(MOST_COLUMNS).encode()).x.shape == (2, MOST_COLUMNS - 1)
    must = "have 2 to 200 columns and at least 2 rows under its header"
    assert refused(wide(MOST_COLUMNS + 1)) == f"{must}, got 201 columns and 2 rows."
    assert refused("class\na\nb\n") == f"{must}, got 1 columns and 2 rows."
    assert refused("a,class\n1,x\n") == f"{must}, got 2 columns and 1 rows."
    assert refused("\n\n") == f"{must}, got 0 columns and 0 rows."


def test_the_size_is_checked_before_anything_is_read(monkeypatch):
    assert refused(b"") == "hold at least one row, got an empty file."
    assert refused(b"\xff" * (MOST_BYTES + 1_000_000)) == "be of at most 20 MB, got 21 MB."
    monkeypatch.setattr(tables, "MOST_BYTES", len(PLAIN))
    assert table(PLAIN.encode()) and "be of at most" in refused(PLAIN + "\n")


def test_from_two_to_ten_classes():
    def kinds(count):
        return "a,class\n" + "\n".join(f"1,k{i % count}" for i in range(2 * count))

    assert len(table(kinds(10).encode()).classes) == 10
    assert refused(kinds(11)) == "have 2 to 10 classes in column 'class', got 11."
    assert refused(kinds(1)) == "have 2 to 10 classes in column 'class', got 1."


# Every sentence


@pytest.mark.parametrize(
    "data", ["größe,class\n1,a\n2,b\n".encode("latin-1"), "a,class\n1,x\n".encode("utf-16"), b"\x89PNG\r\n\x1a\n"]
)
def test_bytes_that_are_no_utf_8_are_refused(data):
    assert refused(data) == "be a CSV file in UTF-8, got bytes that aren't."


@pytest.mark.parametrize("cell", ["", "n/a", "nan", "NaN", "inf", "-Infinity", "1e31", "1e999", "1;2", "0x10"])
@pytest.mark.parametrize("row", [2, 101, 150])
def test_a_cell_that_is_no_number_is_named_with_its_row(cell, row):
    lines = rows(200).split("\n")
    lines[row - 1] = f"{cell},1"
    assert refused("\n".join(lines)) == f"hold a number in every cell of column 'a', got {cell!r} in row {row}."


def test_rows_are_counted_as_a_spreadsheet_does_blank_ones_included():
    text = "a,class\n1,x\n\n2,y\n\n{}\n"
    assert refused(text.format("?,x")).endswith("got '?' in row 6.")
    assert refused(text.format("1,x,y")) == "have 2 cells in every row, got 3 in row 6."
    assert refused(text.format("1, ")) == "name a class in every row, got an empty cell in row 6."


def test_a_header_names_every_column_once():
    assert refused("a,b,a\n1,2,3\n4,5,6\n") == "name every column once in its first row, got 'a', 'b', 'a'."
    assert refused("a,,b\n1,2,3\n4,5,6\n") == "name every column once in its first row, got 'a', '', 'b'."


def test_columns_that_are_not_there_are_named():
    assert refused(PLAIN, label="kind") == "have the column 'kind', got 'height', 'weight', 'class'."
    assert refused(PLAIN, features=("height", "depth")) == "have the column 'depth', got 'height', 'weight', 'class'."
    assert refused(PLAIN, features=("class",), label="weight").startswith(
        "hold a number in every cell of column 'class'"
    )
    assert refused("name,class\nx,a\ny,b\n") == "have at least one column of numbers beside 'class', got none."


def test_an_endless_cell_is_refused():
    assert refused('a,class\n1,"' + "x" * 200_000 + '"\n2,y\n').startswith(
        "be a CSV file, got one that can't be read: "
    )


def test_a_long_name_takes_no_room_in_every_row():
    """An array of text would take 4 bytes times the longest times all rows: 20 GB here."""
    data = (rows(50_000) + f"\n1,{'x' * 100_000}").encode()
    tracemalloc.start()
    try:
        found = table(data)
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()
    assert len(found.classes) == 3


def test_a_name_is_quoted_short_and_printable():
    with pytest.raises(BadInput) as caught:
        table(b"", "a\n\x1b[31m" + "b" * 500)
    sentence = str(caught.value)
    assert sentence.isprintable() and len(sentence) < 150
    names = ",".join(f"{'n' * 100}{i}" for i in range(150))
    assert len(refused(f"{names}\n{names}\n{names}\n", label="x" * 1000)) < 400


# Anything at all


def whole(found):
    assert isinstance(found, Table)
    m, n = found.x.shape
    assert found.y.shape == (m,) and n == len(found.features) >= 1 and m >= 2
    assert np.isfinite(found.x).all()
    assert set(found.y.tolist()) == set(range(len(found.classes))) and 2 <= len(found.classes) <= 10


CSVISH = st.text(alphabet='ab01.,;\t\n\r" eé-\x00∞', max_size=200).map(str.encode)


@given(st.one_of(st.binary(max_size=300), CSVISH, CSVISH.map(lambda data: b"a,class\n1,x\n2,y\n" + data)))
@settings(deadline=None, max_examples=300)
def test_arbitrary_bytes_end_in_a_table_or_in_one_sentence(data):
    try:
        found = table(data, "mine.csv")
    except BadInput as problem:
        assert SENTENCE.fullmatch(str(problem)), str(problem)
    else:
        whole(found)
