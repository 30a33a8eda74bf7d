"""A session without a browser: speaks to a Streamlit server over its websocket, and notes when figures arrive."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Slider_pb2 import Slider
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

CHART = "atlas_chart"
LIMIT_SECONDS = 20.0
# A first page loads PyTorch, which a busy machine takes its time over.
OPEN_SECONDS = 90.0
# A browser keeps large messages for two runs; a reference comes only for one that the client says it has.
MOST_CACHED = 8


class Session:
    """One person's page. Keeps what a browser keeps: widget states, address, cached messages, timers of fragments."""

    def __init__(self, socket: ClientConnection, page: str, query: str) -> None:
        """Opened by :func:`session`."""
        self._socket = socket
        self._state = {"page_name": page, "query_string": query}
        self._widgets: dict[str, WidgetState] = {}
        self._cache: dict[str, ForwardMsg] = {}
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._news = asyncio.Event()
        self._figures: Any = None
        self.sliders: dict[str, Slider] = {}
        self.progress = ""
        self.drawn_at = 0.0
        self.idle = False
        self.frames: set[tuple[str, int]] = set()

    async def rerun(self, fragment: str = "") -> None:
        """Ask for a run of the script, or of one fragment as its timer does."""
        message = BackMsg()
        state = message.rerun_script
        for name, value in self._state.items():
            setattr(state, name, value)
        state.fragment_id, state.is_auto_rerun = fragment, bool(fragment)
        state.widget_states.widgets.extend(self._widgets.values())
        state.cached_message_hashes.extend(self._cache)
        await self._socket.send(message.SerializeToString())

    async def move(self, label: str, values: list[float]) -> float:
        """Move the slider whose label starts so; returns the seconds until a figure with other data arrived."""
        slider = next(slider for name, slider in self.sliders.items() if name.startswith(label))
        state = WidgetState(id=slider.id)
        state.double_array_value.data.extend(values)
        self._widgets[slider.id] = state
        self.idle = False
        before, start = self._figures, time.perf_counter()
        await self.rerun()
        await self.until(lambda: self._figures != before)
        return self.drawn_at - start

    async def until(self, reached: Callable[[], bool], seconds: float = LIMIT_SECONDS) -> None:
        """Wait for messages until something holds; TimeoutError if it never does."""
        async with asyncio.timeout(seconds):
            while not reached():
                self._news.clear()
                await self._news.wait()

    async def listen(self) -> None:
        """Take in messages until the connection ends."""
        try:
            async for data in self._socket:
                arrived = time.perf_counter()
                assert isinstance(data, bytes)
                self._take(self._resolve(ForwardMsg.FromString(data)), arrived)
                self._news.set()
        except ConnectionClosed:
            pass
        finally:
            for timer in self._timers.values():
                timer.cancel()

    def _resolve(self, message: ForwardMsg) -> ForwardMsg:
        """The message itself where the server sent a reference to one it sent before."""
        if message.WhichOneof("type") == "ref_hash":
            whole = ForwardMsg()
            whole.CopyFrom(self._cache[message.ref_hash])
            whole.metadata.CopyFrom(message.metadata)
            return whole
        if message.metadata.cacheable:
            self._cache[message.hash] = message
            if len(self._cache) > MOST_CACHED:
                del self._cache[next(iter(self._cache))]
        return message

    def _take(self, message: ForwardMsg, arrived: float) -> None:
        kind = message.WhichOneof("type")
        if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._take_element(message.delta.new_element, arrived)
        elif kind == "new_session":
            if not message.metadata.run.fragment_ids:
                self._clear(list(self._timers))
        elif kind == "navigation":
            self._state |= {"page_script_hash": message.navigation.page_script_hash, "page_name": ""}
        elif kind == "page_info_changed":
            self._state["query_string"] = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            self._clear([message.auto_rerun.fragment_id])
            timer = self._tick(message.auto_rerun.fragment_id, message.auto_rerun.interval)
            self._timers[message.auto_rerun.fragment_id] = asyncio.create_task(timer)
        elif kind == "stop_auto_rerun":
            self._clear(list(message.stop_auto_rerun.fragment_ids))
        elif kind == "script_finished":
            self.idle = True

    def _take_element(self, element: Any, arrived: float) -> None:
        kind = element.WhichOneof("type")
        if kind == "slider":
            self.sliders[element.slider.label] = element.slider
        elif kind == "progress":
            self.progress = element.progress.text
        elif kind == "bidi_component" and element.bidi_component.component_name.endswith(CHART):
            component = element.bidi_component
            data = json.loads(component.json or component.mixed.json)
            self.frames |= {(data["run"], frame["index"]) for frame in data["frames"]}
            figures = data["frames"][-1]["figures"]
            if figures != self._figures:
                self._figures, self.drawn_at = figures, arrived

    def _clear(self, fragments: list[str]) -> None:
        for fragment in fragments:
            if timer := self._timers.pop(fragment, None):
                timer.cancel()

    async def _tick(self, fragment: str, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            await self.rerun(fragment)


@asynccontextmanager
async def session(url: str, page: str, query: str) -> AsyncIterator[Session]:
    """Open a page of the app and wait until its first figure is there and its script has ended."""
    address = url.replace("http", "ws", 1) + "/_stcore/stream"
    # The second and third subprotocol are the browser's places for a token and an old session's id.
    async with connect(address, subprotocols=["streamlit"], origin=url, max_size=None, proxy=None) as socket:  # type: ignore[list-item, arg-type]
        opened = Session(socket, page, query)
        listening = asyncio.create_task(opened.listen())
        try:
            await opened.rerun()
            await opened.until(lambda: opened.idle and bool(opened.frames), OPEN_SECONDS)
            yield opened
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
