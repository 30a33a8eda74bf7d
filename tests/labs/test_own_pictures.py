"""Every odd picture of the upload tests through the labs that take a person's own, and the largest within its memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from engine.data.albums import album
from engine.errors import BadInput
from engine.labs.cnns.image_classifier import LAB, Classify
from tests.data.test_media import JUNK, ODD_PICTURES, REFUSED_PICTURES

MOST_BYTES = 1.5e9
# Peak memory of a run, told in kB by the process's own address space: getrusage would count what its parent held at the fork.
RUN = """
import re, sys
from engine.cli import main
main(["run", "image-classifier", "--set", "model=atlas20", "--set", "crops=ten", "--input", "pictures=" + sys.argv[1]])
print("peak", 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]))
"""


@pytest.mark.parametrize("kind", ODD_PICTURES)
def test_an_odd_picture_gets_an_answer(kind: str) -> None:
    own = album(ODD_PICTURES[kind][0](), kind)
    frame = LAB.last_frame(Classify(model="atlas20", pictures=own, crops="ten"))
    assert torch.isfinite(frame.state.probabilities).all() and frame.tables["Answers"]["picture"] == [kind]


@pytest.mark.parametrize("kind", [*sorted(set(JUNK) - {"zip"}), *REFUSED_PICTURES])
def test_what_is_no_picture_gets_a_sentence(kind: str) -> None:
    make = JUNK[kind] if kind in JUNK else REFUSED_PICTURES[kind][0]
    with pytest.raises(BadInput) as problem:
        album(make(), kind)
    assert "\n" not in str(problem.value)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of one address space")
@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_forty_megapixels_keep_to_their_memory(tmp_path: Path, file_format: str) -> None:
    file = tmp_path / f"large.{file_format.lower()}"
    Image.effect_noise((500, 400), 60).convert("RGB").resize((8000, 5000)).save(file, file_format, compress_level=1)
    if file.stat().st_size > 20_000_000:
        Image.linear_gradient("L").resize((8000, 5000)).convert("RGB").save(file, file_format)
    done = subprocess.run([sys.executable, "-c", RUN, str(file)], capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    assert "Answer: " in done.stdout and float(done.stdout.rsplit("peak ", 1)[1]) < MOST_BYTES
