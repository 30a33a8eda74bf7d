"""From a parameter's declaration to a widget: one maker a kind, and nothing about any lab.

``put`` and ``get`` move values between the session's state and Python; a widget keeps its state under its key.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import streamlit as st

from engine.data import albums, media, passages, samples, tables, tensors
from engine.errors import BadInput
from engine.kinds import read_sketch
from engine.params import Control, to_text
from pages._ui import layers, pad, player

LOG_STOPS = 120
RECORDING_RATE = 16_000
# Kinds that are typed as rows of numbers.
TYPED = ("matrix", "points")


@dataclass(frozen=True)
class Slot:
    """A control with the key of its widget and what to do when it moves."""

    control: Control
    key: str
    touched: Callable[[], None]


def put(control: Control, key: str, value: Any) -> None:
    """Set the state of a widget before it is drawn; a value outside the slider's usual range widens the slider."""
    st.session_state[f"{key}/given"] = value
    st.session_state[key] = _as_rows(value) if control.kind in TYPED else value


def get(control: Control, key: str) -> Any:
    """The value of a control as it stands."""
    value = st.session_state.get(key, control.default)
    return _from_rows(value) if control.kind in TYPED and isinstance(value, str) else value


def show(slot: Slot) -> None:
    """Draw one control."""
    # Streamlit drops the state of a widget that wasn't drawn in the last run (another lab was open).
    if slot.key not in st.session_state:
        put(slot.control, slot.key, st.session_state.get(f"{slot.key}/given", slot.control.default))
    _MAKERS[slot.control.kind](slot)


def label(control: Control) -> str:
    """The label with its unit."""
    return f"{control.label} ({control.unit})" if control.unit else control.label


def _common(slot: Slot) -> dict[str, Any]:
    # The value goes in twice, as state and as default: a browser busy drawing may miss the run that set the state, and a
    # widget that starts from nothing would then report its lowest value as the person's.
    return {
        "label": label(slot.control),
        "key": slot.key,
        "help": slot.control.help,
        "on_change": slot.touched,
    }


def _given(slot: Slot) -> Any:
    """The value last set from outside: by a link, a preset, a reset."""
    return st.session_state[f"{slot.key}/given"]


def _place(options: Sequence[Any], slot: Slot) -> int:
    """Where the given value stands among the options."""
    given = _given(slot)
    return options.index(given) if given in options else 0


def _slider(slot: Slot) -> None:
    control = slot.control
    assert control.hint is not None
    whole = control.kind == "integer"
    low, high, step = control.hint
    given = _given(slot)
    low, high = min(low, given), max(high, given)
    if control.log:
        st.select_slider(options=_stops(low, high, given, whole), format_func=_short, value=given, **_common(slot))
    elif whole:
        st.slider(min_value=int(low), max_value=int(high), step=int(step), value=int(given), **_common(slot))
    else:
        ends: dict[str, Any] = {
            "min_value": float(low),
            "max_value": float(high),
            "step": float(step),
            "value": float(given),
        }
        st.slider(format=_format(step), **ends, **_common(slot))


def _integer(slot: Slot) -> None:
    control = slot.control
    assert control.hint is not None and control.low is not None and control.high is not None
    if control.hint[1] - control.hint[0] > 100_000:
        st.number_input(
            min_value=int(control.low), max_value=int(control.high), step=1, value=_given(slot), **_common(slot)
        )
    else:
        _slider(slot)


def _stops(low: float, high: float, given: float, whole: bool) -> list[float]:
    """Values spaced by ratios, at two significant digits, with the one given by a link among them."""
    ratio = math.log(high / low) / LOG_STOPS
    stops = {_two_digits(low * math.exp(ratio * i)) for i in range(LOG_STOPS + 1)} | {low, high, given}
    return sorted({int(s) for s in stops} if whole else stops)


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")


def _short(value: float) -> str:
    return f"{value:g}"


def _format(step: float) -> str:
    return f"%.{max(0, -math.floor(math.log10(step)))}f"


def _choice(slot: Slot) -> None:
    control = slot.control
    names = control.names

    def name(option: str) -> str:
        return names.get(option, option.replace("_", " ").capitalize())

    short = sum(len(name(option)) + 4 for option in control.options) <= 34
    if short:
        options = {"options": control.options, "format_func": name, "required": True, "default": _given(slot)}
        st.segmented_control(width="stretch", **options, **_common(slot))
    else:
        st.selectbox(options=control.options, format_func=name, index=_place(control.options, slot), **_common(slot))


def _toggle(slot: Slot) -> None:
    st.toggle(value=_given(slot), **_common(slot))


def _span(slot: Slot) -> None:
    control = slot.control
    assert control.hint is not None
    low, high, step = control.hint
    ends: dict[str, Any] = {
        "min_value": float(low),
        "max_value": float(high),
        "step": float(step),
        "value": _given(slot),
    }
    st.slider(format=_format(step), **ends, **_common(slot))


