"""Home: the map of all pages and labs, with search."""

from pathlib import Path

import streamlit as st

from engine import lab, syllabus

UI = Path(__file__).resolve().parent / "_ui"

_MAP = st.components.v2.component(
    "atlas_map",
    css=(UI / "map.css").read_text(encoding="utf-8"),
    js=(UI / "map.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def groups() -> tuple[dict[str, object], ...]:
    """Every page with its syllabus entries; ``slug`` is empty where no lab covers an entry yet.

    Tuples, because Streamlit asks of every list whether it is a table, and loads pandas to find out.
    """
    owners = lab.covered()
    return tuple(
        {
            "page": page,
            "title": title,
            "labs": tuple(
                {"id": e.id, "title": e.title, "see": e.see, "slug": owners.get(e.id, "")}
                for e in syllabus.entries().values()
                if e.page == page
            ),
        }
        for page, title in syllabus.PAGES.items()
    )


st.markdown(
    "## Deep Atlas\nEvery system of the deep learning specialization, alive: move a slider, upload a picture or speak, "
    "watch a real PyTorch model train and answer, and share the link."
)
chosen = _MAP(key="map", data={"groups": groups()}, on_open_change=lambda: None)
if chosen.open:
    page, _, slug = str(chosen.open).partition("/")
    if lab.covered().get(slug) == slug and page in syllabus.PAGES:
        st.switch_page(f"pages/{page}.py", query_params={"lab": slug, "seed": "0"})
