"""The command line: list the labs, run one without a browser, say what of the syllabus is covered.

Bad input ends with exit code 2 and one line on stderr that says what, what it must be, what it got.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NoReturn
from urllib.parse import urlencode

import numpy as np

from engine import lab, syllabus
from engine.data import albums, media, passages, recordings, tables, tensors
from engine.errors import AtlasError, BadInput
from engine.params import Control, Params, control, controls, parse, to_text

READERS: dict[str, Callable[[bytes, str], media.Upload]] = {
    "picture": media.picture,
    "sound": media.sound,
    "examples": tables.table,
    "album": albums.album,
    "passage": passages.passage,
    "recordings": recordings.recordings,
    "weights": tensors.weights,
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and leaving."""
        usage = " ".join(self.format_usage().removeprefix("usage: ").split())
        raise BadInput(f"The command line must read {usage!r}, got a wrong one: {message}.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # Any terminal can show every metric and name: a character that it lacks comes out as its code.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        chosen = _parser().parse_args(arguments)
        chosen.command(chosen)
        sys.stdout.flush()
    except AtlasError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 2 if isinstance(error, BadInput) else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Who reads has seen enough; what is still buffered must not fail once more when Python closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _parser() -> Parser:
    parser = Parser(prog="python -m engine", description="Deep Atlas without a browser.", allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="{labs,run,coverage}")
    labs = commands.add_parser("labs", help="list every lab with its parameters", allow_abbrev=False)
    labs.set_defaults(command=_labs)
    run = commands.add_parser("run", help="run one lab and print its last metrics", allow_abbrev=False)
    run.set_defaults(command=_run)
    run.add_argument("slug", metavar="SLUG", help="the lab, as `labs` lists it")
    run.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="a parameter, as in a link")
    run.add_argument("--input", metavar="NAME=FILE", action="append", default=[], help="a file for a picture or sound")
    run.add_argument("--out", metavar="DIR", type=Path, help="write figures, numbers, sounds and pictures there")
    coverage = commands.add_parser("coverage", help="say what of the syllabus is covered", allow_abbrev=False)
    coverage.set_defaults(command=_coverage)
    for command in (labs, run, coverage):
        command.add_argument("--json", action="store_true", help="print one JSON value")
    return parser


def _labs(chosen: argparse.Namespace) -> None:
    labs: list[lab.Lab[Params]] = [lab.load(slug) for slug in lab.found()]
    if chosen.json:
        return _print_json([_described(found) for found in labs])
    for found in labs:
        print(f"{found.slug}: {found.entry.title} ({found.entry.page}), covers {', '.join(found.ids)}")
        for each in controls(found.params):
            print(f"  {each.name}={to_text(each.default)} {each.unit}".rstrip() + f": {each.must.strip()}. {each.help}")


def _described(found: lab.Lab[Params]) -> dict[str, Any]:
    return {
        "slug": found.slug,
        "page": found.entry.page,
        "title": found.entry.title,
        "summary": found.summary,
        "covers": found.ids,
        "parameters": [_parameter(each) for each in controls(found.params)],
    }


def _parameter(found: Control) -> dict[str, Any]:
    names = ("name", "kind", "label", "default", "low", "high", "options", "unit", "help")
    return {name: getattr(found, name) for name in names}


def _run(chosen: argparse.Namespace) -> None:
    opened = lab.load(chosen.slug)
    params = _params(opened.params, chosen.set, chosen.input)
    if chosen.out:
        _prepare(chosen.out)
    _use_one_thread()
    frame = opened.last_frame(params)
    files = _write(frame, chosen.out) if chosen.out else []
    if chosen.json:
        return _print_json(_result(opened, params, frame, files))
    for label, value in frame.metrics.items():
        print(f"{label}: {value}")
    for line in (frame.says, frame.note, frame.diverged, *(f"Wrote {file}" for file in files)):
        if line:
            print(line)


def _result(opened: lab.Lab[Any], params: Params, frame: lab.Frame, files: list[Path]) -> dict[str, Any]:
    from engine import share

    return {
        "lab": opened.slug,
        "params": {each.name: getattr(params, each.name) for each in controls(type(params))},
        "query": urlencode(share.query(opened, params)),
        "metrics": dict(frame.metrics),
        "says": frame.says,
        "note": frame.note,
        "diverged": frame.diverged,
        "tables": frame.tables,
        "files": [str(file) for file in files],
    }


def _params(kind: type[Params], settings: list[str], inputs: list[str]) -> Params:
    values: dict[str, Any] = {}
    for setting in settings:
        name, value = _pair(kind, "--set", "NAME=VALUE", setting)
        values[name] = value
    for given in inputs:
        name, file = _pair(kind, "--input", "NAME=FILE", given)
        values[name] = _read(control(kind, name), Path(file))
    built: Params = parse(kind, values)
    return built


def _pair(kind: type[Params], option: str, form: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise BadInput(f"{option} must be {form}, got {text!r}.")
    return control(kind, name).name, value


def _read(found: Control, path: Path) -> media.Upload:
    if found.kind not in READERS:
        raise BadInput(
            "--input must name a picture, pictures, a sound, examples, text or weights, "
            f"got {found.name}, which must be {found.must}."
        )
    if not path.is_file():
        raise BadInput(f"The {found.kind} for {found.name} must be a file, got {str(path)!r}.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"The {found.kind} for {found.name} must be readable, got {str(path)!r}: {error}.") from error
    return READERS[found.kind](data, path.name)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or "it can't"
        raise BadInput(f"--out must be a folder that can be written to, got {str(folder)!r}: {why}.") from error


def _prepare(folder: Path) -> None:
    """Make the folder and try it before the run, which may take minutes."""
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()


def _use_one_thread() -> None:
    # As the app's workers do: sums in another order end in other digits.
    import torch

    torch.set_num_threads(1)


def _write(frame: lab.Frame, folder: Path) -> list[Path]:
    """Write all that a frame holds and return the files."""
    from engine import export
    from engine.figures.export import themed
    from engine.snapshot import snapshot

    shot = snapshot(frame)
    names = export.file_names({**frame.figures, **frame.sounds, **frame.pictures})
    contents: dict[str, str | bytes] = {"numbers.csv": export.numbers_csv(shot)}
    contents["numbers.json"] = export.numbers_json(shot)
    for title, figure in frame.figures.items():
        contents[f"{names[title]}.html"] = themed(figure, title).to_html()
        contents[f"{names[title]}.json"] = shot.figures[title]
    for title, sound in frame.sounds.items():
        contents[f"{names[title]}.wav"] = media.to_wav(sound.samples, sound.rate)
    for title, pixels in frame.pictures.items():
        contents[f"{names[title]}.png"] = _png(pixels)
    contents |= frame.files
    with _writing(folder):
        for name, content in contents.items():
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return [folder / name for name in contents]


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    file = BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def _coverage(chosen: argparse.Namespace) -> None:
    covered = [id for id in syllabus.entries() if id in lab.covered()]
    missing = [id for id in syllabus.entries() if id not in covered]
    total = len(covered) + len(missing)
    if chosen.json:
        counts = {"covered_count": len(covered), "missing_count": len(missing), "total": total}
        return _print_json({"covered": covered, "missing": missing, **counts})
    print(f"{len(covered)} of {total}")
    print("covered:", *covered)
    print("missing:", *missing)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=to_text))
