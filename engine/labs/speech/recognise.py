"""Spoken digits to text: a small recurrent network, CTC, and a search that a language model may lead."""

from __future__ import annotations

import csv
import io
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from engine.data.recordings import Recordings
from engine.data.utterances import clips
from engine.data.voices import DIGITS, RATE
from engine.figures import spoken as figures
from engine.figures.confusion import confusion
from engine.functional.decoding import Labelling, PrefixSearch, ctc_beam, ctc_greedy
from engine.functional.ngrams import Ngrams
from engine.functional.word_errors import WordErrors, word_error_rate, word_errors
from engine.lab import Frame, Frames, Lab
from engine.labs.speech._hearing import at_8_khz, chosen, remarks
from engine.models import recogniser as model
from engine.params import Params, RecordingsSource, SoundSource, integer, number, recordings, sound, text
from engine.results.spoken import Posteriors, Reading, heard_as

BETWEEN_SECONDS = 0.5
LISTED = 100
COLUMNS = ("recording", "said", "heard")
UNSURE = 0.5
NUMERALS = {str(i): digit for i, digit in enumerate(DIGITS)}


class Recognise(Params):
    """What a person can move."""

    sound: SoundSource = sound("spoken-digits", help="Say digits: a sample, an upload, or the microphone.")
    width: int = integer(
        8,
        low=1,
        high=64,
        hint=(1, 32, 1),
        label="Beam width B",
        help="How many beginnings the search keeps; 1 keeps one.",
    )
    expected: str = text(
        "", longest=400, label="Expected numbers",
        help="Numbers likely to be said, such as 112 911: the language model counts their digits. Empty, all are alike.",
    )  # fmt: skip
    weight: float = number(
        0.5, low=0.0, high=5.0, hint=(0.0, 2.0, 0.05), label="Weight of the language model",
        help="How much its log-probability counts beside that of the sound.",
    )  # fmt: skip
    clips: RecordingsSource = recordings(
        "made", sets={"made": "Made: ten digits in new voices"}, label="Recordings to be tested on",
        help="Sounds named after what is said, such as 7_me.wav or 3-1-4_x.wav, side by side or in a zip.",
    )  # fmt: skip


Scorer = Callable[[tuple[int, ...]], Tensor]


def language_model(expected: str) -> Scorer:
    """From labels so far, 1 for zero, to log-probabilities (11,) of the next; the blank, never asked for, is 0."""
    numbers = [[int(digit) for digit in number] for number in re.findall(r"[0-9]+", expected)]
    counted = Ngrams(numbers, len(DIGITS))

    def scored(before: tuple[int, ...]) -> Tensor:
        return torch.cat([torch.zeros(1), counted.next([label - 1 for label in before]).log()])

    return scored


def decoded(log_probabilities: Tensor, params: Recognise, language: Scorer) -> list[Labelling]:
    """The best transcripts of the frames."""
    return ctc_beam(log_probabilities, params.width, language_model=language, weight=params.weight)


def spelled(labels: Sequence[int]) -> str:
    """Labels as words."""
    return " ".join(model.SYMBOLS[label] for label in labels)


def listened(log_probabilities: Tensor) -> Posteriors:
    """What the figures draw, with the middle of each stretch of frames that spells a word."""
    best = log_probabilities.argmax(-1).tolist()
    words, first = list[tuple[str, float]](), 0
    start = -model.MARGIN / RATE
    for t, label in enumerate(best):
        if t + 1 == len(best) or best[t + 1] != label:
            if label:
                words.append((model.SYMBOLS[label], start + (first + t + 1) / 2 * model.FRAME_SECONDS))
            first = t + 1
    return Posteriors(model.SYMBOLS, log_probabilities.exp().numpy(), start, model.FRAME_SECONDS, tuple(words))


def run(params: Recognise) -> Frames:
    """The recording at once, then the test set, clip by clip."""
    language = language_model(params.expected)
    frame = recognised(params, language)
    yield frame
    errors, heard, last = list[WordErrors](), list[tuple[str, str, str]](), time.monotonic()
    tests = list(tested(params))
    for k, (name, said, samples) in enumerate(tests, start=1):
        best = decoded(model.log_probabilities(samples), params, language)
        words = spelled(best[0].labels)
        errors.append(word_errors(said.split(), words.split()))
        heard.append((name, said, words))
        if k == len(tests) or time.monotonic() - last > BETWEEN_SECONDS:
            yield judged(frame, errors, heard, k / len(tests))
            last = time.monotonic()


