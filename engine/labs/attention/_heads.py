"""Heads that are switched off, and a Transformer beside the recurrent reader: exactness, work, time."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from engine.data.dates import EOS, decode
from engine.errors import BadInput
from engine.functional.decoding import Hypothesis, greedy
from engine.labs.attention._dates import STEPS, held_out, share_exact
from engine.models import attending
from engine.models.timing import timed
from engine.models.transforming import HEADS, LAYERS, Transformer, dates, without
from engine.results.attending import Growth, attended, growth, recurred

# A head by its attention, its layer and its number, counted from 0.
Head = tuple[str, int, int]
SHORT = {"E": "encoder", "D": "decoder", "C": "cross"}


def switched_off(off: str) -> frozenset[Head]:
    """The heads of a list, each by its attention, layer and number, counted from 0."""
    found = set()
    for each in re.split(r"[\s,;]+", off.upper().strip()):
        match = re.fullmatch(r"([EDC])([1-9])\.([1-9])", each)
        if each and (match is None or int(match[2]) > LAYERS or int(match[3]) > HEADS):
            raise BadInput(f"Heads off must be like E1.2 or C{LAYERS}.{HEADS}, parted by spaces, got {each[:20]!r}.")
        if match:
            found.add((SHORT[match[1]], int(match[2]) - 1, int(match[3]) - 1))
    return frozenset(found)


def spelled_out(off: frozenset[Head]) -> str:
    """The list of heads as it is typed."""
    letter = {kind: short for short, kind in SHORT.items()}
    return " ".join(f"{letter[kind]}{layer + 1}.{head + 1}" for kind, layer, head in sorted(off))


@lru_cache(maxsize=4)
def altered(positions: bool, causal: bool, off: frozenset[Head]) -> Transformer:
    """The bundled network with some of it switched off."""
    network = without(dates(), off)
    network.encoder.positions = network.decoder.positions = positions
    network.decoder.causal = causal
    return network


@lru_cache(maxsize=16)
def share(positions: bool = True, causal: bool = True, off: frozenset[Head] = frozenset()) -> float:
    """The share of held-out dates that it writes exactly."""
    return share_exact(altered(positions, causal, off), held_out())


@lru_cache(maxsize=1)
def recurrent_share() -> float:
    """The same of the recurrent reader."""
    return share_exact(attending.dates(), held_out())


@torch.inference_mode()
def written(network: Transformer, x: Tensor) -> Hypothesis:
    """What it writes from letters (1, Tx), by greedy search."""
    rows, state = network.decoder.first(*network.encode(x, torch.tensor([x.shape[1]])))
    return greedy(network.decoder.step, rows, state, eos=EOS, longest=STEPS)


@torch.inference_mode()
def leak(network: Transformer, x: Tensor, tokens: Tensor) -> float:
    """By how much the first logits change when the last character that the decoder reads (1, Ty) is another."""
    a, mask = network.encode(x, torch.tensor([x.shape[1]]))
    other = tokens.clone()
    other[:, -1] = (other[:, -1] + 1) % EOS
    both = [network.decoder.every(each, a, mask)[0][:, :-1] for each in (tokens, other)]
    return float((both[0] - both[1]).abs().max())


def beside(network: Transformer, x: Tensor, found: Hypothesis, bundled: bool) -> dict[str, list[Any]]:
    """What it is and takes beside the recurrent reader, where both are the bundled ones."""
    Tx, Ty = x.shape[1], len(found.tokens)
    looks = HEADS * LAYERS * (Tx * Tx + (Ty * (Ty + 1) // 2 if network.decoder.causal else Ty * Ty) + Tx * Ty)
    _, spent = timed(lambda: written(network, x), 2)
    columns = {
        "": ["writes", "its probability", "weights α", "steps in a row, reading", "milliseconds", "numbers learned"],
        "Transformer": [
            decode(found.tokens), f"{math.exp(found.log_probability):.1%}", f"{looks:,}", f"{LAYERS} (layers)",
            f"{spent:.1f}", f"{sum(p.numel() for p in network.parameters()):,}",
        ],
    }  # fmt: skip
    if bundled:
        other = attending.dates()
        run, spent = timed(lambda: attending.write(other, x[0], eos=EOS, longest=STEPS), 2)
        chance = float(run.log_probabilities.max(1).values.sum().exp())
        columns["Recurrent"] = [
            decode(run.tokens.tolist()), f"{chance:.1%}", f"{run.alpha.numel():,}", f"{Tx} (letters)",
            f"{spent:.1f}", f"{sum(p.numel() for p in other.parameters()):,}",
        ]  # fmt: skip
    return columns


@lru_cache(maxsize=1)
def cost() -> Growth:
    """The work of self-attention and of an LSTM as the text grows."""
    return growth((64, 128, 256, 512, 1024), {"self-attention": attended, "LSTM": recurred})
