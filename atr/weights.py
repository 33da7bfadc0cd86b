"""Whether weights fit a network, and in what they do not."""

from torch import Tensor

from atr.schema import line


def check_fit(own: dict[str, Tensor], weights: dict[str, Tensor], what: str) -> None:
    """Raise ValueError, naming `what` and the keys, unless `weights` has each of `own`, in its shape, and no more.

    Where the network has floating-point numbers so must they, of whatever precision: no integers, no complex numbers.

    `num_batches_tracked` may be missing: it is not used where running averages have a momentum, and files older than
    torch 0.4.1 lack it.
    """
    own = {n: w for n, w in own.items() if n in weights or not n.endswith(".num_batches_tracked")}
    of_another_type = [
        f"{name} {weights[name].dtype}"
        for name, weight in own.items()
        if name in weights and weights[name].is_floating_point() != weight.is_floating_point()
    ]
    faults = misfits(own, {n: tuple(w.shape) for n, w in weights.items()})
    if faults := faults_in_words(faults | {"of another type": of_another_type}):
        raise ValueError(f"{what} does not fit: {faults}")


def misfits(own: dict[str, Tensor], shapes: dict[str, tuple[int, ...]]) -> dict[str, list[str]]:
    """In what weights of these shapes differ from those a network takes: a kind of fault -> names."""
    return {
        "missing": [name for name in own if name not in shapes],
        "left over": [line(name, 80) for name in shapes if name not in own],
        "of another shape": [
            f"{name} {shapes[name]} for {tuple(weight.shape)}"
            for name, weight in own.items()
            if name in shapes and shapes[name] != weight.shape
        ],
    }


def faults_in_words(faults: dict[str, list[str]]) -> str:
    """The first few names of each kind; "" for none."""
    return ", ".join(f"{len(names)} {kind} ({shortened(names)})" for kind, names in faults.items() if names)


def shortened(names: list[str]) -> str:
    return ", ".join([*names[:2], *(["..."] if len(names) > 2 else [])])
