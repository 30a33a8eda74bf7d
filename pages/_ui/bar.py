"""One bar for all labs: share, export, compare with the last run, reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from engine import export
from engine.lab import Lab
from engine.share import link as full_link
from pages._ui import link, player, widgets
from pages._ui.chart import chart


def show(lab: Lab[Any], run: player.Run) -> None:
    """Draw the bar, and the last run under it while comparing."""
    with st.container(horizontal=True, key="bar"):
        share = st.popover("Share", icon=":material/link:", on_change="rerun", key=f"share-{lab.slug}")
        saved = st.popover("Export", icon=":material/download:", on_change="rerun", key=f"export-{lab.slug}")
        compare = st.toggle("Compare with the last run", key=f"compare-{lab.slug}")
        st.button("Reset", icon=":material/restart_alt:", on_click=_reset, args=(lab,), key=f"reset-{lab.slug}")
    if share.open:
        share.caption("Opens exactly this: page, lab, every setting and the seed.")
        share.code(full_link(_address(), lab, run.params), language=None, wrap_lines=True)
    if saved.open:
        with saved:
            _downloads(lab, run)
    if compare:
        _compare(run)


def _address() -> str:
    return (st.context.url or "").split("?")[0].split("#")[0]


def _reset(lab: Lab[Any]) -> None:
    link.put(lab, lab.params())
    link.touched(lab)


def _downloads(lab: Lab[Any], run: player.Run) -> None:
    files: list[tuple[str, str, str, Callable[[], str]]] = [
        ("Python script", f"{lab.slug}.py", "text/x-python", lambda: export.script(lab, run.params)),
        ("Notebook", f"{lab.slug}.ipynb", "application/x-ipynb+json", lambda: export.notebook(lab, run.params)),
        ("Figures as HTML", f"{lab.slug}.html", "text/html", lambda: export.page(run.shot, lab.entry.title)),
        ("Numbers as CSV", f"{lab.slug}.csv", "text/csv", lambda: export.numbers_csv(run.shot)),
        ("Numbers as JSON", f"{lab.slug}.json", "application/json", lambda: export.numbers_json(run.shot)),
    ]
    for label, name, mime, make in files:
        st.download_button(label, make, name, mime, on_click="ignore", key=f"download-{name}", width="stretch")


def _compare(run: player.Run) -> None:
    last = player.stage().last
    if last is None:
        st.info("There is no earlier run yet: change a setting first, and this shows the run before it.")
        return
    names = [n for n in type(run.params).model_fields if getattr(run.params, n) != getattr(last.params, n)]
    changes = ", ".join(
        f"{name} {widgets.in_words(getattr(last.params, name))} → {widgets.in_words(getattr(run.params, name))}"
        for name in names
    )
    st.markdown(f"**The run before this one.** Changed since: {changes or 'nothing'}.")
    chart(f"chart-last-{run.lab.slug}", last.name, [(last.index, last.shot)], player.rows(last))
