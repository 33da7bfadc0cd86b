"""What the paper's grid needs, of docs/scaling.md: what one clip costs one core, and what a training takes."""

from benchmarks.markdown import table
from benchmarks.scaling import DATA_SETS
from benchmarks.tables.stored import Stored

NAMES = {"sthv1": "Something-Something V1", "sthv2": "Something-Something V2", "k400": "Kinetics-400"}
RENDERED = {  # as `benchmarks.scaling` makes them
    "sthv1": "JPEG frames, {0.width}×{0.height}",
    "sthv2": "VP9, {0.width}×{0.height}, {0.frames} frames",
    "k400": "H.264, {0.width}×{0.height}, {0.frames} frames",
}
SHORT = {"sthv1": "V1", "sthv2": "V2", "k400": "Kinetics"}
# Of those that need the same, to the digits shown, one stands for all.
TRAININGS = {
    "tsn": "TSN or TSM, no block or ATR_sim",
    "tsn-atr": "TSN or TSM, ATR",
    "slowonly-atr": "SlowOnly, ATR",
}


def digits(value: float) -> str:
    """Two, and all of those before the point."""
    return f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"


def one_clip(stored: Stored) -> str:
    header = (
        "data set",
        "count frames, decode 8, cut the crop",
        "clips per core and second",
        "kB a clip",
        "all training clips",
    )
    of = {found["data"]: found for found in stored.json("scaling.json")["decoding"]}
    lines = []
    for data in DATA_SETS:
        found = of[data.name]
        files = RENDERED[data.name].format(data) if found["files"] == "rendered" else "given files"
        lines.append(
            (
                f"{NAMES[data.name]}, {files}",
                f"{digits(found['decoding_ms'])} ms",
                digits(found["clips_per_core_second"]),
                digits(found["kilobytes_per_clip"]),
                f"{found['train_gigabytes']:.0f} GB",
            )
        )
    return table(header, lines)


def one_training(stored: Stored) -> str:
    header = (
        "",
        "GMACs a clip",
        "clips per GPU second",
        "GPU hours",
        "8 GPUs",
        "64 GPUs",
        "decoder cores a GPU",
        "MB a GPU second",
    )
    of = {needed["preset"]: needed for needed in stored.json("scaling.json")["needs"]}
    lines = []
    for data in DATA_SETS:
        for network, label in TRAININGS.items():
            needed = of[f"{data.name}-{network}"]
            lines.append(
                (
                    f"{SHORT[data.name]}, {label}",
                    f"{needed['GMACs']:.1f}",
                    digits(needed["clips_per_gpu_second"]),
                    digits(needed["gpu_hours"]),
                    f"{needed['hours_8_gpus']:.1f} h",
                    f"{60 * needed['hours_64_gpus']:.0f} min",
                    digits(needed["decoder_cores_per_gpu"]),
                    digits(needed["megabytes_per_gpu_second"]),
                )
            )
    return table(header, lines)
