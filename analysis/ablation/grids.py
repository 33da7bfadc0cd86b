"""The paper's tables as data: networks to train, each with its seeds, what the paper says of them, and its claims.

One baseline and one recipe: every network starts from the frame network of `tabletop-tsn` and learns as the video
presets do. Those that this package ships are cells too, of seed 0 but for TSM with ATR. The recipe is the same for all of
them, with two exceptions. Where no M is added, the BN is on r alone (`REASONED`). The two matrices from which GR makes W learn
at a tenth of the rate and its logits are divided by √C (`GRAPH`), without which its softmax is saturated.

Why a cell sees 144,000 clips: shorter ones do not reach the length at which networks differ. After 36,000 (6,000 in 6 epochs)
22.5 % of 2,000 clips are right without a block, 26.5 % with ATR_sim, 24.9 % with ATR, where after 144,000 ATR has 81 % and
ATR_sim 56 % (one seed each). Nor have they converged then: after 288,000 ATR has 89 % and ATR_sim 75 %, which is what the table
"length" is for; all others have one length.
"""

from dataclasses import dataclass, replace
from typing import Literal

from atr.resnet import PLACEMENTS
from atr.training.config import TrainConfig
from atr.training.presets import BLOCKS, GRAPH, REASONED, from_tsn

CLIPS, EPOCHS = 24_000, 6  # those of the presets, and so of every cell of Tables 1 to 5
# Of the curve over clips, beside CLIPS; as many are seen as by every other cell.
FEWER_CLIPS = (500, 2_000, 12_000)
CLIP_COUNTS = (*FEWER_CLIPS, CLIPS)
# Of the two networks of the main comparison, and of TSM, which is above both after EPOCHS.
LONGER = 2 * EPOCHS
SEEDS, HEADLINE_SEEDS = 3, 5
HEADLINE = ("tsn", "atr-sim-s3-5", "atr-s3-5", "scaling")
NO_BLOCK, SIMPLIFIED, FULL = "no block", "ATR_sim", "ATR"  # as tables name them
PLACED = {  # block -> where it is placed -> the network
    label: {NO_BLOCK: "tsn"} | {place: f"{name}-{place.lower()}" for place in PLACEMENTS}
    for label, name in ((SIMPLIFIED, "atr-sim"), (FULL, "atr"))
}

Mark = Literal["stated", "derived", "inferred", "published", ""]


@dataclass(frozen=True)
class Row:
    """A line of a table.

    Attributes:
        network: its name in NETWORKS; None where nothing can be trained here.
        paper: top-1 in %, as text, on Something-Something V2 with 8 frames and one view unless it says otherwise.
        mark: where that number is from: the paper's text, arithmetic on it, inference, other papers.
        note: why it is not trained, or in what it differs.
    """

    label: str
    network: str | None
    paper: str = ""
    mark: Mark = ""
    note: str = ""


@dataclass(frozen=True)
class Claim:
    """That one network is better than another, or, where `plateau`, that it is not by more than a negligible gain."""

    text: str
    better: str
    worse: str
    plateau: bool = False
    ours: bool = False  # the paper does not make it

    @property
    def told(self) -> str:
        return f"{self.text} (ours)" if self.ours else self.text


@dataclass(frozen=True)
class Table:
    """reasoners: whether the costs of the reasoners alone are shown."""

    title: str
    rows: tuple[Row, ...]
    claims: tuple[Claim, ...] = ()
    note: str = ""
    reasoners: bool = False


def placed(config: TrainConfig, placement: str | tuple[str, ...]) -> TrainConfig:
    return replace(config, model=replace(config.model, placement=placement))


