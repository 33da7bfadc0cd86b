"""Tables of networks trained on real videos of people: their accuracy, and how well their maps find people."""

from collections.abc import Callable

from benchmarks.markdown import table
from benchmarks.people import ARMS, BASELINES, BOXES, MASKS, best_block
from benchmarks.tables.stored import Stored, interval, percent, points

WITH_ATR, WITHOUT = ARMS
MAPS = ((WITH_ATR, "actionness", "M"), (WITH_ATR, "Grad-CAM", "Grad-CAM"), (WITHOUT, "Grad-CAM", "Grad-CAM"))


def accuracy(stored: Stored) -> str:
    """Fold by fold, on clips of recordings that the networks have not seen."""
    found = stored.json("people.json")
    of = found["accuracy"]

    def line(arm: str) -> tuple[str, ...]:
        top1 = map(percent, (*of[arm]["folds"], of[arm]["mean"]["value"]))
        return f"`{arm}`", *top1, interval(**of[arm]["pooled"])

    clips = of[WITH_ATR]["clips"]
    folds = (f"fold {n + 1}, {count} clips" for n, count in enumerate(clips))
    gains = (ours - other for ours, other in zip(of[WITH_ATR]["folds"], of[WITHOUT]["folds"], strict=True))
    gain = "difference", *map(points, gains), _told(found["difference"], points), ""
    return table(
        ("top-1, %", *folds, "mean of folds", f"all {sum(clips)} clips [95 %]"),
        [line(WITHOUT), line(WITH_ATR), gain],
    )


def maps(stored: Stored) -> str:
    """Average precision by frame of each network's best map, and how much higher it is than the baselines'."""
    localisation = stored.json("people.json")["localisation"]

    def line(text: str, arm: str, of_map: str) -> tuple[str, ...]:
        cells = []
        for kind in (MASKS, BOXES):
            (entry,) = (entry for entry in localisation[arm][kind] if entry["map"] == of_map)
            cells.append(_told(entry["average_precision"], "{:.2f}".format))
            above = (entry.get(f"above {baseline}") for baseline in BASELINES)
            cells.extend(_told(value, "{:+.2f}".format) if value else "" for value in above)
        return text, *cells

    lines = []
    for arm, method, text in MAPS:
        block = best_block(localisation[arm], method)
        lines.append(line(f"{text} of `{arm}`, {block}", arm, f"{method} {block}"))
    lines.extend(line(name, WITH_ATR, name) for name in BASELINES)
    lines.append(line("chance", WITH_ATR, "uniform"))
    columns = ("AP [95 %]", *(f"above {baseline}" for baseline in BASELINES))
    return table(("", *(f"{kind}: {column}" for kind in (MASKS, BOXES) for column in columns)), lines)


def _told(found: dict[str, float | None], text: Callable[[float], str]) -> str:
    """With the ends of the interval, where it has any."""
    ends = f" [{text(found['low'])}, {text(found['high'])}]" if found["low"] is not None else ""
    return f"{text(found['value'])}{ends}"
