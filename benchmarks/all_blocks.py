"""Do all blocks together locate better than the best single one, in networks that did not choose the form of the map?

    python -m benchmarks.all_blocks --results results/localize-*

Results of `python -m analysis localize`, each with maps of several blocks. The single block is the best of the network on
the same clips, so that luck is on its side. Prints a table and writes one JSON file.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.localize.maps import ALL_BLOCKS
from analysis.localize.numbers import LocalizeResult
from atr.results.store import read_result
from benchmarks.command import start
from benchmarks.measuring import write_found

MEASURES = ("fig5", "fig5_next", "clip_pointing")


@dataclass(frozen=True)
class Options:
    results: tuple[Path, ...]
    """folders that `localize` has written"""
    out: Path = Path("results/all-blocks.json")


def main(options: Options) -> None:
    rows = [row for folder in options.results for row in compared(read_result(folder, LocalizeResult))]
    print(pd.json_normalize(rows).to_string(index=False, float_format="%.3f"))
    write_found({"networks": rows}, options.out)


def compared(result: dict) -> list[dict]:
    """A row for the best single block, for all together, and for what moves. Raises ValueError where there are no maps of several."""
    scores, together = result["fig5"]["scores"], ALL_BLOCKS["actionness"].method
    of_method = {
        method: [entry for entry in scores if entry["method"] == method and entry["fig5"]]
        for method in ("actionness", together, "frame difference")
    }
    if not all(of_method.values()):
        raise ValueError(f"{result['checkpoint']['name']} has no Fig-5 score of several blocks")
    return [
        {
            "network": result["checkpoint"]["name"],
            "weights_sha256": result["checkpoint"]["weights_sha256"],
            "data": result["data"]["description"],
            "map": method,
            "block": best["block"],
            **{measure: best[measure] for measure in MEASURES},
        }
        for method, entries in of_method.items()
        for best in [max(entries, key=lambda entry: entry["fig5"]["value"])]
    ]


if __name__ == "__main__":
    start(main, Options, __doc__)