def _networks() -> dict[str, TrainConfig]:
    """By name, those of the tables first."""
    found = {"tsn": from_tsn(None, BLOCKS)}
    for placement in PLACEMENTS:
        found[PLACED[SIMPLIFIED][placement]] = placed(from_tsn("atr_sim", REASONED), placement)
        found[PLACED[FULL][placement]] = placed(from_tsn("atr", BLOCKS), placement)
    found["atr-s3"] = placed(from_tsn("atr", BLOCKS), ("S3B1", "S3B2"))
    uniform = replace(REASONED, distribution="uniform")
    found |= {
        "gr-1": from_tsn("atr_sim", GRAPH),
        "gr-2": from_tsn("atr_sim", replace(GRAPH, num_reasoners=2)),
        "er-1": from_tsn("atr_sim", replace(REASONED, num_reasoners=1)),
        "er-3": from_tsn("atr_sim", replace(REASONED, num_reasoners=3)),
        "er-shared": from_tsn("atr_sim", replace(REASONED, er_kernel="shared")),
        "er-bottleneck": from_tsn("atr_sim", replace(REASONED, er_transform="bottleneck")),
        "er-full": from_tsn("atr_sim", replace(REASONED, er_transform="full")),
        "er-shared-full": from_tsn("atr_sim", replace(REASONED, er_kernel="shared", er_transform="full")),
        "appearance": from_tsn("atr", replace(uniform, use_motion=False)),
        "motion": from_tsn("atr", replace(uniform, use_appearance=False)),
        "uniform": from_tsn("atr", uniform),
        "scaling": from_tsn("atr", replace(REASONED, distribution="scale")),
    }
    for family in ("tsm", "slowonly"):
        name = f"{family}_resnet18"
        found[family] = from_tsn(None, BLOCKS, name)
        found[f"{family}-atr-sim"] = from_tsn("atr_sim", REASONED, name)
        found[f"{family}-atr"] = from_tsn("atr", BLOCKS, name)
    found["tsm-gr-1"] = from_tsn("atr_sim", GRAPH, "tsm_resnet18")
    found["trn"] = from_tsn(None, BLOCKS, "trn_resnet18")
    for arm in ARMS.values():
        for clips in FEWER_CLIPS:
            epochs = CLIPS * EPOCHS // clips
            # Looked at after every epoch: many short epochs would take as long for that as for learning.
            looked_at = 100 if epochs > 3 * EPOCHS else found[arm].dev_clips
            found[fewer(arm, clips)] = replace(
                found[arm], train_clips=clips, epochs=epochs, dev_clips=looked_at
            )
    for arm in ("atr-sim-s3-5", "atr-s3-5", "tsm"):
        found[longer(arm)] = replace(found[arm], epochs=LONGER)
    return found


def longer(network: str) -> str:
    return f"{network}-{LONGER}-epochs"


def fewer(network: str, clips: int) -> str:
    """What the same network is called that learns from so many clips."""
    return network if clips == CLIPS else f"{network}-{clips}-clips"


def placements(label: str, known: dict[str, tuple[str, Mark]]) -> list[Row]:
    """A row a placement of one kind of block. known: placement -> the paper's number and its mark."""
    blank: tuple[str, Mark] = ("", "")
    return [
        Row(f"{label} at {placement}", PLACED[label][placement], *known.get(placement, blank))
        for placement in PLACEMENTS
    ]


ARMS = {NO_BLOCK: "tsn", SIMPLIFIED: "atr-sim-s3-5", FULL: "atr-s3-5"}  # of the learning curves
NETWORKS: dict[str, TrainConfig] = _networks()
BETWEEN = "54.7 to 58.9"
PAIRED = (
    "TSN without a block cannot tell a clip from its reverse, and the classes are pairs of time reversals: it can reach half of "
    "what it recognises within pairs, so that any block that knows the order of frames is ahead of it here."
)

