"""GR and ER against their equations."""

import math

import pytest
import torch

from atr.reasoner import (
    EfficientReasoner,
    GraphReasoner,
    TemporalRelation,
    stack,
    temporal_kernel,
    transform,
)


def banded(omega: torch.Tensor, num_frames: int) -> torch.Tensor:
    """The T×T matrix whose row t holds ω_-k … ω_k around t."""
    k = len(omega) // 2
    matrix = torch.zeros(num_frames, num_frames)
    for t in range(num_frames):
        for i in range(-k, k + 1):
            if 0 <= t + i < num_frames:
                matrix[t, t + i] = omega[i + k]
    return matrix


def test_relation_by_hand():
    relation = TemporalRelation(1)
    with torch.no_grad():
        relation.theta.weight.fill_(1.0)
        relation.phi.weight.fill_(1.0)
    s = torch.tensor([[[0.0], [math.log(3.0) ** 0.5]]])  # logits of row 1: (0, ln 3)
    torch.testing.assert_close(relation(s), torch.tensor([[[0.5, 0.5], [0.25, 0.75]]]))


def test_relation_rows_sum_to_one_and_sqrt_divides_the_logits():
    plain, scaled = TemporalRelation(16), TemporalRelation(16, scale="sqrt")
    scaled.load_state_dict(plain.state_dict())
    s = 3 * torch.randn(2, 5, 16)
    torch.testing.assert_close(plain(s).sum(-1), torch.ones(2, 5))
    torch.testing.assert_close(
        scaled(s).log().diff(dim=-1), plain(s).log().diff(dim=-1) / 4, atol=1e-3, rtol=1e-3
    )


def test_graph_reasoner_is_w_times_transformed_vectors():
    reasoner = GraphReasoner(6)
    s = torch.randn(2, 4, 6)
    theta, phi, g = reasoner.relation.theta.weight, reasoner.relation.phi.weight, reasoner.g.weight
    for n in range(2):
        w = torch.softmax((s[n] @ theta.T) @ (s[n] @ phi.T).T, dim=1)
        torch.testing.assert_close(reasoner(s)[n], w @ (s[n] @ g.T))


def test_graph_reasoner_is_permutation_equivariant_in_time_and_er_is_not():
    s, order = torch.randn(2, 6, 8), torch.tensor([3, 0, 5, 1, 4, 2])
    graph, efficient = GraphReasoner(8), EfficientReasoner(8)
    torch.testing.assert_close(graph(s[:, order]), graph(s)[:, order])
    assert not torch.allclose(efficient(s[:, order]), efficient(s)[:, order], atol=1e-2)


@pytest.mark.parametrize("k", [0, 1, 2])
@pytest.mark.parametrize("er_kernel", ["per_channel", "shared"])
def test_efficient_reasoner_equals_its_banded_matrix(k, er_kernel):
    reasoner = EfficientReasoner(3, k=k, er_kernel=er_kernel, er_transform="full")
    s = torch.randn(2, 5, 3)
    transformed = s @ reasoner.g.weight.T
    for c in range(3):
        omega = reasoner.weight[c if er_kernel == "per_channel" else 0, 0]
        expected = transformed[..., c] @ banded(omega, 5).T
        torch.testing.assert_close(reasoner(s)[..., c], expected)


def test_weight_order_is_past_present_future():
    reasoner = EfficientReasoner(1)
    with torch.no_grad():
        reasoner.weight.copy_(torch.tensor([[[1.0, 10.0, 100.0]]]))
    s = torch.tensor([[[1.0], [2.0], [3.0]]])
    torch.testing.assert_close(reasoner(s), torch.tensor([[[210.0], [321.0], [32.0]]]))


def test_starts():
    # ω_-1 and ω_1 of a symmetric start get the same gradient from a clip and its reverse together: the saddle.
    s = torch.randn(1, 6, 4)
    both = torch.cat([s, s.flip(1)])
    for init, centre in (
        ("symmetric", [0.25, 0.5, 0.25]),
        ("asymmetric", [-0.5, 0.5, 0.5]),
        ("difference", [-0.5, 0.0, 0.5]),
    ):
        reasoner = EfficientReasoner(4000, er_init=init)
        torch.testing.assert_close(reasoner.weight.mean((0, 1)), torch.tensor(centre), atol=0.01, rtol=0)
    reasoner = EfficientReasoner(4, er_init="symmetric")
    with torch.no_grad():
        reasoner.weight.copy_(torch.tensor([0.25, 0.5, 0.25]).expand(4, 1, 3))
    reasoner(both).relu().square().sum().backward()
    torch.testing.assert_close(reasoner.weight.grad[..., 0], reasoner.weight.grad[..., 2])


def test_stack_puts_norm_and_relu_between_and_none_after():
    reasoners = stack(lambda: EfficientReasoner(8), 8, 3)
    kinds = [type(layer).__name__ for layer in reasoners]
    between = ["LayerNorm", "ReLU"]
    assert kinds == ["EfficientReasoner", *between, "EfficientReasoner", *between, "EfficientReasoner"]


@pytest.mark.parametrize(
    "options", [{"er_kernel": "dense"}, {"er_transform": "mlp"}, {"er_init": "zero"}, {"k": -1}]
)
def test_unknown_options_are_named(options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"{name}={value!r}.*allowed"):
        EfficientReasoner(8, **options)


@pytest.mark.parametrize(
    ("init", "values"),
    [
        ("asymmetric", [-0.25, -0.25, 0.5, 0.25, 0.25]),
        ("difference", [-0.25, -0.25, 0, 0.25, 0.25]),
        ("symmetric", [0.125, 0.125, 0.5, 0.125, 0.125]),
    ],
)
def test_a_longer_kernel_starts_with_sides_that_share_the_weight(init, values):
    assert temporal_kernel(1, 2, init, noise=0).flatten().tolist() == values


def test_channels_start_a_little_apart():
    deviations = temporal_kernel(4000, 1, "symmetric").std(0).flatten().tolist()
    assert deviations == pytest.approx([0.05] * 3, rel=0.1)


@pytest.mark.parametrize(("channels", "hidden"), [(16, 4), (3, 1)])
def test_a_bottleneck_is_two_matrices_of_a_quarter_of_the_channels_without_bias(channels, hidden):
    shapes = {name: tuple(p.shape) for name, p in transform(channels, "bottleneck").named_parameters()}
    assert shapes == {"0.weight": (hidden, channels), "1.weight": (channels, hidden)}


def test_a_stack_of_no_reasoner_is_refused():
    with pytest.raises(ValueError, match="num_reasoners=0 is not allowed; allowed: 1 or more"):
        stack(torch.nn.Identity, 8, 0)
