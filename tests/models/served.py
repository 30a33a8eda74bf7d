"""Made-up weights on a server of this machine, under the name that torchvision gives the official ones."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from torch import hub

from engine.models import pretrained
from tests.models.made import made


class Server(ThreadingHTTPServer):
    """``cut`` bytes of the content are sent, all of it if that is 0."""

    content, cut, asked = b"", 0, 0


class Answer(BaseHTTPRequestHandler):
    """Sends the content, whatever it is asked for."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content[: self.server.cut or None])

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(content: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of this, which all weights are fetched from, and an empty cache in the folder."""
    monkeypatch.setattr(pretrained, "_failed", {})
    monkeypatch.setattr(pretrained, "_loaded", type(pretrained._loaded)())
    monkeypatch.setattr(hub, "get_dir", lambda: str(folder))
    with Server(("127.0.0.1", 0), Answer) as found:
        found.content = content
        monkeypatch.setenv("DEEP_ATLAS_WEIGHTS", f"http://127.0.0.1:{found.server_port}/")
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


@contextmanager
def served(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of one network's made-up weights, and an empty cache in the folder."""
    file = io.BytesIO()
    torch.save(made(name).state_dict(), file)
    content = file.getvalue()
    monkeypatch.setattr(pretrained.weights(name).value, "url", url_of(name, content))
    with serving(content, folder, monkeypatch) as found:
        yield found


def url_of(name: str, content: bytes) -> str:
    """An address that ends in the content's hash, as torchvision's do."""
    return f"https://example.org/models/{name}-{hashlib.sha256(content).hexdigest()[:8]}.pth"