TABLES: dict[str, Table] = {
    "1": Table(
        "Table 1: where blocks are placed, with and without the action-centric formulation",
        (
            Row(NO_BLOCK, "tsn", "27.5", "stated"),
            *placements(SIMPLIFIED, {"S5-3": ("47.1", "stated"), "S3-5": ("54.7", "inferred")}),
            *placements(FULL, {"S5-3": ("50.3", "stated"), "S3-5": ("59.6", "stated")}),
            Row("ATR at S3 alone", "atr-s3", note="not in the paper"),
        ),
        (
            Claim("One ATR_sim block is better than none", "atr-sim-s5-3", "tsn"),
            Claim("One ATR block is better than none", "atr-s5-3", "tsn"),
            Claim("One ATR block is better than one ATR_sim block", "atr-s5-3", "atr-sim-s5-3"),
            Claim("ATR in three stages is better than ATR_sim there", "atr-s3-5", "atr-sim-s3-5"),
            Claim("ATR_sim in three stages is better than one block of it", "atr-sim-s3-5", "atr-sim-s5-3"),
            Claim("ATR in three stages is better than one block of it", "atr-s3-5", "atr-s5-3"),
            Claim("ATR in both blocks of stage 5 is better than in the last", "atr-s5", "atr-s5-3"),
            Claim("ATR in two stages is better than in one", "atr-s4-5", "atr-s5"),
            Claim("ATR in three stages is better than in two", "atr-s3-5", "atr-s4-5"),
            Claim("ATR in a fourth stage adds little", "atr-s2-5", "atr-s3-5", plateau=True),
        ),
        f"{PAIRED} S5-3, the last block of stage 5, is the third of three in the paper's ResNet-50 and the second of two in our "
        "ResNet-18.",
    ),
    "2": Table(
        "Table 2: the efficient reasoner against the graph-based one, in ATR_sim",
        (
            Row("GR×1", "gr-1", "47.7", "derived"),
            Row("GR×2", "gr-2"),
            Row("ER×1", "er-1", "53.2", "stated"),
            Row("ER×2", "atr-sim-s3-5", "54.7", "stated"),
            Row("ER×3", "er-3"),
            Row(
                "ER×2, one kernel for all channels",
                "er-shared",
                note="not in the paper",
            ),
            Row(
                "ER×2, bottleneck transform",
                "er-bottleneck",
                note="not in the paper",
            ),
            Row("ER×2, full transform", "er-full", note="not in the paper"),
            Row(
                "ER×2, one kernel, full transform",
                "er-shared-full",
                note="the literal derivation; not in the paper",
            ),
            Row("GR×1 on TSM", "tsm-gr-1", note="not in the paper; vectors of TSM know the order of frames"),
        ),
        (
            Claim("One efficient reasoner is better than one graph-based reasoner", "er-1", "gr-1"),
            Claim("Two efficient reasoners are better than one", "atr-sim-s3-5", "er-1"),
            Claim("A third efficient reasoner adds little", "er-3", "atr-sim-s3-5", plateau=True),
        ),
        "A network without motion of its own whose only temporal module is GR cannot tell a clip from its reverse, by "
        "construction: half of what it recognises within pairs of time reversals is what it can reach. The logits of GR are "
        "divided by √C, and the two matrices that make them learn at a tenth of the rate: its softmax is saturated otherwise.",
        reasoners=True,
    ),
    "3": Table(
        "Table 3: appearance and motion in the locator, with uniform distribution",
        (
            Row("appearance", "appearance"),
            Row("motion", "motion"),
            Row("appearance and motion", "uniform", BETWEEN, "derived"),
        ),
        (
            Claim("Both cues are better than appearance alone", "uniform", "appearance"),
            Claim("Both cues are better than motion alone", "uniform", "motion"),
            Claim("Action-centric aggregation is better than average pooling", "uniform", "atr-sim-s3-5"),
        ),
    ),
    "4": Table(
        "Table 4: forms of the action-centric distribution",
        (
            Row("uniform", "uniform", BETWEEN, "derived"),
            Row("scaling", "scaling", "58.9", "stated"),
            Row("adding", "atr-s3-5", "59.6", "stated"),
        ),
        (
            Claim("Adding is better than uniform distribution", "atr-s3-5", "uniform"),
            Claim("Scaling is better than uniform distribution", "scaling", "uniform"),
            Claim("Adding is better than scaling", "atr-s3-5", "scaling"),
        ),
        "The forms differ in the norm too: BN(M + r) in adding, σ(M)·BN(r) in scaling, BN(r) in uniform.",
    ),
    "5": Table(
        "Table 5: three baselines",
        (
            Row("TSN", "tsn", "27.5", "stated"),
            Row("TSN + ATR_sim", "atr-sim-s3-5", "54.7", "inferred"),
            Row("TSN + ATR", "atr-s3-5", "59.6", "stated"),
            Row("TSM", "tsm", "58 to 59", "published"),
            Row("TSM + ATR_sim", "tsm-atr-sim"),
            Row("TSM + ATR", "tsm-atr", "64.0 (2×3 views)", "derived"),
            Row(
                "SlowOnly",
                "slowonly",
                note="74.9 on Kinetics-400, published with 10×3 views; 3×3×3 kernels here",
            ),
            Row("SlowOnly + ATR_sim", "slowonly-atr-sim"),
            Row("SlowOnly + ATR", "slowonly-atr"),
        ),
        (
            Claim("TSN gains by ATR", "atr-s3-5", "tsn"),
            Claim("TSN gains more by ATR than by ATR_sim", "atr-s3-5", "atr-sim-s3-5"),
            Claim("TSM gains by ATR", "tsm-atr", "tsm"),
            Claim("TSM gains more by ATR than by ATR_sim", "tsm-atr", "tsm-atr-sim", ours=True),
            Claim("SlowOnly gains by ATR", "slowonly-atr", "slowonly"),
            Claim(
                "SlowOnly gains more by ATR than by ATR_sim", "slowonly-atr", "slowonly-atr-sim", ours=True
            ),
            Claim("TSN with ATR is above TSM without it", "atr-s3-5", "tsm"),
            Claim("TSN with ATR is above SlowOnly without it", "atr-s3-5", "slowonly"),
        ),
        f"{PAIRED} Of TSN with ATR the paper says that it becomes “competitive or even superior” to TSM and SlowOnly: the last two "
        "claims take the stronger of the two. SlowOnly here has 3×3×3 kernels, since a ResNet-18 has 3×3 where the paper's "
        "ResNet-50 has 1×1: it has 78 % more parameters and costs 32 % more than TSN and TSM.",
    ),
    "rivals": Table(
        "Tables 6 and 7: other methods of temporal reasoning",
        (
            Row("TSM + ATR", "tsm-atr", "64.0 (2×3 views)", "derived"),
            Row("TRN, multi-scale", "trn", "48.8", "inferred"),
            Row("TSM", "tsm"),
            Row(
                "TRG",
                None,
                "58.4 (2×3 views)",
                "derived",
                "not implemented here: only its abstract was at hand, which does not tell its graphs' sizes",
            ),
            Row("STIN", None, note="needs an object detector; its number is in a table that we do not have"),
            Row("MUSLE", None, note="needs an object detector; its number is in a table that we do not have"),
        ),
        (Claim("TSM + ATR is better than TRN", "tsm-atr", "trn"),),
        "TSM without a block is there to tell what of the difference is not ATR's. The paper states by how much TSM + ATR is "
        "above TRN and TRG; their own numbers follow from TRN's 48.8. TRN (Zhou et al. 2018) is a head on the features of the "
        "same frame network, trained as all others.",
    ),
    "epochs": Table(
        "Learning speed: accuracy by epoch",
        tuple(Row(label, arm) for label, arm in ARMS.items()),
        note=f"Each training sees {CLIPS:,} clips an epoch, and its learning rate falls to zero over {EPOCHS} epochs.",
    ),
    "length": Table(
        "Convergence: accuracy by length of training",
        (
            Row(f"ATR_sim, {EPOCHS} epochs", "atr-sim-s3-5"),
            Row(f"ATR, {EPOCHS} epochs", "atr-s3-5"),
            Row(f"TSM without a block, {EPOCHS} epochs", "tsm"),
            Row(f"ATR_sim, {LONGER} epochs", longer("atr-sim-s3-5")),
            Row(f"ATR, {LONGER} epochs", longer("atr-s3-5")),
            Row(f"TSM without a block, {LONGER} epochs", longer("tsm")),
        ),
        (
            Claim(
                "After twice as long a training ATR is still better than ATR_sim",
                longer("atr-s3-5"),
                longer("atr-sim-s3-5"),
                ours=True,
            ),
            Claim(
                "After twice as long a training TSN with ATR is above TSM without it",
                longer("atr-s3-5"),
                longer("tsm"),
                ours=True,
            ),
        ),
        note="Each length has a schedule of its own, whose learning rate falls to zero at the end.",
    ),
    "clips": Table(
        "Learning speed: accuracy by number of training clips",
        tuple(
            Row(f"{label}, {clips:,} clips", fewer(arm, clips))
            for clips in CLIP_COUNTS
            for label, arm in ARMS.items()
        ),
        note=f"Each training sees {CLIPS * EPOCHS:,} clips in all: fewer of them in more epochs.",
    ),
}


def first_row(network: str) -> tuple[str, str]:
    """The key of the first table with this network, and its label there."""
    return next(
        (key, row.label) for key, table in TABLES.items() for row in table.rows if row.network == network
    )


def seeds_of(network: str) -> int:
    return HEADLINE_SEEDS if network in HEADLINE else SEEDS