def recognised(params: Recognise, language: Scorer) -> Frame:
    """What is said in the recording."""
    sound = chosen(params.sound)
    samples = torch.from_numpy(at_8_khz(sound))
    log_probabilities = model.log_probabilities(samples)
    found, result = decoded(log_probabilities, params, language), listened(log_probabilities)
    best = found[0]
    words, by_greed = spelled(best.labels), spelled(ctc_greedy(log_probabilities))
    sure = math.exp(best.log_probability)
    numerals = "".join(str(label - 1) for label in best.labels)
    says = f"Heard in {sound.name}: {words}." if words else f"No digit is heard in {sound.name}."
    says += f" Greedy decoding reads {by_greed or 'nothing'}."
    shown = [
        Reading(spelled(one.labels), one.log_probability, one.score - one.log_probability, one.score) for one in found
    ]
    top = model.levels(samples[None])[0].numpy()
    return Frame(
        figures={
            "What the network hears": figures.heard(top, result, model.HOP / RATE, model.HIGHEST),
            "Posteriors": figures.posteriors(result),
            "Readings": figures.readings(shown),
        },
        says=says,
        metrics={"Heard": numerals or "nothing", "Probability of its sound": f"{sure:.1%}"},
        note=remarks(sound) or doubts(sure, bool(words)),
        sounds={"Sound": sound},
        progress=0.0,
    )


def doubts(sure: float, spoken: bool) -> str:
    """What a person should know before trusting the answer."""
    if spoken and sure < UNSURE:
        return "The network isn't sure: it knows nothing but digits, and takes other words, noise and music for some."
    return ""


def tested(params: Recognise) -> Iterator[tuple[str, str, Tensor]]:
    """Name, transcript and samples of each clip: those of made voices, or the person's own."""
    if isinstance(params.clips, Recordings):
        for sound, said in zip(params.clips.sounds, params.clips.transcripts, strict=True):
            yield (
                sound.name,
                " ".join(NUMERALS.get(word, word.lower()) for word in split(said)),
                torch.from_numpy(at_8_khz(sound)),
            )
        return
    for clip in clips(held_out=True):
        if clip.word in DIGITS:
            yield f"{clip.word}, {clip.voice}", clip.word, torch.tensor(clip.samples)


def split(said: str) -> list[str]:
    """Words, and numerals digit by digit: "31 four" is "3", "1", "four"."""
    return re.findall(r"[0-9]|[^\W\d_]+", said)


def judged(frame: Frame, errors: list[WordErrors], heard: list[tuple[str, str, str]], done: float) -> Frame:
    """The frame of the recording with the error rate on all clips so far."""
    rate, counts = word_error_rate(errors), heard_as(DIGITS, errors)
    wrong = sorted(heard, key=lambda row: row[1] == row[2])
    columns = list(zip(*wrong[:LISTED], strict=True))
    total = sum(one.errors for one in errors), sum(one.said for one in errors)
    return Frame(
        figures={**frame.figures, "Said and heard": confusion(counts)},
        says=f"{frame.says} On {len(errors)} test recordings {total[0]} of {total[1]} words are wrong, "
        f"an error rate of {rate:.1%}.",
        metrics={**frame.metrics, "Word error rate": f"{rate:.1%}", "Test recordings": f"{len(errors)}"},
        tables={"Test recordings, wrong ones first": dict(zip(COLUMNS, map(list, columns), strict=True))},
        files={"heard.csv": in_rows(heard)},
        note=frame.note,
        sounds=frame.sounds,
        progress=done,
    )


def in_rows(heard: list[tuple[str, str, str]]) -> bytes:
    """Recording, said and heard as CSV."""
    file = io.StringIO()
    csv.writer(file).writerows([COLUMNS, *heard])
    return file.getvalue().encode()


LAB = Lab(
    slug="recognise",
    summary="Say digits: a small network hears them frame by frame, and a search reads the word sequence.",
    params=Recognise,
    run=run,
    trains=True,
    look_for=(
        "For most frames the network is sure of the blank, and sure of a digit for a frame or two of its own. Type numbers "
        "that you expect and raise the weight: the language model can turn one digit into another where the sound leaves a "
        "doubt. The network learned from a synthesizer only, so made voices are easy and yours is the test: which digits does "
        "it take for others when you say them?"
    ),
    maths=(
        r"$$\hat{\mathbf{y}} = \arg\max_{\mathbf{y}}\ \log \sum_{\pi:\, B(\pi) = \mathbf{y}} \prod_{t=1}^{T} "
        r"P(\pi^{\langle t \rangle} \mid \mathbf{x}) + \lambda \log P(\mathbf{y})$$"
        "\n\n"
        r"$$\text{WER} = \frac{\text{substitutions} + \text{deletions} + \text{insertions}}{\text{words said}}$$"
    ),
    code=(ctc_beam, PrefixSearch, ctc_greedy, word_errors, Ngrams, model.levels, model.Recogniser),
    presets={
        "Greedy": {"width": 1, "weight": 0.0},
        "A number is expected": {"expected": "31415 2718 1618", "weight": 1.0},
        "The wrong one is expected": {"expected": "777 7777", "weight": 3.0},
    },
    rows=(("What the network hears",), ("Posteriors", "Readings"), ("Said and heard",)),
)
