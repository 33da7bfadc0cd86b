"""Tables of temporal relation matrices: Fig 4, and over seeds."""

from analysis.relations.findings import largest_difference
from analysis.relations.numbers import columns_mass
from benchmarks.markdown import table
from benchmarks.tables.stored import GRAPH, Stored


def relations(stored: Stored, network: str = GRAPH) -> str:
    largest = stored.lines("health", network, "health.csv").set_index("block")["max of W's rows"]
    lines = []
    for entry in stored.result("relations", network)["trained"]:
        low, high = entry["inner_mass_interval"]
        mass = f"{entry['inner_mass']:.3f} [{low:.3f}, {high:.3f}]"
        apart = f"{largest_difference(entry['windows']):.2f}"
        block = entry["block"]
        strongest = " ".join(str(step + 1) for step in entry["argmax"])
        told = f"{entry['js']['mean']:.2g}", apart, mass, f"{columns_mass(entry):.3f}", strongest
        lines.append((block, *told, f"{largest[block]:.2f}"))
    header = (
        "JS between windows, mean (nats)",
        "largest difference of two windows (total variation)",
        "mass within one step [95 %]",
        "its columns alone",
        "where rows 1 to 8 are largest",
        "largest entry of a row",
    )
    return table(("block", *header), lines)


def relation_seeds(stored: Stored) -> str:
    """Mass within one step, a number a seed; of stacked reasoners one after the other."""
    networks = {
        "gr-1": "GR×1",
        "gr-2": "GR×2, first and second reasoner",
        "tsm-gr-1": "GR×1 on TSM",
    }

    def told(network: str, block: str) -> str:
        entries = [entry for result in stored.cells[network] for entry in result.relations]
        reasoners = sorted({entry.reasoner for entry in entries})
        return "; ".join(
            ", ".join(
                f"{entry.local_mass:.2f}"
                for entry in entries
                if (entry.block, entry.reasoner) == (block, reasoner)
            )
            for reasoner in reasoners
        )

    blocks = [entry.block for entry in stored.cells["gr-1"][0].relations]
    lines = ((block, *(told(network, block) for network in networks)) for block in blocks)
    return table(("block", *networks.values()), lines)
