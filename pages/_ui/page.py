"""A page of the app: the lab its address names, or the list of its labs."""

from __future__ import annotations

import streamlit as st

from engine import lab as registry
from engine import syllabus
from pages._ui import entry, style, warm


def page(name: str) -> None:
    """Draw one page. The lab is named by ``?lab=`` in the address."""
    if not entry.entered():
        entry.main()
        return
    style.apply()
    slug = st.query_params.get("lab")
    here = {id: owner for id, owner in registry.covered().items() if syllabus.entries()[id].page == name}
    if slug is None:
        _index(name, here)
        return
    _siblings(name, here, slug)
    if slug not in here.values():
        st.error(f"There is no lab of this name on this page: {_shown(slug)}.")
        _index(name, here)
        return
    head = st.empty()
    if not warm.is_warm():
        head.markdown(
            f"### {syllabus.entries()[slug].title}\nPyTorch is being loaded, once after the server has started."
        )
    from pages._ui import lab_page

    lab_page.show(registry.load(slug), head)


def _shown(text: str) -> str:
    """Text from a link, without anything markdown could act on."""
    return "".join(c for c in text[:60] if c.isalnum() or c in " -_.")


def _siblings(name: str, here: dict[str, str], current: str) -> None:
    with st.sidebar, st.container(gap="xxsmall", key="siblings"):
        st.caption(f"Labs in {syllabus.PAGES[name]}")
        for slug in dict.fromkeys(here.values()):
            title = syllabus.entries()[slug].title
            _lab_link(name, slug, f"**{title}**" if slug == current else title)


def _lab_link(name: str, slug: str, label: str) -> None:
    st.page_link(f"pages/{name}.py", label=label, query_params={"lab": slug, "seed": "0"}, width="stretch")


def _index(name: str, here: dict[str, str]) -> None:
    st.markdown(f"## {syllabus.PAGES[name]}")
    listed = [e for e in syllabus.entries().values() if e.page == name]
    for ready in (e for e in listed if e.id in here):
        with st.container(border=True):
            _lab_link(name, here[ready.id], f"**{ready.title}**")
            st.caption(ready.see[:1].upper() + ready.see[1:] + ".")
    waiting = [e.title for e in listed if e.id not in here]
    if waiting:
        st.caption("To come: " + ", ".join(waiting) + ".")
