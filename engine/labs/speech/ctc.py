"""CTC: a path collapses to a word, and the loss of a word sums over every path that spells it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.figures import ctc as figures
from engine.functional import ctc
from engine.functional.decoding import ctc_collapse
from engine.lab import Event, Frame, Frames, Lab
from engine.params import Params, integer, number, text
from engine.results.cells import labels
from engine.results.ctc import Trellis, collapsed, counts, likeliest, trellis
from engine.seeding import generator

BLANK, SPACE = "_", "<SPC>"
MOST_FRAMES, MOST_TYPED, LONGEST_WORD = 24, 32, 8
MOST_LISTED, LIKELIEST = 500, 10
WIDTH, BLANK_LOGIT, NOISE, RATE = 0.3, 0.5, 0.3, 1.0


class Ctc(Params):
    """What a person can move."""

    frames: int = integer(8, low=1, high=MOST_FRAMES, label="Frames T", help="How many outputs the network gives.")
    path: str = text(
        "_tth__ee",
        longest=80,
        label="A path",
        help=f"One symbol a frame, at most {MOST_TYPED} of them: _ is the blank; a space may be written {SPACE}.",
    )
    word: str = text("the", longest=LONGEST_WORD, label="Word", help="What was said. The blank _ is no part of a word.")
    certainty: float = number(
        3.0,
        low=0.0,
        high=10.0,
        hint=(0.0, 8.0, 0.1),
        label="Certainty",
        help="How clearly the network hears the word: at 0 every symbol is as likely as any other.",
    )
    updates: int = integer(
        0,
        low=0,
        high=200,
        hint=(0, 100, 1),
        label="Updates",
        help=f"Steps of gradient descent on the logits themselves, at rate {RATE:g}: what this loss teaches.",
    )
    step: int = integer(
        4,
        low=1,
        high=MOST_FRAMES,
        label="Frame t",
        help="How far the way forward has come; beyond the last is the last.",
    )


class Heard(NamedTuple):
    """A word, the network's symbols with the blank first, the word as indices, and ln y (T, K) of every frame."""

    word: str
    symbols: list[str]
    target: list[int]
    log_probs: Tensor


def outputs(params: Ctc, target: Sequence[int], symbols: int) -> Tensor:
    """Logits z (T, K): every symbol of the word swells around its share of the time, and the blank waits in between."""
    time = (torch.arange(params.frames, dtype=torch.float64) + 0.5) / params.frames
    z = NOISE * torch.randn(params.frames, symbols, generator=generator(params.seed)).double()
    z[:, 0] += BLANK_LOGIT
    for i, symbol in enumerate(target):
        z[:, symbol] += torch.exp(-(((time * len(target) - i - 0.5) / WIDTH) ** 2) / 2)
    return params.certainty * z


def learned(z: Tensor, target: Sequence[int], updates: int) -> Tensor:
    """The logits (T, K) after so many steps against the gradient of PyTorch's CTC loss."""
    if not target or not ctc.count_alignments(target, len(z)):
        return z
    word, sizes = torch.tensor(target), (torch.tensor(len(z)), torch.tensor(len(target)))
    for _ in range(updates):
        z.requires_grad_()
        loss = F.ctc_loss(F.log_softmax(z, -1), word, *sizes, reduction="sum")
        z = z.detach() - RATE * torch.autograd.grad(loss, z)[0]
    return z.detach()


def hear(params: Ctc) -> Heard:
    """The word as symbols, and what the network makes of it."""
    word = spaced(params.word).replace(BLANK, "")
    symbols = [BLANK, *dict.fromkeys(word)]
    target = [symbols.index(letter) for letter in word]
    z = learned(outputs(params, target, len(symbols)), target, params.updates)
    return Heard(word, symbols, target, F.log_softmax(z, -1))


def spaced(written: str) -> str:
    """What a person typed, with the signs for a space read as one."""
    return written.replace(SPACE, " ").replace("␣", " ")


def indices(path: str) -> list[int]:
    """A path as numbers, the blank 0."""
    return [0 if symbol == BLANK else ord(symbol) + 1 for symbol in path]


def spelled(path: str) -> str:
    """What a path spells: repeats merged, then blanks dropped."""
    return "".join(chr(i - 1) for i in ctc_collapse(indices(path), 0))


