"""All blocks beside the best single one: what is taken out of a stored result."""

import json
from pathlib import Path

import pytest

from benchmarks.all_blocks import Options, compared, main
from benchmarks.tables.stored import ATR, Stored, only

RESULTS = Path(__file__).parents[2] / "assets" / "results"


def test_the_best_block_stands_beside_all_and_what_moves(tmp_path):
    stored = Stored(RESULTS)
    out = tmp_path / "found.json"
    main(Options((stored.of("localize", ATR),), out))
    found = json.loads(out.read_text())["networks"]
    told = {row["map"]: (row["block"], row["fig5"]["value"]) for row in found}
    scores = stored.lines("localize", ATR, "fig5.csv")
    single = scores[scores.method == "actionness"]
    best = single.loc[single.fig5.idxmax()]
    assert told["actionness"] == (best.block, pytest.approx(best.fig5)) and best.fig5 > single.fig5.median()
    for method in ("actionness, all blocks", "frame difference"):
        assert told[method] == (None, pytest.approx(only(scores, method=method).fig5))


def test_without_maps_of_several_blocks_it_says_so():
    result = Stored(RESULTS).result("localize", "tabletop-atr-sim")
    with pytest.raises(ValueError, match="tabletop-atr-sim has no Fig-5 score of several blocks"):
        compared(result)
