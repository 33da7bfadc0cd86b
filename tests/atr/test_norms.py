"""Where an ATR block has a normalisation, and what its scale 0 leaves: every distribution, and ATR_sim."""

import pytest
import torch
from torch import nn

from atr.block import ATRConfig, UniformAFD, build_atr, build_atr_sim

KINDS = {
    "add": (build_atr, "add"),
    "scale": (build_atr, "scale"),
    "uniform": (build_atr, "uniform"),
    "atr_sim": (build_atr_sim, "add"),  # which does not apply to it
}


def options_of(kind: str, bn_position: str, gamma: float) -> dict:
    block = "atr_sim" if kind == "atr_sim" else "atr"
    return {
        "block": block,
        "distribution": KINDS[kind][1],
        "bn_position": bn_position,
        "bn_gamma_init": gamma,
    }


def norms(kind: str, bn_position: str, gamma: float = 1.0) -> list[nn.Module]:
    """The normalisations of a block's AFD."""
    build, distribution = KINDS[kind]
    config = ATRConfig(distribution=distribution, bn_position=bn_position, bn_gamma_init=gamma)
    afd = build(8, num_frames=2, config=config).afd
    return [module for module in afd.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]


@pytest.mark.parametrize(
    ("bn_position", "expected"),
    [
        ("sum", {"add": [nn.BatchNorm2d], "scale": [], "uniform": [], "atr_sim": []}),  # a sum only add has
        ("reasoned", dict.fromkeys(KINDS, [nn.BatchNorm1d])),
        ("none", dict.fromkeys(KINDS, [])),
    ],
)
def test_which_blocks_have_a_normalisation(bn_position, expected):
    assert {kind: [type(norm) for norm in norms(kind, bn_position)] for kind in KINDS} == expected


@pytest.mark.parametrize("gamma", [0.0, 0.2, 1.0])
@pytest.mark.parametrize(("kind", "bn_position"), [("add", "sum"), *((kind, "reasoned") for kind in KINDS)])
def test_the_scale_of_the_normalisation_starts_as_told(kind, bn_position, gamma):
    (norm,) = norms(kind, bn_position, gamma)
    assert norm.weight.tolist() == pytest.approx([gamma] * 8)
    assert norm.bias.tolist() == [0] * 8


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bn_position", ["sum", "reasoned", "none"])
def test_a_scale_of_zero_leaves_the_logits_where_it_silences_the_block(tiny, clips, kind, bn_position):
    """BN(M + r), σ(M) · BN(r) and BN(r) become 0; M + BN(r) becomes M; without a normalisation there is no scale."""
    silent = (kind, bn_position) == ("add", "sum") or (kind != "add" and bn_position == "reasoned")
    plain, with_blocks = tiny(), tiny(**options_of(kind, bn_position, 0.0))
    with_blocks.load_state_dict(plain.state_dict(), strict=False)
    with torch.inference_mode():
        before, after = plain(clips), with_blocks(clips)
    assert torch.equal(after, before) == silent
    if (kind, bn_position) == ("add", "reasoned"):  # M is all that is left
        for block in with_blocks.blocks.values():
            nn.init.zeros_(block.arl.cond.weight)
        with torch.inference_mode():
            assert torch.equal(with_blocks(clips), before)


@pytest.mark.parametrize("kind", ["scale", "uniform", "atr_sim"])
def test_without_a_normalisation_the_start_of_its_scale_says_nothing(tiny, clips, kind):
    """bn_gamma_init with bn_position="sum" in the forms that have no sum: the same network, weight by weight."""
    silent, loud = (tiny(**options_of(kind, "sum", gamma)) for gamma in (0.0, 1.0))
    loud.load_state_dict(silent.state_dict(), strict=True)
    with torch.inference_mode():
        assert torch.equal(loud(clips), silent(clips))


def test_what_is_reasoned_is_normalised_over_clips_and_frames():
    """By hand: two clips of two frames of one channel, 1 2 3 6, mean 3, variance 3.5."""
    r = torch.tensor([1.0, 2.0, 3.0, 6.0]).view(2, 2, 1)
    expected = torch.tensor([-2.0, -1.0, 0.0, 3.0]).view(4, 1, 1, 1) / (3.5 + 1e-5) ** 0.5
    afd = UniformAFD(1, bn_position="reasoned", bn_gamma_init=1.0)
    torch.testing.assert_close(afd(None, r), expected)
