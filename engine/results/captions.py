"""What a captioner says of a picture, word by word, and how well it does on many."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from engine.data.captions import Words, draw_told, told
from engine.functional.bleu import corpus_bleu
from engine.functional.decoding import beam_search, greedy
from engine.models.captioner import EOS, LONGEST, WORDS, Captioner, look
from engine.models.yolo import GRID, SIDE
from engine.results import Array
from engine.training.attending import written
from engine.training.captions import as_targets, as_words

ALTERNATIVES = 4
TILE = 48
DIM = 0.25  # of a picture's brightness where the network doesn't look


@dataclass(frozen=True, eq=False)
class Caption:
    """A sentence of T words, <EOS> being the last: log P of each and of all together, and what ranks it.

    ``alternatives`` holds for every step the likeliest words with their probabilities, ``alpha`` (T, 8, 8) where it looks.
    """

    words: Words
    chances: Array
    score: float
    alternatives: tuple[tuple[tuple[str, float], ...], ...]
    alpha: Array

    @property
    def log_probability(self) -> float:
        """log P of the whole sentence."""
        return float(self.chances.sum())


@torch.inference_mode()
def caption(network: Captioner, seen: Tensor, words: Words, power: float) -> Caption:
    """A sentence read by the network word by word, from what is seen of one picture (1, 64, SEEN)."""
    targets = as_targets([words])
    logits, alpha = network.decoder(*network.encode(seen), targets)
    rows = logits[0].log_softmax(-1)
    chances = rows.gather(1, targets[0, :, None])[:, 0]
    best = rows.topk(ALTERNATIVES)
    others = tuple(
        tuple((WORDS[k], float(np.exp(value))) for k, value in zip(ks, values, strict=True))
        for ks, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    )
    score = float(chances.sum()) / len(chances) ** power
    return Caption((*words, "<EOS>"), chances.numpy(), score, others, alpha[0].view(-1, GRID, GRID).numpy())


@torch.inference_mode()
def captions(network: Captioner, seen: Tensor, width: int, power: float) -> tuple[Caption, Caption]:
    """What greedy search says of one picture, and what the beam does."""
    first, state = network.decoder.first(*network.encode(seen))
    step = network.decoder.step
    plain = greedy(step, first, state, eos=EOS, longest=LONGEST, alpha=power)
    best, *_ = beam_search(step, first, state, width=width, eos=EOS, longest=LONGEST, alpha=power).found
    both = [as_words(torch.tensor([each.tokens]))[0] for each in (plain, best)]
    return caption(network, seen, both[0], power), caption(network, seen, both[1], power)


def agreed(words: Words, reference: Words | None) -> list[bool]:
    """Which words a reference has too, in this order; all of them where there is none."""
    if reference is None:
        return [True] * len(words)
    right = [False] * len(words)
    for block in SequenceMatcher(None, words, (*reference, "<EOS>"), autojunk=False).get_matching_blocks():
        right[block.a : block.a + block.size] = [True] * block.size
    return right


def lit(pixels: Array, alpha: Array) -> list[Array]:
    """A picture (h, w, 3) small, once for every map of weights (T, 8, 8), bright where they are large."""
    small = interpolate(torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None], (TILE, TILE), mode="area")[
        0
    ]
    light = interpolate(torch.from_numpy(alpha)[:, None], (TILE, TILE), mode="bilinear", align_corners=False)
    light = light / light.amax((2, 3), keepdim=True).clamp(min=1e-9)
    tiles = small * (DIM + (1 - DIM) * light)  # (T, 3, h, w)
    return [tile.permute(1, 2, 0).round().byte().numpy() for tile in tiles]


def squared(pixels: Array) -> Tensor:
    """The middle square of a picture (h, w, 3) as the captioner sees it, (1, 3, 128, 128) in [0, 1]."""
    side = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    middle = torch.from_numpy(pixels[top : top + side, left : left + side].astype(np.float32) / 255)
    return interpolate(middle.permute(2, 0, 1)[None], (SIDE, SIDE), mode="bilinear", antialias=True).clamp(0, 1)


@dataclass(frozen=True, eq=False)
class Measured:
    """Scenes that training never saw: how many objects each holds, what was said of it, and the references."""

    objects: list[int]
    said: list[Words]
    references: list[list[Words]]

    def exact(self, objects: int | None = None) -> float:
        """The share told word by word as the first reference, of all or of those with so many objects; NaN of none."""
        right = [
            words == each[0]
            for words, each, n in zip(self.said, self.references, self.objects, strict=True)
            if objects in (None, n)
        ]
        return float(np.mean(right)) if right else float("nan")

    def bleu(self, objects: int | None = None, references: int = 1) -> float:
        """BLEU of the whole set, or of those with so many objects, against the first reference or more."""
        rows = [i for i, n in enumerate(self.objects) if objects in (None, n)]
        if not rows:
            return float("nan")
        return corpus_bleu([self.said[i] for i in rows], [self.references[i][:references] for i in rows]).score


def measure(network: Captioner, m: int, generator: torch.Generator, before: Measured | None = None) -> Measured:
    """What greedy search says of m more scenes."""
    scenes = draw_told(m, generator, held_out=True)
    with torch.inference_mode():
        a, mask = network.encode(look(scenes.pictures))
        said = as_words(written(network.decoder, a, mask, eos=EOS, longest=LONGEST))
    objects, sentences = [len(scenes.of(i)) for i in range(m)], told(scenes)
    if before is None:
        return Measured(objects, said, sentences)
    return Measured(before.objects + objects, before.said + said, before.references + sentences)
