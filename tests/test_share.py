"""Links: what a query holds, and that reading it back gives the same parameters or says why not."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from engine.params import controls
from engine.share import link, query, restore
from tests.made_up import LAB, Everything, is_inside, values_of

NAMES = [found.name for found in controls(Everything)]


def test_a_query_holds_lab_version_seed_and_only_what_changed():
    assert query(LAB, Everything()) == {"lab": "gradient-descent", "seed": "0", "v": "1"}
    params = Everything(rate=0.5, on=True, reach=(0, 1), seed=9)
    changed = {"rate": "0.5", "on": "true", "reach": "0~1", "seed": "9"}
    assert query(LAB, params) == {"lab": "gradient-descent", **changed, "v": "1"}
    assert query(replace(LAB, version=4), Everything())["v"] == "4"


@given(values_of(Everything))
def test_restore_undoes_query(values):
    params = Everything(**values)
    restored = restore(LAB, query(LAB, params))
    assert restored.params == params and not restored.rejected


@given(values_of(Everything))
def test_a_link_survives_a_browser(values):
    params = Everything(**values)
    address = link("https://atlas.example/foundations", LAB, params)
    assert address.isascii()
    parts = urlsplit(address)
    assert (parts.netloc, parts.path) == ("atlas.example", "/foundations")
    assert restore(LAB, dict(parse_qsl(parts.query, keep_blank_values=True))).params == params


def test_each_rejected_value_is_named_and_the_others_are_kept():
    restored = restore(LAB, {"lab": "gradient-descent", "v": "1", "rate": "99", "count": "7", "nope": "1", "seed": "x"})
    assert set(restored.rejected) == {"rate", "nope", "seed"}
    assert "'99'" in restored.rejected["rate"] and "from 0.0001 to 10" in restored.rejected["rate"]
    assert (restored.params.rate, restored.params.count, restored.params.seed) == (0.1, 7, 0)


def test_another_version_is_named_and_the_values_still_count():
    restored = restore(replace(LAB, version=2), {"v": "1", "rate": "3"})
    assert list(restored.rejected) == ["v"]
    assert "version 1" in restored.rejected["v"] and "version 2" in restored.rejected["v"]
    assert restored.params.rate == 3.0


def test_a_link_without_a_version_or_seed_is_fine():
    restored = restore(LAB, {"lab": "gradient-descent"})
    assert restored.params == Everything() and not restored.rejected


LIKELY = st.one_of(
    st.text(),
    st.sampled_from(
        ["nan", "inf", "-inf", "1e999", "1~2", "2~1", "1~nan", "1~2~3!4~5~6!7~8~9", "true", "upload-", "9" * 999]
    ),
    st.floats().map(str),
    st.integers().map(str),
)


@given(st.dictionaries(st.one_of(st.sampled_from([*NAMES, "lab", "v"]), st.text()), LIKELY))
def test_no_query_raises_or_leads_outside_the_bounds(texts):
    restored = restore(LAB, texts)
    assert all(is_inside(found, getattr(restored.params, found.name)) for found in controls(Everything))
    assert set(restored.rejected) <= set(texts)
    assert all(name in restored.rejected for name in texts if name not in {*NAMES, "lab", "v"})
    assert all(restored.rejected.values())
    silent = {name for name in NAMES if name in texts} - set(restored.rejected)
    assert restored.params.changed().keys() <= silent, "only what the link says differs from the defaults"
