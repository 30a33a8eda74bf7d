"""The doors for a person's own files: upload, camera, microphone. What comes in is decoded under limits, and kept in its
session only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, get_args

import streamlit as st

from engine.data import albums, media, passages, recordings, samples, tables, tensors
from engine.errors import BadInput
from pages._ui import player
from pages._ui.slots import Slot, common, place, put

RECORDING_RATE = 16_000


def examples(slot: Slot) -> None:
    """Examples by name, or a table of the person's own."""

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


def _media(slot: Slot, names: list[str], noun: str, read: Callable[[Any], Any]) -> None:
    """A sample to choose, or the person's own file, camera or microphone."""
    own = st.session_state.get(f"{slot.key}/own")
    options = [*names, own] if own is not None else names
    named = slot.control.names
    st.selectbox(
        options=options,
        format_func=lambda o: named.get(o) or media_name(o),
        index=place(options, slot),
        **common(slot),
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


def media_name(option: Any) -> str:
    """What a sample or an upload is called on the page."""
    return option.replace("-", " ").capitalize() if isinstance(option, str) else f"Yours: {option.name}"


def picture(slot: Slot) -> None:
    """A picture by name, or the person's own."""

    def read(slot: Slot) -> None:
        _door(slot, st.file_uploader, "A picture of at most 20 MB", "file", media.picture)
        _door(slot, st.camera_input, "Or take one", "camera", media.picture)

    _media(slot, list(samples.PICTURES), "picture", read)


def sound(slot: Slot) -> None:
    """A sound by name, or the person's own."""

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
        _accept(slot, lambda: read(file.getvalue(), file.name))
        return
    st.session_state[f"{slot.key}/problem"] = None
    if slot.control.kind == "weights":
        put(slot.control, slot.key, slot.control.default)
        slot.touched()


def _accept(slot: Slot, read: Callable[[], Any]) -> None:
    """What came in becomes the control's value, or the page says what is wrong with it."""
    st.session_state[f"{slot.key}/problem"] = None
    try:
        own = read()
    except BadInput as problem:
        st.session_state[f"{slot.key}/problem"] = str(problem)
        return
    st.session_state[f"{slot.key}/own"] = own
    put(slot.control, slot.key, own)
    slot.touched()


def passage(slot: Slot) -> None:
    """A text by name, or the person's own."""

    def read(slot: Slot) -> None:
        _door(slot, st.file_uploader, "A text file of at most 1 MB", "file", passages.passage)
        key = f"{slot.key}/pasted"
        st.text_area("Or paste it", key=key, max_chars=passages.MOST_BYTES, on_change=_take_pasted, args=(slot, key))

    _media(slot, list(slot.control.options), "text", read)


def _take_pasted(slot: Slot, key: str) -> None:
    """Read what was pasted as if it were a file; an emptied field changes nothing."""
    if pasted := st.session_state[key]:
        _accept(slot, lambda: passages.passage(pasted.encode(errors="replace"), "pasted.txt"))


def several_recordings(slot: Slot) -> None:
    """Sounds by name, or the person's own, each named after what is said in it."""

    def read(slot: Slot) -> None:
        key = f"{slot.key}/files"
        st.file_uploader(
            "Sounds named TRANSCRIPT_anything.wav, or a zip of them", accept_multiple_files=True, key=key,
            on_change=_take_recordings, args=(slot, key),
        )  # fmt: skip

    _media(slot, list(slot.control.options), "recordings", read)
    own = st.session_state.get(f"{slot.key}/own")
    for sentence in own.skipped[:3] if own is not None else ():
        st.caption(sentence)


def _take_recordings(slot: Slot, door: str) -> None:
    """Make the files that came in the control's value, or say what is wrong with them."""
    files = [(file.getvalue(), file.name) for file in st.session_state[door]]
    if files:
        _accept(slot, lambda: recordings.gathered(files, _called(files)))


def _called(files: Sequence[tuple[bytes, str]]) -> str:
    """The name of one file, the number of several."""
    return files[0][1] if len(files) == 1 else f"{len(files)} files"


def weights(slot: Slot) -> None:
    """Weights from a file."""
    _door(
        slot, st.file_uploader, slot.control.label, "file", tensors.weights, type="safetensors", help=slot.control.help
    )
    if problem := st.session_state.get(f"{slot.key}/problem"):
        st.error(problem)


def album(slot: Slot) -> None:
    """Pictures by name, or the person's own, one class after the other."""

    def read(slot: Slot) -> None:
        key = slot.key
        st.text_input(
            "Class of the pictures you add", key=f"{key}/class", help="Left empty, folders in a zip are classes."
        )
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
    if not files:
        return
    label, before = state.get(f"{key}/class", "").strip()[:40], state.get(f"{key}/own")

    def read() -> albums.Album:
        own = albums.gather(files, _called(files), label)
        return albums.joined(before, own) if label and before is not None else own

    # A new uploader and camera after each delivery: the next class begins with empty ones, and nothing is held twice.
    state[f"{key}/deliveries"] = state.get(f"{key}/deliveries", 0) + 1
    _accept(slot, read)
