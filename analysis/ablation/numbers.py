"""From the results of cells to the lines of a table, the verdicts on its claims, and learning curves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.ablation.cells import Cell, CellResult
from analysis.ablation.costs import known_costs
from analysis.ablation.grids import (
    ARMS,
    CLIP_COUNTS,
    NETWORKS,
    Claim,
    Row,
    Table,
    fewer,
    first_row,
    seeds_of,
)
from analysis.crossed import (
    DECISIVE,
    FAILS,
    HOLDS,
    NEGLIGIBLE,
    OPEN,
    Estimate,
    crossed_estimate,
    plateau,
    verdict,
)
from analysis.statistics import LEVEL

NOT_RUN = "not run yet"  # in place of a verdict
OF_ONE = {HOLDS: HOLDS, FAILS: FAILS, OPEN: OPEN, NOT_RUN: "has not been run yet"}
OF_SEVERAL = OF_ONE | {HOLDS: "hold", FAILS: "do not hold here", NOT_RUN: "have not been run yet"}
OPTIONAL = (
    "Paper, %",
    "Seeds",
    "sd of seeds",
    "Within pairs, %",
    "Parameters, M",
    "MACs, G",
    "Note",
)  # left out where all blank
REASONER = ("Reasoner: parameters, k", "Reasoner: MACs, M")
Found = Mapping[str, Sequence[CellResult]]  # network -> its results, by seed


def by_network(results: Iterable[CellResult]) -> dict[str, list[CellResult]]:
    """Those that are cells of the grid as it is now, which may be compared with each other, in its order.

    Networks started from different weights may not: where there are several, those of the most cells count.
    """
    current = [
        result
        for result in results
        if result.network in NETWORKS
        and Cell.of(result.network, NETWORKS[result.network], result.seed).is_of(result)
    ]
    starts = [result.start for result in current]
    start = max(set(starts), key=lambda each: (starts.count(each), str(each)), default=None)
    found: dict[str, list[CellResult]] = {}
    for result in sorted(current, key=lambda each: each.seed):
        if result.start == start:
            found.setdefault(result.network, []).append(result)
    return {network: found[network] for network in NETWORKS if network in found}


def left_out(results: Sequence[CellResult], found: Found) -> list[str]:
    """A line where `by_network` has found results that are no cells of the grid, or started from other weights."""
    count = len(results) - sum(map(len, found.values()))
    if not count:
        return []
    return [
        f"{count} of {len(results)} stored results do not count: they have other settings than the grid, or started from "
        "other weights than most"
    ]


def accuracy(results: Sequence[CellResult]) -> Estimate | None:
    """Top-1 over seeds and clips; None where there is no result."""
    return crossed_estimate(np.stack([result.verdicts for result in results])) if results else None


def difference(a: Sequence[CellResult], b: Sequence[CellResult], level: float = LEVEL) -> Estimate | None:
    """Top-1 of `a` minus that of `b`, paired over the clips and the seeds that both have; None without a common seed."""
    first, second = ({result.seed: result.verdicts for result in results} for results in (a, b))
    seeds = sorted(first.keys() & second.keys())
    if not seeds:
        return None
    values = np.stack([first[seed].astype(float) - second[seed] for seed in seeds])
    return crossed_estimate(values, level)


@dataclass(frozen=True)
class Judged:
    """A claim with what came of it: `word` is a verdict, `sentence` tells the numbers."""

    claim: Claim
    difference: Estimate | None
    word: str
    sentence: str


def judged(claim: Claim, found: Found, level: float = LEVEL) -> Judged:
    gain = difference(found.get(claim.better, ()), found.get(claim.worse, ()), level)
    word = NOT_RUN if gain is None else plateau(gain) if claim.plateau else verdict(gain)
    return Judged(claim, gain, word, sentence_of(claim, gain))


def sentence_of(claim: Claim, gain: Estimate | None) -> str:
    if gain is None:
        return f"{claim.better} and {claim.worse} have no seed in common yet."
    if gain.low is None or gain.high is None:
        return f"{100 * gain.value:+.1f} points with one seed; no interval counts other trainings, so nothing is claimed."
    told = (
        f"{100 * gain.value:+.1f} points [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}], {gain.seeds} seeds, "
        f"{gain.clips:,} clips."
    )
    if gain.seeds < DECISIVE:
        told += f" Fewer than {DECISIVE} seeds decide nothing."
    if claim.plateau:
        told += f" Little: less than {100 * NEGLIGIBLE:g} point."
    return told


def share(estimate: Estimate | None, sign: str = "") -> str:
    """In percent, with the interval where there is one. sign: "+" of a difference."""
    if estimate is None:
        return ""
    value, *ends = (
        format(100 * each, f"{sign}.1f")
        for each in (estimate.value, estimate.low, estimate.high)
        if each is not None
    )
    return f"{value} [{', '.join(ends)}]" if ends else value


def table_texts(table: Table, found: Found) -> pd.DataFrame:
    """A line a row: the paper's number and where it is from, ours, seeds done, costs. "" where nothing is known."""
    lines = pd.DataFrame([row_texts(row, found) for row in table.rows])
    blank = [name for name in OPTIONAL if (lines[name] == "").all()]
    return lines.drop(columns=[*blank, *([] if table.reasoners else REASONER)], errors="ignore")