def run(params: Ctc) -> Frames:
    """One frame a frame: α up to it, β from it on."""
    found, path = hear(params), spaced(params.path)[:MOST_TYPED]
    counts_for = len(path) == params.frames and spelled(path) == found.word
    names = labels(found.symbols)
    given = (names, found.log_probs, found.target)
    result = trellis(*given, ctc.path_states(indices(path)) if counts_for else ())
    best = likeliest(*given, LIKELIEST)
    fixed: dict[str, Any] = {
        "Typed path": figures.collapsed(collapsed(labels(path), indices(path))),
        "Alignments by frames": figures.counts(
            counts(found.target, len(names), MOST_FRAMES, MOST_LISTED), params.frames
        ),
    }
    if len(best.share):
        fixed["Likeliest alignments"] = figures.likeliest(best)
    numbers, tables = metrics(found, path, result.total), listing(found)
    for t in range(1, params.frames + 1):
        yield Frame(
            figures={
                "Outputs y": figures.outputs(result, t),
                "Posterior γ": figures.posterior(result, t),
                "Gradient y − γ": figures.gradient(result, t),
                "Forward α": figures.trellis(result, t, forward=True),
                "Backward β": figures.trellis(result, t, forward=False),
                **fixed,
            },
            says=f"{verdict(params, found, path)} {at_frame(result, found.word, t)}",
            note=remarks(params, path),
            metrics=numbers,
            tables=tables,
            progress=t / params.frames,
        )


def listing(found: Heard) -> dict[str, dict[str, list[Any]]]:
    """A table of all alignments, the likeliest first, where they are few enough to read."""
    T, count = len(found.log_probs), ctc.count_alignments(found.target, len(found.log_probs))
    if not 0 < count <= MOST_LISTED:
        return {}
    paths = torch.tensor(list(ctc.alignments(found.target, T)))
    chance, order = found.log_probs[torch.arange(T), paths].sum(1).exp().sort(descending=True, stable=True)
    written = ["".join(found.symbols[k] for k in way).replace(" ", "␣") for way in paths[order].tolist()]
    return {f"All {count:,} alignments": {"Path": written, "P(path | x)": [f"{p:.3g}" for p in chance.tolist()]}}


def metrics(found: Heard, path: str, total: float) -> dict[str, str]:
    """The typed path's word, and the word's probability, loss and alignments."""
    count = ctc.count_alignments(found.target, len(found.log_probs))
    return {
        "Typed path spells": quoted(spelled(path)),
        f"P({quoted(found.word)} | x)": f"{total:.3g}",
        "Loss J = −ln P": f"{-math.log(total):.3f}" if total else "∞",
        f"Paths that spell {quoted(found.word)}": f"{count:,}",
    }


def verdict(params: Ctc, found: Heard, path: str) -> str:
    """Whether the typed path counts for the word, and how much."""
    made = f"The path {path.replace(' ', '␣') or 'of no frames'} collapses to {quoted(spelled(path))}"
    if spelled(path) != found.word:
        return f"{made}, so it doesn't count for {quoted(found.word)}."
    if len(path) != params.frames:
        return f"{made}, but it has {len(path)} frames, not T = {params.frames}."
    chance = sum(float(y[found.symbols.index(symbol)]) for y, symbol in zip(found.log_probs, path, strict=True))
    return f"{made} and adds its probability, {math.exp(chance):.3g}, to that of {quoted(found.word)}."


def at_frame(result: Trellis, word: str, t: int) -> str:
    """How α of the likeliest state comes about at frame t, from 1, and what α and β add up to there."""
    if not result.total:
        return f"No path of {len(result.y)} frames spells {quoted(word)}: J is infinite."
    s = int((result.alpha[t - 1] * result.beta[t - 1]).argmax())
    here = f"α of its likeliest state, {s + 1} from the top,"
    y = result.y[t - 1][result.stands[s]]
    skips = s > 1 and result.stands[s] not in (0, result.stands[s - 2])
    ways = [f"{result.alpha[t - 2][i]:.2g}" for i in range(max(0, s - 1 - skips), s + 1)] if t > 1 else ["1"]
    return (
        f"At frame {t}, {here} is ({' + '.join(ways)}) · {y:.2g} = {result.alpha[t - 1][s]:.2g}; "
        f"Σ α β over the states is {result.total:.3g}, as at every frame."
    )


