"""What a lab needs is loaded in the background, after the first page has gone out."""

from __future__ import annotations

import gc
import threading

import streamlit as st

from engine.device import description

# Long enough for a browser to have painted the first page; importing earlier would compete with it.
DELAY_SECONDS = 1.0


@st.cache_resource(show_spinner=False)
def soon() -> threading.Timer:
    """Start warming once a process."""
    timer = threading.Timer(DELAY_SECONDS, _warm)
    timer.daemon = True
    timer.start()
    return timer


def _warm() -> None:
    from engine.executor import executor

    description()
    executor().warm()
    # Takes a second, which the first lab that counts or names with its networks would wait for.
    import torchvision.models  # noqa: F401

    # With PyTorch loaded a collection walks half a million long-lived objects, about 100 ms; frozen, they are skipped.
    gc.freeze()


def is_warm() -> bool:
    """Whether PyTorch is loaded; asking doesn't load it."""
    return bool(description.cache_info().currsize)


def device() -> str:
    """The device in words, once PyTorch is loaded."""
    return description() if is_warm() else "PyTorch loads when the first lab opens."
