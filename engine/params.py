"""Parameters of a lab: declared once, with type, hard bounds, slider hints, unit and help.

Widgets, links, the command line and the tests all read the same declaration. A field is written with one of the makers
below::

    class Descent(Params):
        rate: float = number(0.1, low=1e-4, high=2.0, log=True, label="Learning rate", help="Step size along the slope.")

Every field accepts its own link text as well as its value, so a link and ``--set`` are validated by the same code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from engine.errors import BadInput
from engine.kinds import (
    MOST_LAYERS,
    MOST_POINTS,
    AlbumSource,
    ExamplesSource,
    Layers,
    Matrix,
    PictureSource,
    Points,
    RecordingsSource,
    Sketch,
    SoundSource,
    Span,
    TextSource,
    WeightsSource,
    plain,
    to_text,
)

Kind = Literal[
    "number", "integer", "choice", "toggle", "span", "matrix", "text", "picture", "sound", "examples", "points",
    "album", "sketch", "layers", "weights", "passage", "recordings",
]  # fmt: skip

__all__ = [
    "AlbumSource", "Control", "ExamplesSource", "Kind", "Layers", "Matrix", "Params", "PictureSource", "Points",
    "RecordingsSource", "Sketch", "SoundSource", "Span", "TextSource", "WeightsSource", "album", "choice",
    "control", "controls", "drawing", "examples", "integer", "layers", "matrix", "number", "parse", "passage",
    "picture", "recordings", "sketch", "sound", "span", "text", "to_text", "toggle", "validate", "weights",
]  # fmt: skip


@dataclass(frozen=True)
class Control:
    """What a widget needs to know of one parameter. ``hint`` is (low, high, step) of the slider, inside the hard bounds."""

    name: str
    kind: Kind
    label: str
    help: str
    default: Any
    unit: str = ""
    low: float | None = None
    high: float | None = None
    hint: tuple[float, float, float] | None = None
    log: bool = False
    more: bool = False
    options: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def must(self) -> str:
        """What a value must be, in words."""
        bounds = f"from {plain(self.low)} to {plain(self.high)}" if self.low is not None else ""
        return {
            "number": f"a number {bounds}",
            "integer": f"a whole number {bounds}",
            "choice": "one of " + ", ".join(self.options),
            "toggle": "true or false",
            "span": f"two increasing numbers {bounds}",
            "matrix": f"a square of 3, 5 or 7 rows of numbers {bounds}",
            "text": f"text of at most {plain(self.high)} characters",
            "picture": "the name of a sample picture or an uploaded picture",
            "sound": "the name of a sample sound or an uploaded sound",
            "examples": "one of " + ", ".join(self.options) + " or an uploaded table",
            "album": "one of " + ", ".join(self.options) + ", or uploaded pictures",
            "recordings": "one of " + ", ".join(self.options) + ", or uploaded sounds",
            "passage": "one of " + ", ".join(self.options) + ", or uploaded text",
            "weights": "nothing or an uploaded safetensors file",
            "sketch": "strokes of whole numbers x y from 0 to 255",
            "layers": f"1 to {MOST_LAYERS} rows: conv filters size stride padding, max or average size stride, dense units",
            "points": f"at most {MOST_POINTS} points x y class, the class 0 or 1 and the others {bounds}",
        }[self.kind]


def number(
    default: float,
    *,
    low: float,
    high: float,
    label: str,
    help: str,
    hint: tuple[float, float, float] | None = None,
    unit: str = "",
    log: bool = False,
    more: bool = False,
) -> Any:
    """A real number in [low, high]; ``hint`` is the slider's (low, high, step); ``log`` spaces the slider by ratios."""
    extra: dict[str, Any] = {
        "kind": "number",
        "hint": hint or (low, high, (high - low) / 100),
        "unit": unit,
        "log": log,
        "more": more,
    }
    return Field(default, ge=low, le=high, title=label, description=help, json_schema_extra=extra)


def integer(
    default: int,
    *,
    low: int,
    high: int,
    label: str,
    help: str,
    hint: tuple[int, int, int] | None = None,
    unit: str = "",
    log: bool = False,
    more: bool = False,
) -> Any:
    """A whole number in [low, high]; ``hint`` and ``log`` as for :func:`number`."""
    extra: dict[str, Any] = {"kind": "integer", "hint": hint or (low, high, 1), "unit": unit, "log": log, "more": more}
    return Field(default, ge=low, le=high, title=label, description=help, json_schema_extra=extra)


def choice(default: str, *, label: str, help: str, names: Mapping[str, str] | None = None, more: bool = False) -> Any:
    """One of the annotation's ``Literal`` names; ``names`` gives a longer label for some of them."""
    extra: dict[str, Any] = {"kind": "choice", "more": more, "names": dict(names or {})}
    return Field(default, title=label, description=help, json_schema_extra=extra)


