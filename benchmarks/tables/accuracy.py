"""Tables of accuracy: checkpoints, parts of the block, seeds, lengths and clips of training, claims, order of frames."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from analysis.ablation.cells import CellResult
from analysis.ablation.grids import (
    ARMS,
    CLIP_COUNTS,
    EPOCHS,
    FULL,
    LONGER,
    SIMPLIFIED,
    TABLES,
    fewer,
    longer,
)
from analysis.ablation.numbers import accuracy, claims_texts, difference, share
from benchmarks.markdown import table
from benchmarks.tables.stored import ATR, ATR_SIM, GRAPH, Stored, interval, percent, points

CHECKPOINTS = {
    "tabletop-tsn": "the frame network, from clips in which nothing else happens; trained as the others TSN has {tsn}; cannot tell a clip from its reverse",
    GRAPH: "ATR_sim with GR×1; cannot either, by construction",
    ATR_SIM: "",
    ATR: "same training as ATR_sim: {difference}",
    "tabletop-atr-scale": "ATR in the scaling form",
    "tabletop-tsm": "the same training without blocks, features shifted in time instead",
    "tabletop-tsm-atr": "TSM with ATR",
    "tabletop-tsm-gr": "TSM with ATR_sim and GR×1",
}
MAIN = {label: ARMS[label] for label in (SIMPLIFIED, FULL)}  # the comparison that is told seed by seed


def accuracies(stored: Stored) -> str:
    found = stored.json("accuracy.json")
    of = {row["checkpoint"]: row for row in found["accuracy"]}
    (pair,) = (row for row in found["paired"] if (row["a"], row["b"]) == (ATR, ATR_SIM))
    told = (
        f"{points(pair['difference'])} points [{points(pair['low'])}, {points(pair['high'])}], "
        f"{pair['only_a']} clips against {pair['only_b']}"
    )
    tsn = share(accuracy(stored.cells["tsn"]))

    def line(name: str) -> tuple[str, ...]:
        row, emphasis = of[name], "**" if name == ATR else ""
        top1 = interval(row["top1"], row["top1_low"], row["top1_high"])
        named = (f"{emphasis}{text}{emphasis}" for text in (f"`{name}`", top1))
        return *named, percent(row["pairs"]), CHECKPOINTS[name].format(difference=told, tsn=tsn)

    return table(("checkpoint", "top-1, % [95 %]", "pairs, %", ""), map(line, CHECKPOINTS))


def parts(stored: Stored) -> str:
    rows = pd.DataFrame(stored.json("parts.json")["rows"])
    rows["told"] = [interval(row.top1, row.low, row.high) for row in rows.itertuples()]
    changed = rows.change.notna()
    rows.loc[changed, "told"] = [
        f"{percent(row.top1)}: {points(row.change)} [{points(row.change_low)}, {points(row.change_high)}]"
        for row in rows[changed].itertuples()
    ]
    told = rows.pivot(index="checkpoint", columns="kind", values="told")[list(rows.kind.unique())]
    return table(("checkpoint", *told), ((f"`{name}`", *line) for name, line in told.T.items()))


def seeds(stored: Stored) -> str:
    """The main comparison, a training a line."""
    sim, located = common_seeds(stored, MAIN.values())
    lines = []
    for a, b in zip(sim, located, strict=True):
        best = max(b.fig5, key=lambda block: b.fig5[block])
        shares = percent(a.top1), percent(b.top1), points(b.top1 - a.top1)
        pairs = percent(a.within_pairs), percent(b.within_pairs)
        lines.append((str(a.seed), *shares, *pairs, f"{best} {b.fig5[best]:.2f}"))
    gain = share(difference(located, sim), "+")
    means = share(accuracy(sim)), share(accuracy(located)), f"**{gain}**"
    pairs = (percent(np.mean([result.within_pairs for result in each])) for each in (sim, located))
    return table(
        (
            "seed",
            *(f"{label}: top-1, %" for label in MAIN),
            "difference",
            *(f"{label}: pairs, %" for label in MAIN),
            "best Fig-5 score of ATR, 100 clips of the split dev",
        ),
        [*lines, ("mean [95 %]", *means, *pairs, "")],
    )


def common_seeds(stored: Stored, networks: Collection[str]) -> list[list[CellResult]]:
    """Of each network its cells of those seeds that all of them have."""
    common = set.intersection(*({result.seed for result in stored.cells[name]} for name in networks))
    return [[result for result in stored.cells[name] if result.seed in common] for name in networks]


def length(stored: Stored) -> str:
    """What was trained for two lengths, and how far ATR is ahead of the others."""
    arms = {**MAIN, "TSM": "tsm"}
    return _compared(
        stored,
        {
            f"{epochs} epochs": {label: trained(network) for label, network in arms.items()}
            for epochs, trained in ((EPOCHS, str), (LONGER, longer))
        },
    )


def clips(stored: Stored) -> str:
    """What was trained with fewer clips, as long, and how far ATR is ahead of the others."""
    groups = {}
    for number in CLIP_COUNTS:
        trained = {label: fewer(arm, number) for label, arm in ARMS.items()}
        groups[f"{number:,} clips"] = {label: name for label, name in trained.items() if name in stored.cells}
    return _compared(stored, {title: networks for title, networks in groups.items() if FULL in networks})


def _compared(stored: Stored, groups: dict[str, dict[str, str]]) -> str:
    """Networks trained in several ways, and how far ATR is ahead of the others of its group; a seed a column.

    groups: title of the way -> label -> network. Of each network those seeds are told that a network of every group has.
    """

    def seeds_in(networks: dict[str, str]) -> set[int]:
        return {result.seed for network in networks.values() for result in stored.cells[network]}

    seeds = sorted(set.intersection(*map(seeds_in, groups.values())))
    lines = []
    for title, networks in groups.items():
        found = {
            label: {result.seed: result for result in stored.cells[network] if result.seed in seeds}
            for label, network in networks.items()
        }
        for label, of in found.items():
            lines.append(
                (
                    f"{label}, {title}",
                    *(percent(of[seed].top1) if seed in of else "" for seed in seeds),
                    share(accuracy(list(of.values()))),
                    percent(np.mean([result.within_pairs for result in of.values()])),
                    percent(np.mean([result.history[-1].train_top1 for result in of.values()])),
                )
            )
        ahead = found.pop(FULL)
        for label, of in found.items():
            both = [(ahead.get(seed), of.get(seed)) for seed in seeds]
            gain = share(difference(list(ahead.values()), list(of.values())), "+")
            lines.append(
                (
                    f"{FULL} above {label}, {title}",
                    *(points(one.top1 - other.top1) if one and other else "" for one, other in both),
                    f"**{gain}**",
                    "",
                    "",
                )
            )
    header = ("top-1, %", *(f"seed {seed}" for seed in seeds), "mean [95 %]", "pairs, %")
    return table((*header, "of training clips, %"), lines)


def claims(stored: Stored) -> str:
    lines = (
        (f"{name}: {claim.Claim}", claim.Verdict, claim.Here)
        for name, of_paper in TABLES.items()
        for claim in claims_texts(of_paper, stored.cells).itertuples(index=False)
    )
    return table(("table: claim", "verdict here", "difference [95 %]"), lines)


def order(stored: Stored) -> str:
    def line(name: str) -> tuple[str, ...]:
        all_clips = stored.lines("order", name, "order.csv").iloc[0]
        reversed_class = (
            all_clips[f"predicted as the reversed class{end}"] for end in ("", ", low", ", high")
        )
        others = percent(all_clips["reversed"]), percent(all_clips["shuffled"])
        return f"`{name}`", percent(all_clips["as it is"]), interval(*reversed_class), *others

    return table(
        (
            "checkpoint",
            "in order: correct, %",
            "backwards: predicts the reversed class, % [95 %]",
            "backwards: predicts its own class, %",
            "shuffled: correct, %",
        ),
        map(line, CHECKPOINTS),
    )
