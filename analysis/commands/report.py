"""python -m analysis report: a comparison as one HTML file."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from analysis.compare.comparable import comparable_predictions
from analysis.compare.numbers import FILTERS
from analysis.compare.report import build_report
from analysis.compare.report_clips import chosen_clips, evaluated_model, frame_source
from analysis.html_page import GENERATOR
from atr.files import file_to_write, whole_file
from atr.options import OVERLAY_STYLES
from atr.results.notices import joined_notices, notice_facts, tell_notices
from atr.results.passes import SKIPPED
from atr.schema import counted


@dataclass(frozen=True)
class Report:
    """Write a comparison as one HTML file that needs no network: tables, plots, chosen clips, and what made them.

    Exit code 3: clips that were evaluated, or are shown, lack frames; they are listed.
    """

    predictions: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """two to four folders as python -m atr evaluate writes them; the first two are A and B"""
    out: Path = Path("report.html")
    """the file to write"""
    filter: Literal[tuple(FILTERS)] = "only_a"
    """which clips to show, sorted by disagreement of the checkpoints"""
    num_clips: int = 6
    """number of clips to show; 0 for none"""
    checkpoints: tuple[Path, ...] = (Path("assets/checkpoints"),)
    """checkpoints, or folders of checkpoints, which are found by the names in the predictions"""
    clips: str | None = None
    """where the clips are: tabletop:val, or a data set's folder; the data that was evaluated by default"""
    block: str | None = None
    """whose maps to draw, such as S4B1"""
    overlay_style: Literal[OVERLAY_STYLES] = "value"
    """of the maps over the clips, as in `python -m analysis actionness`"""
    follow_outside: bool = False
    """show clips that lie outside the data set's folder, by their path in a list or by a link"""
    allow_damaged: bool = False
    """show videos that cannot be decoded whole; the nearest frames stand in for those missing, and the report says so"""
    named: Annotated[tuple[Path, ...], tyro.conf.arg(name="predictions")] = ()
    """the same folders, given by name"""

    def run(self, command: str) -> int:
        if self.num_clips < 0:
            raise ValueError(f"num_clips={self.num_clips} is not allowed; allowed: 0 or more")
        out = file_to_write(self.out, GENERATOR)
        predictions = comparable_predictions(self.predictions + self.named)
        clips, chosen = [], ""
        if self.num_clips > 0:
            models = [evaluated_model(self.checkpoints, p) for p in predictions[:2]]
            sources = [
                frame_source(
                    self.clips or p.facts["data"]["name"],
                    model,
                    follow_outside=self.follow_outside,
                    allow_damaged=self.allow_damaged,
                )
                for p, model in zip(predictions, models, strict=False)
            ]
            for note in dict.fromkeys(note for source in sources for note in source.notes):
                print(note, file=sys.stderr)
            clips, chosen = chosen_clips(
                predictions,
                models,
                sources,
                filter=self.filter,
                count=self.num_clips,
                block=self.block,
                style=self.overlay_style,
            )
        page = build_report(predictions, command=command, clips=clips, chosen=chosen)
        with whole_file(out) as unfinished:
            unfinished.write_text(page, encoding="utf-8")
        print(f"written to {self.out}: {len(page) / 1e6:.1f} MB, {counted(len(clips), 'clip')} shown")
        shown = notice_facts({clip.id: clip.notices for clip in clips})
        return SKIPPED if tell_notices(joined_notices([*(p.facts for p in predictions), shown])) else 0