def _text(slot: Slot) -> None:
    st.text_input(max_chars=int(slot.control.high or 0), value=_given(slot), **_common(slot))


def _matrix(slot: Slot) -> None:
    st.text_area(height=112, value=_as_rows(_given(slot)), **_common(slot))


def _examples(slot: Slot) -> None:
    def read(slot: Slot) -> None:
        _door(slot, st.file_uploader, "A CSV file of at most 20 MB and 100,000 rows", "file", tables.table, type="csv")
        own = st.session_state.get(f"{slot.key}/own")
        if own is not None and st.session_state.get(f"{slot.key}/file") is not None:
            _columns(slot, own)

    _media(slot, list(slot.control.options), "table", read)


def _columns(slot: Slot, own: tables.Table) -> None:
    """Which columns of the uploaded table to learn from, which holds the classes, and how to scale."""
    key = slot.key

    def read(data: bytes, name: str) -> tables.Table:
        label, chosen = st.session_state[f"{key}/label"], st.session_state[f"{key}/features"]
        features = [column for column in chosen if column != label]
        return tables.table(data, name, features, label, st.session_state[f"{key}/scaling"])

    for name, value in own.choices.items():
        st.session_state[f"{key}/{name}"] = list(value) if isinstance(value, tuple) else value
    columns = list(own.columns)
    again: dict[str, Any] = {"on_change": _take, "args": (slot, "file", read)}
    st.multiselect("Columns to learn from", columns, key=f"{key}/features", **again)
    st.selectbox("Column with the classes", columns, key=f"{key}/label", **again)
    st.selectbox("Use the numbers", get_args(tables.Scaling), key=f"{key}/scaling", **again)


def _as_rows(value: tuple[tuple[float, ...], ...]) -> str:
    return "\n".join("  ".join(f"{x:g}" for x in row) for row in value)


def _from_rows(text: str) -> str:
    """Rows of numbers as typed, in the form of a link, which the parameter itself validates."""
    return "!".join("~".join(line.replace(",", " ").split()) for line in text.strip().splitlines())


def _media(slot: Slot, names: list[str], noun: str, read: Callable[[Any], Any]) -> None:
    """A sample to choose, or the person's own file, camera or microphone."""
    own = st.session_state.get(f"{slot.key}/own")
    options = [*names, own] if own is not None else names
    named = slot.control.names
    st.selectbox(
        options=options,
        format_func=lambda o: named.get(o) or _media_name(o),
        index=_place(options, slot),
        **_common(slot),
    )
    door = st.popover(
        f"Use your own {noun}",
        icon=":material/upload:",
        width="stretch",
        on_change="rerun",
        key=f"{slot.key}/popover",
    )
    if door.open:
        with door:
            read(slot)
    problem = st.session_state.get(f"{slot.key}/problem")
    if problem:
        st.error(problem)


def _media_name(option: Any) -> str:
    return option.replace("-", " ").capitalize() if isinstance(option, str) else f"Yours: {option.name}"


def _picture(slot: Slot) -> None:
    def read(slot: Slot) -> None:
        _door(slot, st.file_uploader, "A picture of at most 20 MB", "file", media.picture)
        _door(slot, st.camera_input, "Or take one", "camera", media.picture)

    _media(slot, list(samples.PICTURES), "picture", read)


def _sound(slot: Slot) -> None:
    def read(slot: Slot) -> None:
        _door(slot, st.file_uploader, "A sound of at most 30 MB and 120 s", "file", media.sound)
        _door(slot, st.audio_input, "Or record one", "microphone", media.sound, sample_rate=RECORDING_RATE)

    _media(slot, list(samples.SOUNDS), "sound", read)


def _door(
    slot: Slot, widget: Callable[..., Any], label: str, door: str, read: Callable[[bytes, str], Any], **more: Any
) -> None:
    """One way in for the person's own file. What comes in is decoded under limits, and kept in this session only."""
    widget(label, key=f"{slot.key}/{door}", on_change=_take, args=(slot, door, read), **more)


def _take(slot: Slot, door: str, read: Callable[[bytes, str], Any]) -> None:
    """Read the file that came in through a door, and make it the control's value or say what is wrong with it."""
    file = st.session_state[f"{slot.key}/{door}"]
    if file is not None:
        _accept(slot, file.getvalue(), file.name, read)
        return
    st.session_state[f"{slot.key}/problem"] = None
    if slot.control.kind == "weights":
        put(slot.control, slot.key, slot.control.default)
        slot.touched()


def _accept(slot: Slot, data: bytes, name: str, read: Callable[[bytes, str], Any]) -> None:
    """What came in becomes the control's value, or the page says what is wrong with it."""
    st.session_state[f"{slot.key}/problem"] = None
    try:
        own = read(data, name)
    except BadInput as problem:
        st.session_state[f"{slot.key}/problem"] = str(problem)
        return
    st.session_state[f"{slot.key}/own"] = own
    put(slot.control, slot.key, own)
    slot.touched()