def row_texts(row: Row, found: Found) -> dict[str, str]:
    results = found.get(row.network or "", ())
    ours, wanted = accuracy(results), seeds_of(row.network) if row.network else 0
    costs = next(iter(results), None) or known_costs().get(row.network or "")
    reasoner = costs and costs.reasoner
    return {
        "Network": row.label,
        "Paper, %": f"{row.paper} ({row.mark})" if row.mark else row.paper,
        "Here, % [95 %]": share(ours),
        "sd of seeds": "" if ours is None or ours.sd is None else f"{100 * ours.sd:.1f}",
        "Seeds": f"{len(results)} of {wanted}" if wanted else "",
        "Within pairs, %": f"{100 * np.mean([r.within_pairs for r in results]):.1f}" if results else "",
        "Parameters, M": f"{costs.parameters / 1e6:.3f}" if costs else "",
        "MACs, G": f"{costs.macs / 1e9:.3f}" if costs else "",
        "Reasoner: parameters, k": f"{reasoner.parameters / 1e3:.1f}" if reasoner else "",
        "Reasoner: MACs, M": f"{reasoner.macs / 1e6:.2f}" if reasoner else "",
        "Note": row.note,
    }


def claims_texts(table: Table, found: Found) -> pd.DataFrame:
    """A line a claim: what the paper says, the verdict, the sentence."""
    lines = [judged(claim, found) for claim in table.claims]
    return pd.DataFrame([{"Claim": j.claim.told, "Verdict": j.word, "Here": j.sentence} for j in lines])


def begun(table: Table, found: Found) -> bool:
    """Whether any network of a table has been trained."""
    return any(row.network in found for row in table.rows)


def summary(tables: Iterable[Table], found: Found) -> str:
    """How many of the claims hold, alone and judged together (Bonferroni).

    One that two tables make of the same networks counts once.
    """
    every = [claim for table in tables for claim in table.claims]
    claims = {(claim.better, claim.worse, claim.plateau): claim for claim in every}
    counted = {
        "of them in two tables": len(every) - len(claims),
        "ours, not the paper's": sum(claim.ours for claim in claims.values()),
    }
    notes = "; ".join(f"{count} {what}" for what, count in counted.items() if count)
    noted = f" ({notes})" if notes else ""
    words = [judged(claim, found).word for claim in claims.values()]
    counts = {word: words.count(word) for word in OF_SEVERAL}
    together = 1 - (1 - LEVEL) / len(claims)
    still = [judged(claim, found, together).word for claim in claims.values()].count(HOLDS)

    def told(word: str, count: int) -> str:
        return (OF_ONE if count == 1 else OF_SEVERAL)[word]

    alone = ", ".join(f"{count} {told(word, count)}" for word, count in counts.items() if count)
    return (
        f"Of {len(words)} claims{noted} {alone}. Judged together, each by an interval of {100 * together:.1f} %, "
        f"{still} still {told(HOLDS, still)}."
    )


