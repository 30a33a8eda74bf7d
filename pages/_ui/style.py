"""The few rules of layout that the theme's settings can't express."""

from __future__ import annotations

import streamlit as st

# A wide screen puts the controls at the figure's left; a narrow one shows the figure first and folds them under a switch.
CSS = """
<style>
.st-key-fold { display: none; }
@media (min-width: 641px) {
  .st-key-lab > div > [data-testid="stHorizontalBlock"] { flex-direction: row-reverse; }
}
@media (max-width: 640px) {
  .st-key-fold { display: block; }
  [data-testid="stVerticalBlock"]:has(> .st-key-fold input:not(:checked)) > div:has(.st-key-controls) { display: none; }
}
/* Every lab of a page is the same page to Streamlit, which would mark them all as the current one. */
.st-key-siblings a, .st-key-siblings a > * { background: none; }
.st-key-siblings a p { font-weight: 400; }
.st-key-siblings a:hover { text-decoration: underline; }
.st-key-layer-list button { padding: 0.1rem 0.35rem; min-height: 0; }
.st-key-layer-list [data-testid="stHorizontalBlock"] { flex-wrap: nowrap; }
.st-key-presets button { min-height: 0; padding: 0.15rem 0.7rem; font-size: 0.9rem; }
[data-testid="stHeadingWithActionElements"] h3 { padding-top: 0; }
</style>
"""


def apply() -> None:
    """Add the rules to this page."""
    st.html(CSS)
