"""How wrong a transcript is: the fewest words to change, leave out or put in, and the error rate made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class WordErrors:
    """How what was said became what was heard.

    Attributes:
        pairs: Words said and heard side by side; "" where one of the two has none.
    """

    pairs: tuple[tuple[str, str], ...]

    @property
    def said(self) -> int:
        """How many words were said."""
        return sum(bool(said) for said, _ in self.pairs)

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions together: Levenshtein's distance."""
        return sum(said != heard for said, heard in self.pairs)


def word_errors(said: Sequence[str], heard: Sequence[str]) -> WordErrors:
    """The alignment with the fewest errors, by dynamic programming. Wagner and Fischer 1974.

    Of equally good ones, that which changes words rather than leaving one out and putting another in.
    """
    rows = [list(range(len(heard) + 1))]
    for i, word in enumerate(said, start=1):
        row = [i]
        for j, other in enumerate(heard, start=1):
            row.append(min(rows[-1][j - 1] + (word != other), rows[-1][j] + 1, row[-1] + 1))
        rows.append(row)
    pairs, i, j = list[tuple[str, str]](), len(said), len(heard)
    while i or j:
        if i and j and rows[i][j] == rows[i - 1][j - 1] + (said[i - 1] != heard[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((said[i], heard[j]))
        elif i and rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
            pairs.append((said[i], ""))
        else:
            j -= 1
            pairs.append(("", heard[j]))
    return WordErrors(tuple(reversed(pairs)))


def word_error_rate(all_errors: Sequence[WordErrors]) -> float:
    """Errors of all transcripts over words said in all; above 1 where more is put in than was said."""
    return sum(one.errors for one in all_errors) / max(sum(one.said for one in all_errors), 1)