def remarks(params: Ctc, path: str) -> str:
    """What of the typed text was not taken as it stands."""
    said = {
        f"Only the first {MOST_TYPED} symbols of the path are read.": len(spaced(params.path)) > MOST_TYPED,
        "The blank is no part of a word and was left out.": BLANK in params.word,
        "Two spaces with a blank between them both stay: read as words, they are one gap.": "  " in spelled(path),
    }
    return " ".join(sentence for sentence, holds in said.items() if holds)


def quoted(said: str) -> str:
    """A word with its spaces seen."""
    return f"“{said.replace(' ', '␣')}”" if said else "nothing"


def respond(params: Ctc, event: Event) -> Mapping[str, Any]:
    """A click on a frame goes there."""
    known = event.figure in ("Outputs y", "Posterior γ", "Gradient y − γ", "Forward α", "Backward β")
    if not known or not math.isfinite(event.x):
        return {}
    return {"step": min(max(round(event.x), 1), params.frames)}


LAB = Lab(
    slug="ctc",
    summary="Type a path and see the word it collapses to; add up all paths that spell a word, and where its letters lie.",
    params=Ctc,
    run=run,
    look_for=(
        "A path has one symbol a frame; merging repeats and dropping blanks leaves a word, so a double letter needs a blank "
        "between. The loss adds up every path that spells the word, frame by frame, without listing them, and Σ α β is the "
        "same at every frame. Turn up the updates: the posterior turns into spikes with blanks between. At certainty 0, why "
        "is P(word) the number of alignments over the number of paths?"
    ),
    maths=(
        r"$$P(\pi \mid x) = \prod_{t=1}^{T} y_{\pi_t}^{\langle t \rangle}, \qquad "
        r"P(\text{word} \mid x) = \sum_{\pi:\ \mathcal{B}(\pi) = \text{word}} P(\pi \mid x), \qquad "
        r"J = -\ln P(\text{word} \mid x)$$"
        "\n\n"
        r"$$\alpha_t(s) = y_{l_s}^{\langle t \rangle} \big(\alpha_{t-1}(s) + \alpha_{t-1}(s-1) + "
        r"[\,l_s \ne \text{blank},\ l_s \ne l_{s-2}\,]\ \alpha_{t-1}(s-2)\big), \qquad "
        r"\sum_s \alpha_t(s)\, \beta_t(s) = P(\text{word} \mid x)$$"
        "\n\n"
        r"$$\gamma_k^{\langle t \rangle} = \frac{1}{P} \sum_{s:\ l_s = k} \alpha_t(s)\, \beta_t(s), \qquad "
        r"\frac{\partial J}{\partial z_k^{\langle t \rangle}} = y_k^{\langle t \rangle} - \gamma_k^{\langle t \rangle}, \qquad "
        r"\text{alignments} = \binom{T + L - r}{2L}$$"
        "\n\n"
        r"$\mathcal{B}$ collapses a path, $l$ is the word of $L$ letters with blanks around each, $r$ of them repeat the one "
        r"before."
    ),
    code=(ctc_collapse, ctc.forward, ctc.backward, ctc.ctc_loss, ctc.symbol_posteriors, ctc.alignments),
    presets={
        "The notes' line": {"path": "ttt_h_eee___ ___qqq__", "word": "the q", "frames": 21, "step": 12},
        "Double letter": {"path": "zz_oo_oo", "word": "zoo"},
        "Forgotten blank": {"path": "zz__oooo", "word": "zoo"},
        "No idea": {"certainty": 0.0},
        "After 100 updates": {"updates": 100},
        "Too few frames": {"path": "zoo", "word": "zoo", "frames": 3},
    },
    rows=(
        ("Typed path",),
        ("Outputs y", "Posterior γ"),
        ("Forward α", "Backward β"),
        ("Gradient y − γ", "Likeliest alignments"),
        ("Alignments by frames",),
    ),
    listens=("click",),
    respond=respond,
    opens=lambda params: min(params.step, params.frames) - 1,
)
