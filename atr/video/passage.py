"""Which of the frames that a decoder hands out can be relied on."""

from collections import deque
from collections.abc import Iterator

import av

from atr.video.packets import PacketList


class Damaged(Exception):
    """Damage met while several threads decode, which report it late: to be decoded again by one."""


class Disordered(Exception):
    """Frames come out of the decoder in another order than their time stamps say."""


class Lost(Exception):
    """The packets are not those of the list: the file changed, or the container seeks to where it should not."""


class Passage:
    """What is known of the frames of one passage while they come out of the decoder."""

    def __init__(self, packets: PacketList, start: int, wanted: list[int]):
        self.packets, self.start = packets, start
        self.waiting = deque(wanted)  # for the decoder
        # (index, ordinal, frame or None), until what lies before has come
        self.held: deque[tuple[int, int, av.VideoFrame | None]] = deque()
        self.first = packets.first_from(start)  # frames shown earlier need what lies before the start
        self.latest = self.first - 1  # index of the last frame that came
        self.fed = start - 1
        self.settled: set[int] = set()  # ordinals whose frames came, or never will
        self.low = start  # the first ordinal that is not settled
        self.spoilt: set[int] = set()
        self.over = False

    @property
    def has_seen_all(self) -> bool:
        """Whether no further packet has to be decoded: the wanted frames came, and the packet after each was tried."""
        return not self.waiting and all(
            ordinal < self.fed or ordinal + 1 in self.packets.key_set for _, ordinal, _ in self.held
        )

    def spoil(self, ordinal: int) -> None:
        """The packet is damaged; so may be the end of the one stored before it, which a decoder does not notice."""
        first = ordinal if ordinal in self.packets.key_set else max(ordinal - 1, self.start)
        self.spoilt.update(self.packets.spoilt_by(first))
        self.settled.add(ordinal)

    def take(self, frame: av.VideoFrame) -> None:
        ordinal = frame.pts
        index = int(self.packets.rank[ordinal])
        if index < self.first:
            return
        if index <= self.latest:
            raise Disordered
        if frame.is_corrupt:
            self.spoil(ordinal)
        self._miss(index)
        self.latest = index
        self.settled.add(ordinal)
        if self.waiting and self.waiting[0] == index:
            self.waiting.popleft()
            self.held.append((index, ordinal, frame))

    def _miss(self, end: int) -> None:
        """Frames before index `end` that have not come will not."""
        for index in range(self.latest + 1, end):
            ordinal = int(self.packets.order[index])
            if self.start <= ordinal <= self.fed and ordinal not in self.settled:
                self.spoil(ordinal)
            if self.waiting and self.waiting[0] == index:
                self.waiting.popleft()
                self.held.append((index, ordinal, None))

    def ready(self) -> Iterator[tuple[int, av.VideoFrame | None]]:
        rank = self.packets.rank
        while self.low <= self.fed and (self.low in self.settled or rank[self.low] < self.first):
            self.low += 1
        while self.held and (self.held[0][2] is None or self._is_decided(self.held[0][1])):
            index, ordinal, frame = self.held.popleft()
            yield index, None if ordinal in self.spoilt else frame

    def _is_decided(self, ordinal: int) -> bool:
        """Whether the frame of this packet cannot be doubted later."""
        following = ordinal + 1
        return self.over or following < self.low or ordinal < self.low and following in self.packets.key_set

    def finish(self) -> bool:
        """Nothing more comes. Whether there was damage."""
        last = max((int(index) for index in self.packets.rank[self.start : self.fed + 1]), default=-1)
        self._miss(last + 1)
        self.held.extend((index, int(self.packets.order[index]), None) for index in self.waiting)
        self.waiting.clear()
        self.over = True
        return bool(self.spoilt)


def sound_frames(
    decoded: Iterator[tuple[int, av.VideoFrame | None]], context: av.VideoCodecContext
) -> Iterator[av.VideoFrame | None]:
    """Frames as the decoder hands them out, None for those that fail or may be built on one that did.

    After a failing packet everything stored later is doubted up to the next key. Frames are held back by as many as
    can overtake each other, since damage may show in one that is stored before and shown after them.
    """
    held: deque[av.VideoFrame] = deque()
    broken: int | None = None  # ordinal of the last packet that failed
    failed = set()
    for ordinal, frame in decoded:
        if ordinal in failed:
            continue  # what a decoder made of a packet that it called damaged
        if frame is None or frame.is_corrupt:
            failed.add(ordinal)
            broken = ordinal if broken is None else min(broken, ordinal)
            for _ in range(len(held)):
                each = held.popleft()
                yield each if each.pts < ordinal else None
            yield None
            continue
        if broken is not None and frame.pts > broken:
            if not frame.key_frame:
                yield None
                continue
            broken = None
        held.append(frame)
        while len(held) > context.reorder_depth:
            yield held.popleft()
    yield from held
