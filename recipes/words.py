"""Train the bundled word vectors: `python -m recipes.words` rewrites assets/weights/word-vectors.*.

Skip-gram with negative sampling (Mikolov and others 2013) on sentences of the wider grammar of engine/data/tagged.py, which
carry no tags but hold every word, also those that the tagged training sentences never show.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, normalize

from engine.data.tagged import CITIES, FIRMS, FIRST, UNKNOWN, held_out, untagged, vocabulary
from engine.models.bundled import Card, write
from engine.seeding import generator

SEED, SENTENCES = 0, 40_000
SIZE, WINDOW, NEGATIVES = 32, 2, 5
BATCH, EPOCHS, RATE = 4096, 3, 0.02


def pairs(sentences: list[tuple[str, ...]], rows: dict[str, int]) -> Tensor:
    """Every word with each word at most ``WINDOW`` places from it, (n, 2)."""
    found = []
    for words in sentences:
        at = [rows[word] for word in words]
        for i, centre in enumerate(at):
            found += [(centre, other) for j, other in enumerate(at) if i != j and abs(i - j) <= WINDOW]
    return torch.tensor(found)


def train(found: Tensor, words: int) -> Tensor:
    """Word vectors (words, SIZE), centred and each of length 1 on the average."""
    random = generator(SEED, 1)
    inner = (torch.rand(words, SIZE, generator=random) - 0.5) / SIZE
    tables = [inner.requires_grad_(), torch.zeros(words, SIZE, requires_grad=True)]
    frequency = torch.bincount(found[:, 1], minlength=words).float() ** 0.75
    optimizer = torch.optim.Adam(tables, RATE)
    for epoch in range(EPOCHS):
        total = 0.0
        for chosen in torch.randperm(len(found), generator=random).split(BATCH):
            centre, other = found[chosen].unbind(1)
            wrong = torch.multinomial(frequency, len(chosen) * NEGATIVES, True, generator=random).view(-1, NEGATIVES)
            e = tables[0][centre]
            right = (e * tables[1][other]).sum(1)
            against = (tables[1][wrong] @ e[:, :, None]).squeeze(2)
            loss = -(logsigmoid(right) + logsigmoid(-against).sum(1)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(chosen)
        print(f"epoch {epoch + 1}: {total / len(found):.4f}", flush=True)
    vectors = tables[0].detach()
    vectors = vectors - vectors.mean(0)
    vectors /= vectors.norm(dim=1).mean()
    vectors[0] = 0  # no sentence holds the sign for an unknown word
    return vectors


def neighbours(vectors: Tensor, rows: dict[str, int]) -> float:
    """The share of held-out first names, cities and firms whose nearest word that isn't held out is of their own list."""
    held, even = held_out(), normalize(vectors)
    free = torch.tensor([word in held or word == UNKNOWN for word in rows])
    right: list[bool] = []
    for names in (FIRST, CITIES, FIRMS):
        for name in held.intersection(names):
            near = (even @ even[rows[name]]).masked_fill(free, -2).argmax()
            right.append(tuple(rows)[int(near)] in names)
    return sum(right) / len(right)


def main() -> None:
    """Train, measure, write."""
    rows = {word: row for row, word in enumerate(vocabulary())}
    sentences = untagged(SENTENCES, generator(SEED))
    vectors = train(pairs(sentences, rows), len(rows))
    share = neighbours(vectors, rows)
    print(f"{len(rows)} words, {share:.1%} of nearest words of the same kind")
    card = Card(
        name="word-vectors",
        title="Atlas words",
        recipe="recipes/words.py",
        data=f"{SENTENCES:,} sentences without tags, drawn by the wider grammar of engine/data/tagged.py.",
        seed=SEED,
        metric=f"Of the first names, cities and firms held out from the tagged sentences, {share:.1%} have a word of their "
        "own kind as nearest among those that aren't.",
        limits=f"Knows the {len(rows) - 1} words of that grammar and no others; row 0 stands for all of them.",
        licence="CC0-1.0",
        sha256="",
        labels=tuple(rows),
    )
    write(card, {"vectors": vectors})


if __name__ == "__main__":
    main()
