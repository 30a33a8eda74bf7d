"""Links: parameters to query string and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from engine.lab import Lab
from engine.params import Params, to_text, validate


@dataclass(frozen=True)
class Restored:
    """What a link says: the parameters, and one sentence for each thing in it that can't be used."""

    params: Any
    rejected: Mapping[str, str]


def query(lab: Lab[Any], params: Params) -> dict[str, str]:
    """The query of a link: lab, its version, every parameter that isn't the default, and always the seed."""
    changed = {name: to_text(value) for name, value in params.changed().items()}
    return {"lab": lab.slug, **changed, "seed": str(params.seed), "v": str(lab.version)}


def link(base: str, lab: Lab[Any], params: Params) -> str:
    """The full link; ``base`` is the page's address without a query."""
    return f"{base}?{urlencode(query(lab, params))}"


def restore(lab: Lab[Any], texts: Mapping[str, Any]) -> Restored:
    """Read a link's query, texts or values by name. Nothing is replaced silently: every rejected value has its sentence."""
    version = texts.get("v", str(lab.version))
    values = {name: text for name, text in texts.items() if name not in ("lab", "v")}
    params, rejected = validate(lab.params, values)
    if version != str(lab.version):
        rejected["v"] = f"This link was made for version {version} of the lab, which is now at version {lab.version}."
    return Restored(params, rejected)
