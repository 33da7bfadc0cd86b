"""A video file: frames by index, exactly, and a plain account of what cannot be given."""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from atr.video.encoding import MOST_FPS
from atr.video.ending import fault_of_structure
from atr.video.limits import Limits
from atr.video.notices import Kind, Notice
from atr.video.packets import codec_name
from atr.video.passage import Damaged, Disordered, Lost, sound_frames
from atr.video.picture import PictureMaker
from atr.video.track import Track
from atr.video.video import DEFAULT_FPS, NEAREST_SHOWN, Video, VideoError, spans

DECODABLE = 0.9  # of the frames; a file with fewer is refused unless damage is allowed
ENOUGH = 0.98  # of what a file states of its length, which is often a little too much
FOURCC = {"mpeg4": "FMP4", "vp8": "VP80", "vp9": "VP90", "av1": "AV01"}

Frames = Iterator[tuple[int, av.VideoFrame | None]]  # (index, frame), None for one that cannot be decoded


class VideoFile(Video):
    """See `atr.video.decoding` for what is promised."""

    def __init__(self, path: Path, limits: Limits, allow_damaged: bool):
        self.path, self.limits, self.allow_damaged = path, limits, allow_damaged
        self._notices: dict[Notice, None] = {}
        self._size: tuple[int, int] | None = None
        self._counted: list[int] | None = None  # ordinals of the frames, where decoding had to count them
        self._spoilt: list[int] | None = None  # indices that cannot be decoded, once all frames were tried
        self.track = Track(path, limits)
        try:
            stream = self.track.stream
            codec = codec_name(stream.codec_context.name)
            self.codec = FOURCC.get(codec, codec)
            self.maker = PictureMaker(stream.sample_aspect_ratio)
            if self.track.tracks > 1:
                self._note(f"of {self.track.tracks} video tracks number {stream.index} is read", "change")
            self.packets = self.track.packets()
            if not self.packets.identities:
                raise self.error("holds no frame that can be decoded")
            if self.packets.order is not None:
                self._leave_out_what_cannot_begin()
            self._tell_how_it_ends()
            if self.packets.corrupt and self._is_affordable:
                self.check()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.track.close()

    @property
    def length(self) -> int:
        return len(self._count() if self.packets.order is None else self.packets.order)

    @property
    def size(self) -> tuple[int, int]:
        if self._size is None:
            self._look_at(self._first_frame())
        return self._size

    @property
    def notices(self) -> tuple[Notice, ...]:
        return (*self._notices, *self.maker.notices)

    @property
    def times(self) -> np.ndarray:
        stamps = self._time_stamps()
        if stamps is None:
            return np.arange(self.length) / self.fps
        return (stamps - stamps[0]) * float(self.track.stream.time_base)

    @property
    def fps(self) -> float:
        stream, stamps = self.track.stream, self._time_stamps()
        stated = [rate for rate in (stream.average_rate, stream.guessed_rate) if rate and 0 < rate < MOST_FPS]
        if stamps is None or len(stamps) < 2:
            return float(stated[0]) if stated else DEFAULT_FPS
        seconds, gaps = int(stamps[-1] - stamps[0]) * stream.time_base, len(stamps) - 1
        for rate in stated:  # time stamps may be rounded, a stated rate is exact
            if abs(gaps / rate - seconds) <= max(2 * stream.time_base, Fraction(1, 2) / rate):
                return float(rate)
        return float(min(gaps / seconds, MOST_FPS))  # no film of it is written faster

    def pictures(self, wanted: list[int] | None) -> Iterator[np.ndarray]:
        if self.packets.order is None and wanted is None:
            yield from (self._picture(frame) for _, frame in self._counted_frames(self.track))
            return
        if self.packets.order is not None:
            wanted = list(range(self.length)) if wanted is None else wanted
            if wanted and wanted[-1] >= self.length:
                raise self._too_short(wanted[-1], self.length)
        sources = self._sources(wanted)
        repeats = Counter(sources)
        done = 0
        for index, frame in self._frames(self.track, sorted(set(sources))):
            if frame is None:
                yield from self._pictures_despite_damage(index, wanted[done:])
                return
            picture = self._picture(frame)
            for _ in range(repeats[index]):
                done += 1
                yield picture

    def check(self) -> None:
        """Decode everything once, to know which frames can be; a notice names those that cannot.

        Raises VideoError where fewer than nine in ten can, unless damage is allowed.
        """
        if self.packets.order is None:
            self._count()
        elif self._spoilt is None:
            track = Track(self.path, self.limits)
            try:
                frames = self._frames(track, range(self.length), repeat=False)
                self._spoilt = [index for index, frame in frames if frame is None]
            finally:
                track.close()
            if self._spoilt:
                found = f"frames {spans(self._spoilt)} of {self.length} cannot be decoded"
                self._note(found)
                self._require(len(self._spoilt), self.length, found)

    def _pictures_despite_damage(self, index: int, wanted: list[int]) -> Iterator[np.ndarray]:
        """From a frame on that cannot be decoded: refuse it, or go on with the nearest ones that can."""
        if self.allow_damaged or self._is_affordable:
            self.check()
        if not self.allow_damaged:
            known = "" if not self._spoilt else f" (frames {spans(self._spoilt)} of {self.length} cannot be)"
            raise self.damage(f"frame {index} cannot be decoded{known}")
        if not self._spoilt or index not in self._spoilt:  # it could be decoded in the company of all others
            raise self.error(f"frame {index} cannot be decoded on its own")
        yield from self.pictures(wanted)

    def _sources(self, wanted: list[int]) -> list[int]:
        """The frames shown for those wanted: themselves, or the nearest that can be decoded where damage is allowed."""
        if not self._spoilt or not self.allow_damaged:
            return wanted
        spoilt = set(self._spoilt)
        usable = [index for index in range(self.length) if index not in spoilt]
        if not usable:
            raise self.error("holds no frame that can be decoded")
        sources = []
        for index in wanted:
            at = bisect_left(usable, index)
            sources.append(min(usable[max(at - 1, 0) : at + 1], key=lambda each: abs(each - index)))
        if replaced := [index for index, source in zip(wanted, sources, strict=True) if index != source]:
            self._note(f"for frames {spans(replaced)} {NEAREST_SHOWN}")
        return sources

    def _frames(self, track: Track, wanted: Sequence[int], repeat: bool = True) -> Frames:
        """Frames of distinct increasing indices; with `repeat` one that does not come is tried from earlier keys."""
        wanted, back = deque(wanted), 0
        while wanted:
            if self.packets.order is None:
                yield from self._by_counting(track, list(wanted))
                return
            group = self._one_passage(wanted)
            start = self.packets.key_before(group[0], back) if back < 2 else 0
            try:
                for index, frame in track.passage(self.packets, start, group):
                    if frame is None and repeat and start > 0 and back < 2:
                        back += 1
                        break
                    wanted.popleft()
                    back = 0
                    yield index, frame
            except Damaged:
                track.use_one_thread()
            except Lost as error:
                if not track.seekable:
                    raise self.error("the file changed while it was read") from error
                track.seekable = False
            except Disordered:
                self._distrust_time_stamps()

    def _one_passage(self, wanted: Sequence[int]) -> list[int]:
        """The first of the wanted frames, and those that are reached soonest by decoding on from there."""
        group = [wanted[0]]
        for index in wanted:
            if index == group[0]:
                continue
            if self.packets.key_before(index) > int(self.packets.order[group[-1]]) + 1:
                break
            group.append(index)
        return group

    def _by_counting(self, track: Track, wanted: list[int]) -> Frames:
        chosen, position = set(wanted), -1
        for position, frame in self._counted_frames(track):
            if position in chosen:
                yield position, frame
            if position == wanted[-1]:
                return
        raise self._too_short(wanted[-1], position + 1)

    def _counted_frames(
        self, track: Track, failures: list[int] | None = None
    ) -> Iterator[tuple[int, av.VideoFrame]]:
        """(position, frame) of all that decode well, in the order in which the decoder hands them out.

        failures: is filled with the positions before which frames were left out; if None, the first failure makes
        the whole file be counted.
        """
        delivered = 0
        while True:
            position = 0
            try:
                for frame in sound_frames(track.all_frames(self.packets), track.stream.codec_context):
                    if frame is None:
                        if failures is not None and position >= delivered:
                            failures.append(position)
                        elif failures is None:
                            self._count()
                        continue
                    if position >= delivered:
                        delivered += 1
                        yield position, frame
                    position += 1
                return
            except Damaged:
                track.use_one_thread()

    def _count(self) -> list[int]:
        """Ordinals of the frames, by decoding all of them. Raises VideoError where too many fail."""
        if self._counted is None:
            pixels = self.track.stream.width * self.track.stream.height * len(self.packets.identities)
            if pixels > self.limits.counted_pixels:
                raise self.error(
                    f"has to be decoded to count its frames, {pixels} pixels; at most {self.limits.counted_pixels} are"
                )
            track, failures = Track(self.path, self.limits), []
            try:
                counted = []
                for position, frame in self._counted_frames(track, failures):
                    if position == 0:
                        self._look_at(frame)
                    counted.append(frame.pts)
                self._counted = counted
            finally:
                track.close()
            if not self._counted:
                raise self.error("holds no frame that can be decoded")
            if failures:
                total = len(self._counted) + len(failures)
                found = f"{len(failures)} of {total} frames cannot be decoded and are left out, before frame "
                found += spans(set(failures))
                self._note(found)
                self._require(len(failures), total, found)
        return self._counted

    def _distrust_time_stamps(self) -> None:
        told = self.length
        self.packets = replace(self.packets, order=None)
        if self.length != told:
            raise self.error(f"its time stamps speak of {told} frames, {self.length} can be decoded")

    def _leave_out_what_cannot_begin(self) -> None:
        """Frames at the start that need what came before the file does."""
        packets = self.packets
        if not len(packets.stated_keys):
            return
        key = int(packets.stated_keys[0])
        begin = bisect_left(packets.order, packets.time_stamp(key), key=packets.time_stamp)
        leading = {int(ordinal) for ordinal in packets.order[:begin]}
        doubtful = {ordinal for ordinal in leading if ordinal > key}
        lost = {ordinal for ordinal in packets.order.tolist() if ordinal < key} | leading - doubtful
        if doubtful:  # a closed group of pictures can begin with pictures shown before its key
            lost |= doubtful - self._come_before(key)
        if lost:
            self.packets = packets.without(lost)
            self._note(f"{len(lost)} frames at the start, which need what came before them, are left out")
        if not len(self.packets.order):
            raise self.error("holds no frame that can be decoded")

    def _come_before(self, key: int) -> set[int]:
        """Ordinals of the sound frames that the decoder hands out before a key's."""
        self.track.use_one_thread()
        came = set()
        for ordinal, frame in self.track.all_frames(self.packets):
            if ordinal == key and frame is not None:
                break
            if frame is not None and not frame.is_corrupt:
                came.add(ordinal)
        return came

    def _tell_how_it_ends(self) -> None:
        stream, packets = self.track.stream, self.packets
        fault = fault_of_structure(self.track.file, self.track.container_name, len(packets.identities))
        if fault:
            self._note(fault)
        if packets.unread:
            self._note(
                f"the file cannot be read beyond its {len(packets.identities)}th frame ({packets.unread})"
            )
        if packets.missing:
            there = len(packets.identities if packets.order is None else packets.order)
            total = there + packets.missing
            found = f"frames {there} to {total - 1} of {total} are missing: the file was cut short"
            self._note(found)
            self._require(packets.missing, total, found)
        elif self.track.container_name == "avi":
            if len(packets.identities) < ENOUGH * stream.frames - 2:
                self._note(f"the file states {stream.frames} frames and holds {len(packets.identities)}")
        elif self.track.container_name == "matroska" and packets.order is not None:
            stated, stamps = _seconds(stream.metadata.get("DURATION", "")), self._time_stamps()
            if stamps is not None and len(stamps) > 1:
                gaps = len(stamps) - 1
                seconds = float(int(stamps[-1] - stamps[0]) * stream.time_base) * (gaps + 1) / gaps
                if seconds < ENOUGH * stated - 2 * seconds / gaps:
                    self._note(f"the file states {stated:.2f} s and ends after {seconds:.2f} s")

    def _time_stamps(self) -> np.ndarray | None:
        """Of the shown frames, in ticks; None where the file states none that increase."""
        ordinals = self._count() if self.packets.order is None else self.packets.order.tolist()
        stamps = [self.packets.time_stamp(ordinal) for ordinal in ordinals]
        if None in stamps:
            return None
        stamps = np.array(stamps, dtype=np.int64)
        return stamps if (np.diff(stamps) > 0).all() else None

    def _first_frame(self) -> av.VideoFrame:
        while True:
            try:
                for _, frame in self.track.all_frames(self.packets):
                    if frame is not None and (
                        self.packets.order is None or self.packets.rank[frame.pts] >= 0
                    ):
                        return frame
            except Damaged:
                self.track.use_one_thread()
                continue
            reason = "holds no frame that can be decoded"
            if not self.track.stream.width:  # the decoder refused it before it said its size
                reason += f", or frames of more than {self.limits.pixels} pixels"
            raise self.error(reason)

    @property
    def _is_affordable(self) -> bool:
        """Whether decoding all frames, unasked, takes reasonable time."""
        pixels = self.track.stream.width * self.track.stream.height
        return pixels * len(self.packets.identities) <= self.limits.counted_pixels / 20

    def _look_at(self, first: av.VideoFrame) -> None:
        self._check_pixels(first)
        self.maker.note(first)
        self._size = self.maker.size(first)

    def _picture(self, frame: av.VideoFrame) -> np.ndarray:
        self._check_pixels(frame)
        return self.maker.picture(frame)

    def _check_pixels(self, frame: av.VideoFrame) -> None:
        height, width = self.maker.size(frame)
        if max(height * width, frame.height * frame.width) > self.limits.pixels:
            raise self.error(f"has frames of {width}x{height} pixels; at most {self.limits.pixels} are read")

    def _require(self, lacking: int, total: int, found: str) -> None:
        if not self.allow_damaged and total - lacking < DECODABLE * total:
            raise self.damage(f"{found}; at least {DECODABLE:.0%} must be decodable")

    def _too_short(self, index: int, length: int) -> VideoError:
        return self.error(f"frame {index} is wanted, but the video ends after {length} frames")

    def _note(self, sentence: str, kind: Kind = "damage") -> None:
        self._notices[Notice(sentence, kind)] = None


def _seconds(stated: str) -> float:
    """Of 00:01:02.5; 0 where it is none."""
    try:
        hours, minutes, seconds = (float(part) for part in stated.split(":"))
    except ValueError:
        return 0.0
    return 3600 * hours + 60 * minutes + seconds
