"""Translations as they are judged: by length, word by word over the attention, and error by error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.data.translations import Pair, Words
from engine.functional.beams import beam_searches
from engine.functional.bleu import corpus_bleu
from engine.functional.decoding import Hypothesis, length_normalized, ranked
from engine.models.attending import Translator, last
from engine.models.translator import EOS, LONGEST, english, read
from engine.results import Array
from engine.results.decoding import best_of_each_length
from engine.training.translation import as_targets

BINS = ((3, 6), (7, 10), (11, 14), (15, 18), (19, 22), (23, 26), (27, 30))


@dataclass(frozen=True, eq=False)
class ByLength:
    """Of bins of lengths: the share translated exactly and BLEU (k,), NaN where nothing was translated yet, and counts."""

    bins: tuple[tuple[int, int], ...]
    exact: Array
    bleu: Array
    counts: Array


def by_length(
    bins: Sequence[tuple[int, int]], pairs: Sequence[Sequence[Pair]], said: Sequence[Sequence[Words]]
) -> ByLength:
    """Compare what was said with the references, bin by bin; bins that nothing was said of come last."""
    exact, score = np.full(len(bins), np.nan, np.float32), np.full(len(bins), np.nan, np.float32)
    counts = np.zeros(len(bins), np.int64)
    for k, (truth, found) in enumerate(zip(pairs, said, strict=False)):
        targets = [pair.target for pair in truth[: len(found)]]
        if found:
            exact[k] = np.mean([words == target for words, target in zip(found, targets, strict=True)])
            score[k] = corpus_bleu(found, [[target] for target in targets]).score
            counts[k] = len(found)
    return ByLength(tuple(bins), exact, score, counts)


class Spoken(NamedTuple):
    """One translation: its words, <EOS> last, log P of each (T,), and where each looked (T, Tx), NaN without attention."""

    words: Words
    chances: Array
    alpha: Array


@torch.inference_mode()
def spoken(network: Translator, source: Words, words: Words) -> Spoken:
    """A translation read by a network word by word."""
    targets = as_targets([words])
    logits, alpha = network(*read([source]), targets)
    chances = logits[0].log_softmax(-1).gather(1, targets[0, :, None])[:, 0]
    seen = alpha[0] if network.decoder.attend else torch.full_like(alpha[0], float("nan"))
    return Spoken((*words, "<EOS>"), chances.numpy(), seen.numpy())


Blame = Literal["right", "beam", "model"]


def blame(right: bool, reference: float, found: float) -> Blame:
    """Who is at fault where the translation isn't the reference: beam search if the network finds the reference better.

    ``reference`` and ``found`` are log P(y*|x) and log P(ŷ|x), or both as the search ranks them. A tie is the network's fault.
    """
    if right:
        return "right"
    return "beam" if reference > found else "model"


@dataclass(frozen=True, eq=False)
class Judged:
    """One sentence: the reference and what beam search found, log P of both, what of them is compared, and the blame.

    Lengths are in tokens, <EOS> included.
    """

    source: Words
    reference: Words
    found: Words
    length: int
    found_length: int
    reference_log: float
    found_log: float
    reference_score: float
    found_score: float
    blame: Blame


@dataclass(frozen=True, eq=False)
class Searches:
    """What a translator makes of some sentences: log P of each reference (m,), and what beams of some widths found.

    ``found`` goes from a width to the hypotheses of every sentence: for any length normalisation one of them is its best.
    """

    pairs: tuple[Pair, ...]
    references: tuple[float, ...]
    found: Mapping[int, tuple[tuple[Hypothesis, ...], ...]] = field(default_factory=dict)

    def judged(self, width: int, alpha: float, compared: float) -> list[Judged]:
        """Every sentence as beams of this width translate it, the one with the best log P / T^alpha taken.

        The blame compares log P / T^compared; unless that is what the search ranked by, it may blame wrongly.
        """
        return [
            judged(pair, log, hypotheses, alpha, compared)
            for pair, log, hypotheses in zip(self.pairs, self.references, self.found[width], strict=True)
        ]

    def nearest(self, width: int) -> int:
        """The width nearest to this one of those searched so far."""
        return min(self.found, key=lambda each: (abs(each - width), each))


def judged(pair: Pair, log: float, hypotheses: Sequence[Hypothesis], alpha: float, compared: float) -> Judged:
    """One sentence, of whose hypotheses the best is taken, and who is to blame where it isn't the reference."""
    best, *_ = ranked(
        Hypothesis(h.tokens, h.log_probability, length_normalized(h.log_probability, len(h.tokens), alpha), h.ended)
        for h in hypotheses
    )
    words, length = english(best.tokens), len(pair.target) + 1
    reference, found = (
        length_normalized(value, T, compared) for value, T in ((log, length), (best.log_probability, len(best.tokens)))
    )
    return Judged(
        pair.source,
        pair.target,
        words,
        length,
        len(best.tokens),
        log,
        best.log_probability,
        reference,
        found,
        blame(words == pair.target, reference, found),
    )


@torch.inference_mode()
def searched(network: Translator, pairs: Sequence[Pair], widths: Sequence[int]) -> Iterator[Searches]:
    """What beams of these widths find, one width after another, for a translator without attention.

    Beams of all sentences go on together; such a decoder only needs the last activations, so no others travel with it.
    """
    tokens, lengths = read([pair.source for pair in pairs])
    a, mask = network.encode(tokens, lengths)
    references = tuple(_log_probabilities(network, a, mask, as_targets([pair.target for pair in pairs])))
    end = last(a, mask)[:, None]
    first, state = network.decoder.first(end, torch.ones(end.shape[:2], dtype=torch.bool))
    found: dict[int, tuple[tuple[Hypothesis, ...], ...]] = {}
    for width in widths:
        each = beam_searches(network.decoder.step, first, state, width=width, eos=EOS, longest=LONGEST)
        found = found | {width: tuple(tuple(best_of_each_length(one)) for one in each)}
        yield Searches(tuple(pairs), references, found)


def _log_probabilities(network: Translator, a: Tensor, mask: Tensor, targets: Tensor) -> list[float]:
    """log P of each row of targets (m, Ty)."""
    logits, _ = network.decoder(a, mask, targets)
    chances = logits.log_softmax(-1).gather(2, targets.clamp(min=0)[..., None])[..., 0]
    total: list[float] = chances.masked_fill(targets < 0, 0).sum(1).tolist()
    return total


def shares(searches: Searches, alpha: float, compared: float) -> tuple[Array, Array, Array, Array]:
    """Of every width searched so far: the widths, and the shares of sentences right, the beam's fault and the model's, (k,)."""
    widths = sorted(searches.found)
    rows = [[each.blame for each in searches.judged(width, alpha, compared)] for width in widths]
    counted = [[row.count(kind) / len(row) for kind in ("right", "beam", "model")] for row in rows]
    right, beam, model = np.array(counted, np.float32).T
    return np.array(widths, np.float32), right, beam, model
