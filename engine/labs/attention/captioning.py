"""A sentence for a drawn scene, by a convolutional encoder and a recurrent decoder that looks at it word by word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

from engine.data.captions import Words, draw_told, sentence, told
from engine.data.media import Picture
from engine.data.samples import picture_sample
from engine.figures import captions as figures
from engine.figures.pictures import tile_at
from engine.functional.bleu import bleu, corpus_bleu
from engine.functional.decoding import beam_search
from engine.lab import Event, Frame, Frames, Lab
from engine.models.attending import Decoder
from engine.models.captioner import LONGEST, captioner, look
from engine.params import Params, PictureSource, choice, integer, number, picture
from engine.results import Array
from engine.results.captions import Caption, agreed, caption, captions, lit, measure, squared
from engine.seeding import generator
from engine.training import paced

CHUNK = 20
SCENES, MEASURED = 10, 5  # streams of random numbers: scene i is drawn from the one SCENES + i
DRAWN_ONLY = (
    "The network knows one to three drawn objects of nine kinds before a drawn ground, and has no words for anything else: "
    "of a photograph it can only say what it would say of a scene."
)


class Told(Params):
    """What a person can move."""

    which: int = integer(
        31, low=1, high=1000, hint=(1, 60, 1), label="Scene", help="Which scene to tell; none of them was trained on."
    )
    word: int = integer(
        2, low=1, high=LONGEST + 1, hint=(1, 30, 1), label="Word",
        help="The word whose attention is laid over the picture; or click one of the small pictures.",
    )  # fmt: skip
    width: int = integer(3, low=1, high=20, hint=(1, 10, 1), label="Beam width B", help="Beginnings kept; 1 is greedy.")
    look: Literal["scene", "picture"] = choice(
        "scene", label="Look at", help="A drawn scene, or a picture.", names={"scene": "Scene", "picture": "Picture"}
    )
    picture: PictureSource = picture("shapes", help="A sample or your own; its middle square is looked at.")
    power: float = number(
        0.7, low=0.0, high=2.0, hint=(0.0, 1.5, 0.05), label="Length normalisation α",
        help="The beam ranks sentences by log P / T^α.", more=True,
    )  # fmt: skip
    scenes: int = integer(
        120, low=20, high=1000, hint=(20, 400, 20), label="Held-out scenes", help="How many are told and compared.", more=True
    )  # fmt: skip


def run(params: Told) -> Frames:
    """Scenes that training never saw, told by greedy search and compared; the one picture is told by :func:`view`."""
    for done, found in paced(_measured(params)):
        exact, score = found.exact(), found.bleu()
        yield Frame(
            figures={"Held out": figures.held_out(found)},
            says=f"Of {done} held-out scenes {exact:.1%} are told exactly as the reference, and BLEU is {score:.3f}.",
            metrics={"Held out, exact": f"{exact:.1%} of {done}", "Held out, BLEU": f"{score:.3f}"},
            progress=done / params.scenes,
        )


def _measured(params: Told) -> Any:
    random, found, done = generator(params.seed, MEASURED), None, 0
    while done < params.scenes:
        count = min(4 if not done else CHUNK, params.scenes - done)
        found, done = measure(captioner(), count, random, found), done + count
        yield done, found


class Seen(NamedTuple):
    """A picture to tell: its levels (h, w, 3), the same as the network takes it, and what can be said of it, if known."""

    pixels: Array
    values: torch.Tensor
    references: list[Words]


def looked_at(params: Told) -> Seen:
    """The scene that the person chose, or the picture."""
    if params.look == "picture":
        own = params.picture if isinstance(params.picture, Picture) else picture_sample(params.picture)
        values, references = squared(own.pixels), list[Words]()
    else:
        scenes = draw_told(1, generator(params.seed, SCENES + params.which), held_out=True)
        values, references = scenes.pictures, told(scenes)[0]
    return Seen((values[0].permute(1, 2, 0) * 255).round().byte().numpy(), values, references)


def view(params: Told, frame: Frame) -> Frame:
    """The picture told by greedy search and by the beam, and where the network looked for every word."""
    picture, network = looked_at(params), captioner()
    seen = look(picture.values)
    plain, best = captions(network, seen, params.width, params.power)
    at = min(params.word, len(best.words)) - 1
    taught = picture.references[0] if picture.references else None
    weights = best.alpha[at]
    rows = {f"Beam, B = {params.width}": best, "Greedy": plain}
    rows |= {
        name: caption(network, seen, words, params.power)
        for name, words in zip(("Reference, left to right", "Reference, top down"), picture.references, strict=False)
    }
    score = f"{bleu(best.words[:-1], [taught]).score:.3f}" if taught else "no reference"
    share = float(weights.max())
    return replace(
        frame,
        figures={
            "Picture": figures.looked_at(picture.pixels, weights, shown(best, at)),
            "Words": figures.words(best, agreed(best.words, taught), at),
            "Where it looks": figures.looks(best, lit(picture.pixels, best.alpha), at),
        },
        says=f"It says: “{sentence(best.words[:-1])}” Before “{shown(best, at)}” its strongest weight is {share:.2f} on one of "
        f"64 cells. {frame.says}",
        metrics={"BLEU": score, "log P": f"{best.log_probability:.2f}".replace("-", "−"), **frame.metrics},
        tables={"Captions": table(rows, picture.references)},
        note=DRAWN_ONLY if params.look == "picture" else "",
    )


def shown(told: Caption, at: int) -> str:
    """A word of a caption by name."""
    return told.words[at].replace("<EOS>", "end")


def table(rows: dict[str, Caption], references: list[Words]) -> dict[str, list[Any]]:
    """Captions and references below each other: what the network finds of each, and BLEU against the references."""
    said = [row.words[:-1] for row in rows.values()]
    columns: dict[str, list[Any]] = {
        "By": list(rows),
        "Sentence": [sentence(words) for words in said],
        "log P": [f"{row.log_probability:.2f}".replace("-", "−") for row in rows.values()],
        "log P / T^α": [f"{row.score:.3f}".replace("-", "−") for row in rows.values()],
    }
    if references:
        columns["BLEU, first reference"] = [f"{bleu(words, references[:1]).score:.3f}" for words in said]
        columns["BLEU, both"] = [f"{bleu(words, references).score:.3f}" for words in said]
        columns["Exact"] = ["yes" if words == references[0] else "no" for words in said]
    return columns


def respond(params: Told, event: Event) -> dict[str, Any]:
    """A click on one of the small pictures chooses its word."""
    if event.kind != "click" or event.figure != "Where it looks" or not np.isfinite([event.x, event.y]).all():
        return {}
    at = tile_at(event.x, event.y, LONGEST + 1, figures.ACROSS)
    return {} if at is None else {"word": at + 1}


LAB = Lab(
    slug="captioning",
    summary="A convolutional network sees a drawn scene, and a recurrent one tells it, looking elsewhere for every word.",
    params=Told,
    run=run,
    look_for=(
        "Move along the words: before a colour or a kind the network looks at the object that it is about to name, from left "
        "to right as it was taught. A word in vermilion isn't the reference's, though often only a close call: point at its "
        "bar for what else it might have said. The table holds a second reference, as true as the first but in another "
        "order. What does that do to BLEU, and how likely does the network find it?"
    ),
    maths=(
        r"$$a = \text{CNN}(x) \in \mathbb{R}^{64 \times n_a}, \qquad "
        r"\alpha^{\langle t, t' \rangle} = \frac{\exp e^{\langle t, t' \rangle}}{\sum_{t''} \exp e^{\langle t, t'' \rangle}}, "
        r"\qquad e^{\langle t, t' \rangle} = v^\top \tanh\big(W_s s^{\langle t-1 \rangle} + W_a a^{\langle t' \rangle}\big)$$"
        "\n\n"
        r"$$c^{\langle t \rangle} = \sum_{t'} \alpha^{\langle t, t' \rangle} a^{\langle t' \rangle}, \qquad "
        r"P(y \mid x) = \prod_t P(y^{\langle t \rangle} \mid x, y^{\langle 1 \rangle}, \dots, y^{\langle t-1 \rangle})$$"
        "\n\n"
        "The encoder is the bundled detector without its head, as the course takes AlexNet without its softmax; $t'$ counts "
        "the 8 x 8 cells of its grid. Exact means word by word as the first reference; BLEU of the set sums n-grams over all "
        "scenes."
    ),
    code=(look, Decoder, captions, beam_search, corpus_bleu),
    presets={
        "Where is it?": {"word": 6},
        "A close call": {"which": 15, "word": 9},
        "Muddled": {"which": 3, "word": 2},
        "Greedy, one object": {"which": 7, "width": 1},
        "A photograph": {"look": "picture", "picture": "photo-flower"},
    },
    trains=True,
    rows=(("Picture", "Where it looks"), ("Words",), ("Held out",)),
    listens=("click",),
    respond=respond,
    views=("which", "word", "width", "look", "picture", "power"),
    view=view,
)
