"""The page of a lab: controls, figure, one bar for everything done with a run, and what to know about it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine import syllabus
from engine.device import description
from engine.errors import AtlasError
from engine.lab import Lab
from engine.params import Params, controls
from pages._ui import bar, link, player, widgets
from pages._ui.chart import event
from pages._ui.slots import Slot

CONTROLS_IN_SIGHT = 6


def show(lab: Lab[Any], head: DeltaGenerator) -> None:
    """Draw the whole page of a lab, its title into the place kept at the head."""
    link.arrive(lab)
    head.markdown(f"### {lab.entry.title}\n{lab.summary}")
    # The figure stands first in the document, so a narrow screen shows it first; a wide one puts the controls at its left.
    with st.container(key="lab"):
        figure_side, control_side = st.columns([3, 1], gap="medium")
    with control_side:
        _controls(lab)
    params, rejected = link.read(lab)
    with figure_side:
        _warnings(rejected)
        try:
            run = player.begin(lab, params)
        except AtlasError as problem:
            st.error(_plain(str(problem)), icon=":material/error:")
            run = None
        if run:
            shown = run
            player.show(run, _chart_key(lab), lambda: _respond(lab, shown), lambda: _below(lab, shown))
    with control_side:
        _presets(lab)
    if run:
        bar.show(lab, run)
        _notes(lab, params)
    link.depart(lab, params)


def _chart_key(lab: Lab[Any]) -> str:
    return f"chart-{lab.slug}"


def _controls(lab: Lab[Any]) -> None:
    """At most six controls in sight, the rest under More; on a phone all of them fold under one switch."""
    slots = [Slot(c, f"{lab.slug}/{c.name}", lambda: link.touched(lab)) for c in controls(lab.params)]
    plain = [slot for slot in slots if not slot.control.more]
    sight, more = plain[:CONTROLS_IN_SIGHT], [*plain[CONTROLS_IN_SIGHT:], *(s for s in slots if s.control.more)]
    st.toggle("Controls", key="fold", value=False)
    with st.container(key="controls"):
        for slot in sight:
            widgets.show(slot)
        with st.expander("More"):
            for slot in more:
                widgets.show(slot)


def _presets(lab: Lab[Any]) -> None:
    if not lab.presets:
        return
    with st.container(key="presets", horizontal=True, gap="xsmall"):
        for name, changes in lab.presets.items():
            st.button(name, key=f"preset-{lab.slug}-{name}", on_click=_preset, args=(lab, changes), type="secondary")


def _preset(lab: Lab[Any], changes: Mapping[str, Any]) -> None:
    link.put(lab, lab.params(**changes))
    link.touched(lab)


def _warnings(rejected: Mapping[str, str]) -> None:
    # The container is always there, so that a warning's coming and going doesn't remount the chart after it.
    place = st.container()
    if rejected:
        lines = "\n".join(f"- {_plain(sentence)}" for sentence in rejected.values())
        place.warning(f"Not everything in this link or these controls can be used; the default stands in:\n{lines}")


def _plain(text: str) -> str:
    """Text from a link, shown as text: no markdown, no outside picture, no address made a link."""
    # Markdown links an address even when it is escaped; an invisible joiner inside breaks it up.
    for start in ("://", "www.", "@"):
        text = text.replace(start, start[0] + "\u2060" + start[1:])
    return "".join(f"\\{c}" if c in r"\`*_{}[]<>()#+-!|~$:" else c for c in text)


def _below(lab: Lab[Any], run: player.Run) -> None:
    """Under the figure, inside its fragment: a change made there concerns the whole page."""
    if link.is_touched(lab):
        st.rerun()
    _diverged(lab, run)


def _diverged(lab: Lab[Any], run: player.Run) -> None:
    frame = run.shot.frame
    if not frame.diverged:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="diverged"):
        st.warning(frame.diverged, icon=":material/trending_up:")
        if frame.remedy:
            words = ", ".join(f"{name} {widgets.in_words(value)}" for name, value in frame.remedy.items())
            st.button(f"Try {words}", on_click=link.change, args=(lab, frame.remedy), key=f"remedy-{lab.slug}")


def _respond(lab: Lab[Any], run: player.Run) -> None:
    """A person acted on a figure: let the lab say which parameters that changes. Or the browser missed the first frame."""
    happened = event(_chart_key(lab))
    if happened and happened.kind == "missing":
        run.repeat = True
    elif happened and lab.respond:
        link.change(lab, lab.respond(run.params, happened))


def _notes(lab: Lab[Any], params: Params) -> None:
    """What to look for, the maths, the code and the notes' mistakes, folded and drawn only when open."""
    st.markdown(f"**What to look for.** {lab.look_for}")
    maths = st.expander("The maths", icon=":material/function:", on_change="rerun", key=f"maths-{lab.slug}")
    if maths.open:
        maths.markdown(lab.maths)
    code = st.expander("The code", icon=":material/code:", on_change="rerun", key=f"code-{lab.slug}")
    if code.open:
        code.caption("The functions that computed this figure, from their source.")
        for function in lab.code:
            code.markdown(f"`{function.__module__}`")
            code.code(inspect.getsource(function), language="python")
    if lab.mistakes:
        wrong = st.expander(
            "What the notes get wrong", icon=":material/rule:", on_change="rerun", key=f"wrong-{lab.slug}"
        )
        if wrong.open:
            _mistakes(lab, params, wrong)
    st.caption(f"Computed with PyTorch on {description()}.")


def _mistakes(lab: Lab[Any], params: Params, place: Any) -> None:
    for id, compute in lab.mistakes.items():
        erratum, computed = syllabus.errata()[id], compute(params)
        left, right = place.columns(2)
        left.error(f"**Often written:** {_plain(erratum.notes)}\n\n{computed.wrong}", icon=":material/close:")
        right.success(f"**Right:** {_plain(erratum.right)}\n\n{computed.right}", icon=":material/check:")
