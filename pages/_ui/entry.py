"""What every visit goes through: the page's settings, the navigation, the page itself, the device."""

from __future__ import annotations

import os

# Counts only before PyTorch loads. One thread computes the same digits as a worker does, and many sessions share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import streamlit as st

from engine.syllabus import PAGES
from pages._ui import warm

ICONS = {
    "foundations": "neurology",
    "optimization": "trending_down",
    "strategy": "explore",
    "cnns": "grid_on",
    "detection": "center_focus_strong",
    "face_recognition": "face",
    "style_transfer": "palette",
    "sequence_models": "linear_scale",
    "embeddings": "hub",
    "attention": "visibility",
    "speech": "mic",
}


def main() -> None:
    """Run the page that the address names."""
    st.session_state["entered"] = True
    st.set_page_config("Deep Atlas", page_icon="🌐", layout="wide")
    home = st.Page("pages/home.py", title="Home", icon=":material/public:", default=True)
    pages = [
        st.Page(f"pages/{name}.py", title=title, icon=f":material/{ICONS[name]}:", url_path=name)
        for name, title in PAGES.items()
    ]
    st.navigation([home, *pages], expanded=True).run()
    st.sidebar.caption(warm.device())
    warm.soon()


def entered() -> bool:
    """Whether this session came through :func:`main`.

    A fresh server that is first opened at a page's address runs the page's file alone, as if ``pages/`` were the app.
    """
    return "entered" in st.session_state