def _passage(slot: Slot) -> None:
    def read(slot: Slot) -> None:
        _door(slot, st.file_uploader, "A text file of at most 1 MB", "file", passages.passage)
        key = f"{slot.key}/pasted"
        st.text_area("Or paste it", key=key, max_chars=passages.MOST_BYTES, on_change=_take_pasted, args=(slot, key))

    _media(slot, list(slot.control.options), "text", read)


def _take_pasted(slot: Slot, key: str) -> None:
    """Read what was pasted as if it were a file; an emptied field changes nothing."""
    if pasted := st.session_state[key]:
        _accept(slot, pasted.encode(errors="replace"), "pasted.txt", passages.passage)


def _weights(slot: Slot) -> None:
    _door(
        slot, st.file_uploader, slot.control.label, "file", tensors.weights, type="safetensors", help=slot.control.help
    )
    if problem := st.session_state.get(f"{slot.key}/problem"):
        st.error(problem)


def _album(slot: Slot) -> None:
    def read(slot: Slot) -> None:
        key = slot.key
        st.text_input(
            "Class of the pictures you add", key=f"{key}/class", help="Left empty, folders in a zip are classes."
        )
        # A new uploader and camera after each delivery: the next class begins with empty ones, and nothing is held twice.
        count = st.session_state.setdefault(f"{key}/deliveries", 0)
        st.file_uploader(
            "Pictures, or a zip of them", accept_multiple_files=True, key=f"{key}/files/{count}",
            on_change=_take_album, args=(slot, f"{key}/files/{count}"),
        )  # fmt: skip
        camera = f"{key}/camera/{count}"
        st.camera_input("Or take one", key=camera, on_change=_take_album, args=(slot, camera))

    _media(slot, list(slot.control.options), "pictures", read)
    own = st.session_state.get(f"{slot.key}/own")
    if own is not None:
        counts = Counter(own.labels)
        held = ", ".join(f"{label or 'no class'}: {count}" for label, count in sorted(counts.items()))
        st.caption(f"Your pictures, kept in this session only: {held}.")
        for sentence in own.skipped[:3]:
            st.caption(sentence)
        st.button(
            "Forget my pictures", key=f"{slot.key}/forget", icon=":material/delete:", on_click=_forget, args=(slot,)
        )


def _forget(slot: Slot) -> None:
    """Drop the person's pictures, and what runs have made of them."""
    st.session_state[f"{slot.key}/own"] = None
    st.session_state[f"{slot.key}/deliveries"] += 1
    put(slot.control, slot.key, slot.control.default)
    player.stage().forget()
    slot.touched()


def _take_album(slot: Slot, door: str) -> None:
    """Add what came in to the person's pictures, or say what is wrong with it."""
    state, key = st.session_state, slot.key
    came = state[door]
    files = [(f.getvalue(), f.name) for f in (came if isinstance(came, list) else [came]) if f is not None]
    state[f"{key}/problem"] = None
    if not files:
        return
    label = state.get(f"{key}/class", "").strip()[:40]
    try:
        own = albums.gather(files, files[0][1] if len(files) == 1 else f"{len(files)} files", label)
        if label and state.get(f"{key}/own") is not None:
            own = albums.joined(state[f"{key}/own"], own)
    except BadInput as problem:
        state[f"{key}/problem"] = str(problem)
        return
    state[f"{key}/deliveries"] = state.get(f"{key}/deliveries", 0) + 1
    state[f"{key}/own"] = own
    put(slot.control, slot.key, own)
    slot.touched()


def _sketch(slot: Slot) -> None:
    key = f"{slot.key}/pad"

    def take() -> None:
        try:
            strokes = read_sketch(pad.drawn(key) or "")
        except ValueError:
            return  # a full pad takes no more
        put(slot.control, slot.key, strokes)
        slot.touched()

    st.markdown(label(slot.control), help=slot.control.help)
    pad.pad(key, label(slot.control), st.session_state[slot.key], take)


def _layers(slot: Slot) -> None:
    def changed(rows: tuple[tuple[Any, ...], ...]) -> None:
        put(slot.control, slot.key, rows)
        slot.touched()

    layers.show(slot.key, label(slot.control), slot.control.help, changed)


_MAKERS: dict[str, Callable[[Slot], None]] = {
    "number": _slider,
    "integer": _integer,
    "choice": _choice,
    "toggle": _toggle,
    "span": _span,
    "matrix": _matrix,
    "text": _text,
    "picture": _picture,
    "sound": _sound,
    "examples": _examples,
    "points": _matrix,
    "album": _album,
    "passage": _passage,
    "weights": _weights,
    "sketch": _sketch,
    "layers": _layers,
}


def in_words(value: Any) -> str:
    """A value as a person reads it in a comparison."""
    if isinstance(value, tuple) and value and isinstance(value[0], tuple) and isinstance(value[0][0], str):
        return "; ".join(map(layers.line, value))
    return _media_name(value) if isinstance(value, media.Upload) else to_text(value)
