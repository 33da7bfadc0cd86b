"""AFA, AFD and the two blocks against their equations."""

import math

import pytest
import torch
from torch import nn

from atr.block import AFA, ATRConfig, GlobalAveragePooling, build_atr, build_atr_sim
from atr.locator import NoCue


class Constant(nn.Module):
    def forward(self, x):
        return torch.full_like(x[:, :1], 0.7)


def test_aggregation_by_hand():
    x = torch.tensor([1.0, 5.0]).view(1, 1, 1, 2)
    actionness = torch.tensor([0.0, math.log(3.0)]).view(1, 1, 1, 2)  # weights 1/4, 3/4
    torch.testing.assert_close(AFA(num_frames=1)(x, actionness), torch.tensor([[[4.0]]]))


def test_aggregation_with_constant_actionness_is_average_pooling():
    x = torch.randn(6, 8, 4, 4)
    constant = AFA(num_frames=3)(x, torch.full((6, 1, 4, 4), -2.0))
    torch.testing.assert_close(constant, GlobalAveragePooling(num_frames=3)(x))
    torch.testing.assert_close(constant, x.mean((2, 3)).view(2, 3, 8))


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        ("add", lambda m, r: (m + r) / math.sqrt(1 + 1e-5)),  # BN in evaluation: mean 0, variance 1
        ("scale", lambda m, r: torch.sigmoid(m) * r),
        ("uniform", lambda m, r: torch.zeros_like(m) + r),
    ],
)
def test_distribution_by_hand(distribution, expected):
    afd = build_atr(8, num_frames=2, config=ATRConfig(distribution=distribution)).eval().afd
    m, r = torch.randn(4, 1, 3, 3), torch.randn(2, 2, 8)
    distributed = afd(m, r).expand(4, 8, 3, 3)
    torch.testing.assert_close(distributed, expected(m, r.view(4, 8, 1, 1)))


def test_positions_of_batch_normalisation():
    m, r = torch.randn(4, 1, 3, 3), torch.randn(2, 2, 8)
    flat = r.view(4, 8)
    normed = ((flat - flat.mean(0)) / (flat.var(0, unbiased=False) + 1e-5).sqrt()).view(4, 8, 1, 1)
    reasoned = build_atr(8, num_frames=2, config=ATRConfig(bn_position="reasoned")).afd(m, r)
    torch.testing.assert_close(reasoned, m + normed, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        build_atr(8, num_frames=2, config=ATRConfig(bn_position="none")).afd(m, r), m + r.view(4, 8, 1, 1)
    )


def test_block_is_input_plus_distributed_reasoning():
    block = build_atr(16, num_frames=2, config=ATRConfig()).eval()
    x = torch.randn(4, 16, 5, 5)
    m = block.arl(x)
    torch.testing.assert_close(block(x), x + block.afd(m, block.reasoner(block.afa(x, m))))


def test_atr_with_constant_actionness_and_uniform_distribution_is_atr_sim():
    atr_block = build_atr(16, num_frames=2, config=ATRConfig(distribution="uniform"))
    sim = build_atr_sim(16, num_frames=2, config=ATRConfig())
    atr_block.arl = Constant()
    sim.reasoner.load_state_dict(atr_block.reasoner.state_dict())
    x = torch.randn(4, 16, 5, 5)
    torch.testing.assert_close(atr_block(x), sim(x))


def test_last_bn_scale_zero_leaves_the_input():
    block = build_atr(16, num_frames=2, config=ATRConfig(bn_gamma_init=0.0)).eval()
    x = torch.randn(4, 16, 5, 5)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("options", [{"distribution": "max"}, {"reasoner": "lstm"}, {"bn_position": "end"}])
def test_unknown_options_are_named(options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"{name}={value!r}.*allowed"):
        build_atr(8, num_frames=2, config=ATRConfig(**options))


@pytest.mark.parametrize(
    "options", [{"channels": True}, {"channels": 8.0}, {"num_frames": "16"}, {"num_frames": 0}]
)
def test_channels_and_frames_are_whole_numbers(options):
    ((name, value),) = options.items()
    with pytest.raises(
        ValueError, match=f"{name}={value!r} is not allowed; allowed: a whole number of at least 1"
    ):
        build_atr(**{"channels": 8, "num_frames": 2} | options)


def test_options_that_do_not_apply_are_known_too():
    with pytest.raises(ValueError, match="scale='q' is unknown; allowed: none, sqrt"):
        build_atr(16, num_frames=4, config=ATRConfig(reasoner="er", scale="q"))
    with pytest.raises(ValueError, match="motion='q' is unknown; allowed: conv_then_diff"):
        build_atr_sim(16, num_frames=4, config=ATRConfig(motion="q"))


@pytest.mark.parametrize("build", [build_atr, build_atr_sim])
def test_frames_that_are_no_whole_number_of_clips_are_refused(build):
    block = build(16, num_frames=4, config=ATRConfig())
    with pytest.raises(ValueError, match="10 frames are no whole number of clips of num_frames=4"):
        block(torch.randn(10, 16, 3, 3))


def test_zero_reasoners_are_refused():
    with pytest.raises(ValueError, match="num_reasoners=0"):
        build_atr(8, num_frames=2, config=ATRConfig(num_reasoners=0))


def test_every_option_reaches_its_part():
    block = build_atr(
        64, num_frames=2, config=ATRConfig(reduction=4, k=2, er_kernel="shared", er_transform="bottleneck")
    )
    assert block.arl.reduce.out_channels == 16
    assert block.reasoner[0].weight.shape == (1, 1, 5)
    assert [layer.out_features for layer in block.reasoner[0].g] == [16, 64]
    graph = build_atr_sim(64, num_frames=2, config=ATRConfig(reasoner="gr", scale="sqrt")).reasoner[0]
    assert graph.relation.factor == 1 / 8


def test_every_option_of_the_locator_reaches_it():
    def locator(**options):
        return build_atr(64, num_frames=2, config=ATRConfig(**options)).arl

    motions = {
        type(locator(motion=name).motion) for name in ("conv_then_diff", "diff_then_conv", "bidirectional")
    }
    assert len(motions) == 3
    assert isinstance(locator().bn, nn.BatchNorm2d) and isinstance(locator(arl_bn=False).bn, nn.Identity)


def test_without_appearance_motion_alone_is_the_cue():
    locator = build_atr(64, num_frames=2, config=ATRConfig(use_appearance=False)).arl
    assert isinstance(locator.dw_a, NoCue) and not isinstance(locator.motion, NoCue)


def test_the_defaults_are_the_papers():
    assert vars(ATRConfig()) == {
        "reduction": 16,
        "use_appearance": True,
        "use_motion": True,
        "motion": "conv_then_diff",
        "arl_bn": True,
        "reasoner": "er",
        "num_reasoners": 2,
        "k": 1,
        "er_kernel": "per_channel",
        "er_transform": "none",
        "er_init": "asymmetric",
        "scale": "none",
        "distribution": "add",
        "bn_position": "sum",
        "bn_gamma_init": 1.0,
    }
