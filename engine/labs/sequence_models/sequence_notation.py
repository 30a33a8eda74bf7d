"""From text to numbers: tokens, a vocabulary, indices, one-hot vectors, and what becomes of an unknown word."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from engine.data import corpora
from engine.data.passages import Passage
from engine.errors import BadInput
from engine.figures import language as figures
from engine.functional.language import EOS, Level, build_vocabulary, join, one_hot, tokenize
from engine.lab import Frame, Frames, Lab
from engine.params import Params, TextSource, choice, integer, passage, text, toggle
from engine.results.language import Tokens, coverage, one_hot_rows

LONGEST = 300
COLUMNS = 8
ACROSS = {"words": 6, "characters": 10}


class Notation(Params):
    """What a person can move."""

    typed: str = text(
        "The baker found a ripe mango, and 3 penguins!",
        longest=LONGEST,
        label="Text x",
        help="What is turned into vectors.",
    )
    level: Literal["words", "characters"] = choice(
        "words", label="Tokens", help="Words and marks in lower case, or single characters.",
        names={"words": "Words", "characters": "Characters"},
    )  # fmt: skip
    size: int = integer(
        200,
        low=1,
        high=50_000,
        hint=(1, 500, 1),
        label="Vocabulary size",
        help="How many of the most frequent tokens are known.",
    )
    position: int = integer(
        1,
        low=1,
        high=LONGEST + 1,
        hint=(1, 30, 1),
        label="Position t",
        help="Which x⟨t⟩ is framed; beyond the last is the last.",
    )
    source: TextSource = passage(
        "sentences", sets=corpora.TEXTS, label="Vocabulary from", help="The text whose tokens are counted."
    )
    end: bool = toggle(True, label="Add <EOS>", help="Whether the sequence ends with a token that says so.")


@lru_cache(maxsize=4)
def counted(source: str | Passage, level: Level) -> tuple[str, ...]:
    """All tokens of the text that the vocabulary is built from, line ends left out."""
    return tuple(token for line in corpora.read(source).splitlines() for token in tokenize(line, level))


def run(params: Notation) -> Frames:
    """One frame: the tokens, the vectors around the position, and how much a vocabulary of this size knows."""
    pool = counted(params.source, params.level)
    vocabulary = build_vocabulary(pool, params.size)
    typed = tokenize(params.typed, params.level)
    if not typed and not params.end:
        raise BadInput(f"The text must hold at least one token, got {params.typed!r}.")
    indices = vocabulary.encode(typed) + [vocabulary.eos] * params.end
    typed += [EOS] * params.end
    back = vocabulary.decode(indices)
    at = min(params.position, len(indices)) - 1
    first = max(0, min(at - COLUMNS // 2, len(indices) - COLUMNS))
    window = slice(first, first + COLUMNS)
    vectors = one_hot(indices[window], len(vocabulary))
    unknown, known = indices.count(vocabulary.unk), coverage(pool, params.size)
    result = Tokens(tuple(typed), tuple(indices), tuple(back), vocabulary.eos, vocabulary.unk)
    whole = "the same" if back == typed else f"{unknown} lost to <UNK>"
    yield Frame(
        figures={
            "Tokens": figures.tokens(result, at, ACROSS[params.level]),
            "One-hot vectors": figures.one_hot(one_hot_rows(vectors, vocabulary, typed[window], first), at),
            "How much is known": figures.coverage(known),
        },
        says=(
            f"The text has {len(indices)} tokens, {unknown} of them unknown; x⟨{at + 1}⟩ is {typed[at]!r}, a vector of "
            f"{len(vocabulary):,} numbers whose one is at index {indices[at]:,}."
        ),
        note=f"Read back from the indices: {join(back, params.level)}",
        metrics={
            "Length Tₓ": f"{len(indices)}",
            "Vector length |V|": f"{len(vocabulary):,}",
            "Unknown": f"{unknown}",
            "Round trip": whole,
        },
        tables={
            "Round trip": {"t": list(range(1, len(indices) + 1)), "token": typed, "index": indices, "read back": back},
        },
    )


LAB = Lab(
    slug="sequence-notation",
    summary="Type a text and see it become tokens, indices and one-hot vectors, and what a small vocabulary loses.",
    params=Notation,
    run=run,
    look_for=(
        "Every token is one column with a single 1, so any two different words are equally far apart: nothing in the vectors "
        "says that a mango is a fruit. Shrink the vocabulary and word after word turns into <UNK>, which can't be read back; "
        "with characters a hundred indices know nearly every text, but the sequence is much longer. How large must the "
        "vocabulary be for your own text to survive the round trip?"
    ),
    maths=(
        r"$$x = (x^{\langle 1 \rangle}, \dots, x^{\langle T_x \rangle}), \qquad x^{\langle t \rangle} \in \{0, 1\}^{|V|}, "
        r"\qquad x^{\langle t \rangle}_i = 1 \iff \text{token } t \text{ has index } i$$"
        "\n\n"
        r"The vocabulary is sorted and ends with $\langle EOS \rangle$ and $\langle UNK \rangle$; counting begins at 0, in the "
        r"course at 1. Of training example $i$, element $t$ is $x^{(i)\langle t \rangle}$ and the length is $T_x^{(i)}$. For "
        r"$u \ne v$: $u^\top v = 0$ and $\|u - v\| = \sqrt 2$."
    ),
    code=(tokenize, build_vocabulary, one_hot),
    presets={
        "Characters": {"level": "characters", "size": 60},
        "Tiny vocabulary": {"size": 20},
        "Every word of the corpus": {"size": 2000, "typed": "The apple and pear salad was fresh."},
        "Emoji and two scripts": {"typed": "سلام 你好 👩‍👩‍👧 café", "level": "characters", "position": 3},
        "A new dinosaur": {"source": "dinosaurs", "level": "characters", "size": 30, "typed": "Xylodontops"},
    },
    rows=(("Tokens",), ("One-hot vectors", "How much is known")),
)