def toggle(default: bool, *, label: str, help: str, more: bool = False) -> Any:
    """On or off."""
    return Field(default, title=label, description=help, json_schema_extra={"kind": "toggle", "more": more})


def span(
    default: tuple[float, float],
    *,
    low: float,
    high: float,
    label: str,
    help: str,
    step: float,
    unit: str = "",
    more: bool = False,
) -> Any:
    """Two increasing numbers in [low, high], moved as one slider with two ends. Annotate the field as ``Span``."""
    extra: dict[str, Any] = {
        "kind": "span",
        "low": low,
        "high": high,
        "hint": (low, high, step),
        "unit": unit,
        "more": more,
    }
    return Field(default, title=label, description=help, json_schema_extra=extra)


def matrix(
    default: Sequence[Sequence[float]], *, low: float, high: float, label: str, help: str, more: bool = False
) -> Any:
    """A square of 3, 5 or 7 rows with entries in [low, high]. Annotate the field as ``Matrix``."""
    extra: dict[str, Any] = {"kind": "matrix", "low": low, "high": high, "more": more}
    rows = tuple(tuple(float(x) for x in row) for row in default)
    return Field(rows, title=label, description=help, json_schema_extra=extra)


def text(default: str, *, longest: int, label: str, help: str, more: bool = False) -> Any:
    """Text of at most ``longest`` characters."""
    extra: dict[str, Any] = {"kind": "text", "high": longest, "more": more}
    return Field(default, max_length=longest, title=label, description=help, json_schema_extra=extra)


def picture(default: str, *, label: str = "Picture", help: str, more: bool = False) -> Any:
    """A sample picture by name, or an uploaded one. Annotate the field as ``PictureSource``."""
    return Field(default, title=label, description=help, json_schema_extra={"kind": "picture", "more": more})


def sound(default: str, *, label: str = "Sound", help: str, more: bool = False) -> Any:
    """A sample sound by name, or an uploaded one. Annotate the field as ``SoundSource``."""
    return Field(default, title=label, description=help, json_schema_extra={"kind": "sound", "more": more})


def _set(
    kind: str, default: str, sets: Iterable[str], names: Mapping[str, str], label: str, help: str, more: bool
) -> Any:
    extra: dict[str, Any] = {"kind": kind, "options": tuple(sets), "names": dict(names), "more": more}
    return Field(default, title=label, description=help, json_schema_extra=extra)


def examples(
    default: str, *, sets: Sequence[str], label: str = "Examples", help: str, names: Mapping[str, str] | None = None
) -> Any:
    """A set of examples by name, or an uploaded table. Annotate the field as ``ExamplesSource``."""
    return _set("examples", default, sets, names or {}, label, help, False)


def drawing(
    default: Sequence[tuple[float, float, int]], *, low: float, high: float, label: str, help: str, more: bool = False
) -> Any:
    """Points drawn on the plane: x and y in [low, high], and their class, 0 or 1. Annotate the field as ``Points``."""
    extra: dict[str, Any] = {"kind": "points", "low": low, "high": high, "more": more}
    return Field(tuple(default), title=label, description=help, json_schema_extra=extra)


def album(
    default: str, *, sets: Sequence[str], label: str = "Pictures", help: str, names: Mapping[str, str] | None = None
) -> Any:
    """Several pictures at once: a set by name, or uploaded ones. Annotate the field as ``AlbumSource``."""
    return _set("album", default, sets, names or {}, label, help, False)


def recordings(default: str, *, sets: Mapping[str, str], label: str = "Recordings", help: str) -> Any:
    """Several sounds: a set by name, or uploaded ones named after what is spoken. Annotate as ``RecordingsSource``."""
    return _set("recordings", default, sets, sets, label, help, False)


def passage(default: str, *, sets: Mapping[str, str], label: str = "Text", help: str, more: bool = False) -> Any:
    """Text: a bundled one by name (``sets`` holds what each is called), or the person's own. Annotate as ``TextSource``."""
    return _set("passage", default, sets, sets, label, help, more)


def weights(*, label: str, help: str, more: bool = False) -> Any:
    """Uploaded weights, or none. Annotate the field as ``WeightsSource``."""
    return Field("", title=label, description=help, json_schema_extra={"kind": "weights", "more": more})


def sketch(*, label: str, help: str, more: bool = False) -> Any:
    """What a person draws with the pointer: strokes x0, y0, x1, y1, ... on a pad of 256 x 256. Annotate as ``Sketch``."""
    extra: dict[str, Any] = {"kind": "sketch", "low": 0, "high": 255, "more": more}
    return Field((), title=label, description=help, json_schema_extra=extra)


def layers(default: Sequence[Sequence[Any]], *, label: str, help: str) -> Any:
    """A convolutional network, layer by layer. Annotate the field as ``Layers``."""
    rows = tuple(tuple(row) for row in default)
    return Field(rows, title=label, description=help, json_schema_extra={"kind": "layers", "more": False})


