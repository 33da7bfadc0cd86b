"""What a network loses without a part of its blocks, against itself on the same clips."""

import json
from dataclasses import replace

import pytest
import torch

import atr
from atr.tabletop import CLASSES
from benchmarks.parts import KINDS, Options, main


def test_what_is_lost_is_of_the_same_clips(tmp_path):
    torch.manual_seed(0)
    model = atr.create_model(
        "tsn_resnet18",
        len(CLASSES),
        4,
        width=0.125,
        block="atr",
        placement="S4-5",
        bn_gamma_init=1,
    )
    sizes = atr.Preprocessing(short_side=32, crop=32)
    checkpoint = atr.save_checkpoint(tmp_path / "tiny", model, labels=list(CLASSES), preprocessing=sizes)
    options = Options((checkpoint,), clips=12, cache=tmp_path / "cache", out=tmp_path / "parts.json")
    main(options)
    found = json.loads(options.out.read_text())
    whole, *parts = found["rows"]
    assert [row["kind"] for row in found["rows"]] == list(KINDS) and "change" not in whole
    for row in parts:
        assert row["change"] == pytest.approx(row["top1"] - whole["top1"])
        assert row["change_low"] <= row["change"] <= row["change_high"]
    assert list(found["weights"]) == ["tiny"]
    main(replace(options, out=tmp_path / "again.json"))
    assert json.loads((tmp_path / "again.json").read_text()) == found