def named(network: str) -> dict[str, str]:
    """As the tables of the page call it, and the first of them that has it."""
    table, label = first_row(network)
    return {"Table": table, "Network": label}


def maps_texts(found: Found) -> pd.DataFrame:
    """The Fig-5 score of every network with maps, over seeds: of its best block in each seed, and block by block."""
    every = {network: [result for result in results if result.fig5] for network, results in found.items()}
    blocks = sorted({block for scored in every.values() for result in scored for block in result.fig5})
    lines = []
    for network, scored in every.items():
        if not scored:
            continue
        best = [max(result.fig5, key=lambda block: result.fig5[block]) for result in scored]
        values = {
            block: [result.fig5[block] for result in scored if block in result.fig5] for block in blocks
        }
        lines.append(
            {
                **named(network),
                "Best block": over_seeds([result.best_fig5 for result in scored]),
                "which": ", ".join(best),
                **{block: over_seeds(values[block]) if values[block] else "" for block in blocks},
            }
        )
    return pd.DataFrame(lines)


def relations_texts(found: Found) -> pd.DataFrame:
    """Local mass of the averaged W against chance, and JS in nats, of every network with graph reasoners, over seeds."""
    lines = []
    for network, results in found.items():
        entries: dict[tuple[str, int], list] = {}
        for relation in (relation for result in results for relation in result.relations):
            entries.setdefault((relation.block, relation.reasoner), []).append(relation)
        for (block, reasoner), each in entries.items():
            defined = [relation.js for relation in each if relation.js is not None]
            lines.append(
                {
                    **named(network),
                    "Block": block,
                    "Reasoner": reasoner + 1,
                    "Local mass": over_seeds([relation.local_mass for relation in each]),
                    "Chance": f"{each[0].chance:.2f}",
                    "JS, nats": f"{np.mean(defined):.2g}" if defined else "not defined",
                }
            )
    return pd.DataFrame(lines)


def health_texts(found: Found) -> pd.DataFrame:
    """Networks with blocks that are not alive at the end of a training: which, in which seed."""
    lines = [
        {**named(network), "Seed": result.seed, "Blocks": told}
        for network, results in found.items()
        for result in results
        if (
            told := ", ".join(
                f"{b['block']} {b['state']}" for b in last_blocks(result) if b["state"] != "alive"
            )
        )
    ]
    return pd.DataFrame(lines)


def last_blocks(result: CellResult) -> list[dict]:
    blocks = result.history[-1].blocks
    return [b for b in blocks if {"block", "state"} <= b.keys()] if isinstance(blocks, list) else []


def over_seeds(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None and np.isfinite(value)]
    if not known:
        return ""
    return f"{np.mean(known):.2f} ± {np.std(known, ddof=1):.2f}" if len(known) > 1 else f"{known[0]:.2f}"


def epoch_curves(found: Found, networks: Iterable[str]) -> dict[str, np.ndarray]:
    """Network -> top-1 on the clips looked at after every epoch (S, epochs), of those with results."""
    curves = {}
    for network in networks:
        each = [
            [entry.dev_top1 for entry in result.history if isinstance(entry.dev_top1, float | int)]
            for result in found.get(network, ())
        ]
        if each and len({len(curve) for curve in each}) == 1 and each[0]:
            curves[network] = np.array(each)
    return curves


def clip_curves(found: Found) -> dict[str, dict[int, Estimate]]:
    """Arm -> number of training clips -> top-1."""
    curves: dict[str, dict[int, Estimate]] = {}
    for label, arm in ARMS.items():
        for clips in CLIP_COUNTS:
            estimate = accuracy(found.get(fewer(arm, clips), ()))
            if estimate is not None:
                curves.setdefault(label, {})[clips] = estimate
    return curves