class Params(BaseModel):
    """Base of every lab's parameters: frozen, closed, and validated down to the defaults."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, arbitrary_types_allowed=True, allow_inf_nan=False
    )

    seed: int = integer(
        0,
        low=0,
        high=2**31 - 1,
        label="Seed",
        help="Decides every random number of the run: the same seed gives the same numbers.",
        more=True,
    )

    @field_validator("*")
    @classmethod
    def _inside_bounds(cls, value: Any, info: ValidationInfo) -> Any:
        """Hold every number of a span, a matrix or points to the field's hard bounds, and a set of examples to the known.

        Pydantic does it for single numbers and for choices.
        """
        if isinstance(value, str) and info.field_name is not None:
            found = control(cls, info.field_name)
            if found.kind in ("examples", "album", "passage", "recordings") and value not in found.options:
                raise ValueError("is not a set of this lab")
        if isinstance(value, tuple) and info.field_name is not None:
            found = control(cls, info.field_name)
            if found.kind == "layers":
                return value
            numbers = [x for row in value for x in (row if isinstance(row, tuple) else (row,))]
            if not all(found.low <= x <= found.high for x in numbers):
                raise ValueError("is out of bounds")
        return value

    def changed(self) -> dict[str, Any]:
        """The parameters that differ from their defaults, by name."""
        return {c.name: value for c in controls(type(self)) if (value := getattr(self, c.name)) != c.default}


def controls(params: type[Params]) -> tuple[Control, ...]:
    """The controls of a parameter class in the order of declaration, the seed last."""
    return _controls(params)


@cache
def _controls(params: Any) -> tuple[Control, ...]:
    names = [name for name in params.model_fields if name != "seed"] + ["seed"]
    return tuple(_control(name, params.model_fields[name]) for name in names)


def control(params: type[Params], name: str) -> Control:
    """One control by name; BadInput if there is none."""
    for found in controls(params):
        if found.name == name:
            return found
    known = ", ".join(c.name for c in controls(params))
    raise BadInput(f"Parameter {name!r} is not known: it must be one of {known}.")


def _control(name: str, info: FieldInfo) -> Control:
    extra = info.json_schema_extra
    if not isinstance(extra, dict) or "kind" not in extra:
        raise TypeError(f"Parameter {name!r} must be declared with a maker of engine.params, got {info!r}.")
    bounds = {key: getattr(m, key) for m in info.metadata for key in ("ge", "le", "max_length") if hasattr(m, key)}
    kind: Any = extra["kind"]
    options = get_args(info.annotation) if get_origin(info.annotation) is Literal else extra.get("options", ())
    return Control(
        name=name,
        kind=kind,
        label=info.title or "",
        help=info.description or "",
        default=info.default,
        unit=str(extra.get("unit", "")),
        low=extra.get("low", bounds.get("ge")),  # type: ignore[arg-type]
        high=extra.get("high", bounds.get("le")),  # type: ignore[arg-type]
        hint=extra.get("hint"),  # type: ignore[arg-type]
        log=bool(extra.get("log", False)),
        more=bool(extra.get("more", False)),
        options=options,  # type: ignore[arg-type]
        names=extra.get("names", {}),  # type: ignore[arg-type]
    )


def validate(params: type[Params], values: Mapping[str, Any]) -> tuple[Any, dict[str, str]]:
    """Build parameters from raw values or link texts, setting aside what can't be used.

    Returns the parameters, with defaults in place of rejected values, and one sentence for each rejected name.
    """
    rejected: dict[str, str] = {}
    accepted = dict(values)
    while True:
        try:
            return params.model_validate(accepted), rejected
        except ValidationError as error:
            wrong = {str(p["loc"][0]): p["msg"] for p in error.errors() if p["loc"] and p["loc"][0] in accepted}
            if not wrong:
                raise
            rejected |= {name: _sentence(params, name, accepted.pop(name), why) for name, why in wrong.items()}


def _sentence(params: type[Params], name: str, got: Any, message: str) -> str:
    shown = to_text(got) if not isinstance(got, str) else got
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    if name not in params.model_fields:
        known = ", ".join(c.name for c in controls(params))
        return f"{name[:60]!r} is not a parameter of this lab: it must be one of {known}."
    found = control(params, name)
    if "not part of the link" in message:
        return f"{name} was an uploaded file, which a link doesn't carry: upload it again to see the same result."
    return f"{name} must be {found.must}, got {shown!r}."


def parse(params: type[Params], values: Mapping[str, Any]) -> Any:
    """Like :func:`validate`, but the first rejected value raises BadInput."""
    built, rejected = validate(params, values)
    if rejected:
        raise BadInput(next(iter(rejected.values())))
    return built
