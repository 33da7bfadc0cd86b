"""The frames of a video file in the order in which they are shown, known from its packets without decoding.

A packet is the coded form of a frame. Reading all packets of a file is quick, and their time stamps order the frames,
provided that every packet presents exactly one frame and states its time. That is known for the codings in
`ONE_FRAME_A_PACKET`, whose packets without a picture of their own can be told from their first or last bytes. In all
other cases `PacketList.order` is None, and frames have to be decoded to be counted.
"""

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from fractions import Fraction

import av
import numpy as np

from atr.video.container import demultiplexed
from atr.video.limits import Limits

ONE_FRAME_A_PACKET = {
    *(
        "h264",
        "hevc",
        "av1",
        "vp8",
        "vp9",
        "mpeg1video",
        "mpeg2video",
        "mpeg4",
        "mjpeg",
        "prores",
        "dnxhd",
        "cfhd",
    ),
    *("ffv1", "dvvideo", "gif", "png", "rawvideo", "huffyuv", "ffvhuff", "utvideo", "v210", "qtrle"),
}
FIELD_PACKETS = {"h264"}  # a frame's two fields may lie in packets of their own
MPEG4_PICTURE = b"\x00\x00\x01\xb6"
SMALLEST_MPEG4_PICTURE = 16  # bytes; a smaller packet may stand for a picture that is not coded
FIELD_ORDERS = (2, 3, 4, 5)  # FFmpeg's AV_FIELD_TT, BB, TB, BT: interlaced

Identity = tuple[int | None, int | None, int]


@dataclass(frozen=True)
class PacketList:
    """Packets of one video track in the order of the file, n of them; their places there are called ordinals.

    Attributes:
        identities: time stamp, position in the file and size of each.
        keys: ordinals at which decoding can begin, increasing; the first is 0.
        stated_keys: those of them that the file marks; 0 is a key without a mark in a recording cut at its start.
        corrupt: ordinals of packets that the container knows to be damaged.
        order: ordinals of the packets that are shown, in the order of their time stamps (L,), or None.
        rank: index of the frame that each packet presents (n,), -1 for none.
        missing: packets which the file's table lists beyond the file's end.
        unread: what went wrong where reading the packets ended early, or "".
    """

    identities: list[Identity]
    keys: np.ndarray
    stated_keys: np.ndarray
    corrupt: frozenset[int]
    order: np.ndarray | None
    missing: int
    unread: str
    rank: np.ndarray = field(init=False, repr=False, compare=False)
    key_set: frozenset[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        rank = np.full(len(self.identities), -1)
        if self.order is not None:
            rank[self.order] = np.arange(len(self.order))
        object.__setattr__(self, "rank", rank)
        object.__setattr__(self, "key_set", frozenset(self.keys.tolist()))

    def time_stamp(self, ordinal: int) -> int | None:
        return self.identities[ordinal][0]

    def key_before(self, index: int, back: int = 0) -> int:
        """Ordinal from which frame `index` can be decoded: the last key stored and shown no later than it.

        A picture that is stored after a key and shown before it may need what lies before the key. `back` is the
        number of keys to go further back.
        """
        ordinal = int(self.order[index])
        at = int(np.searchsorted(self.keys, ordinal, side="right")) - 1
        shown = self.time_stamp(ordinal)
        while at > 0 and self.time_stamp(int(self.keys[at])) > shown:
            at -= 1
        return int(self.keys[max(at - back, 0)])

    def first_from(self, key: int) -> int:
        """Index of the first frame that can be decoded from the key at this ordinal on."""
        if key == 0:
            return 0
        return bisect_left(self.order, self.time_stamp(key), key=self.time_stamp)

    def spoilt_by(self, ordinal: int) -> list[int]:
        """Ordinals that may be built on a damaged packet: all up to the next key, and what is shown before that."""
        at = int(np.searchsorted(self.keys, ordinal, side="right"))
        if at == len(self.keys):
            return list(range(ordinal, len(self.identities)))
        key = int(self.keys[at])
        leading = []
        for later in range(key + 1, len(self.identities)):
            if later in self.key_set or not self.rank[later] < self.rank[key]:
                break
            leading.append(later)
        return [*range(ordinal, key), *leading]

    def without(self, ordinals: set[int]) -> "PacketList":
        """The same packets, of which some are not shown."""
        kept = [ordinal for ordinal in self.order.tolist() if ordinal not in ordinals]
        return replace(self, order=np.array(kept, dtype=np.int64))


def identity(packet: av.Packet) -> Identity:
    return packet.pts, packet.pos, packet.size


def read_packets(
    container: av.container.InputContainer, stream: av.VideoStream, limits: Limits
) -> PacketList:
    """Read a track from its start to its end.

    Raises ValueError when a limit is exceeded.
    """
    codec = stream.codec_context.name
    identities: list[Identity] = []
    hidden, corrupt, keys = set(), set(), []
    plain, listed, unread = codec_name(codec) in ONE_FRAME_A_PACKET, 0, ""
    try:
        for packet in demultiplexed(container, stream):
            listed += packet.pts is not None or packet.dts is not None or packet.size > 0
            if packet.size == 0:
                continue  # a dropped frame, or the mark of the end; to the decoder it would be the end
            ordinal = len(identities)
            if ordinal >= limits.frames:
                raise TooLong(f"has more than {limits.frames} frames; no more are read")
            identities.append(identity(packet))
            if packet.is_keyframe:
                keys.append(ordinal)
            if packet.is_corrupt:
                # Of a transport stream, a parser hands a packet over when the next one begins, with the mark of that one.
                corrupt |= {ordinal, ordinal + (container.format.name == "mpegts")}
            frames = 1 if packet.is_discard else frames_in(packet, codec)
            plain = plain and frames is not None
            if packet.is_discard or frames == 0:
                hidden.add(ordinal)
    except av.FFmpegError as error:
        unread = error.strerror or str(error)
    missing = 0
    if container.format.name.startswith("mov"):
        missing = max(len(stream.index_entries) - listed, 0)
        if missing and identities and len(identities) - 1 in corrupt:  # the one that the end cuts through
            corrupt.discard(len(identities) - 1)
            keys = [key for key in keys if key < len(identities) - 1]
            identities.pop()
            missing += 1
    fields = codec in FIELD_PACKETS and not container.format.name.startswith(("mov", "matroska"))
    if fields and stream.codec_context.field_order in FIELD_ORDERS:
        plain = False
    order = _by_time(identities, hidden) if plain else None
    if order is not None and len(order):
        first, last = identities[order[0]][0], identities[order[-1]][0]
        seconds = float((last - first) * (stream.time_base or Fraction(1)))
        if seconds > limits.seconds:
            raise TooLong(f"lasts {seconds:.0f} s; at most {limits.seconds} s are read")
    stated = np.array(keys, dtype=np.int64)
    return PacketList(
        identities,
        np.union1d(stated, [0]).astype(np.int64),
        stated,
        frozenset(corrupt & set(range(len(identities)))),
        order,
        missing,
        unread,
    )


class TooLong(ValueError):
    """A video beyond the limits."""


def codec_name(decoder: str) -> str:
    """Name of a coding from that of its decoder: libdav1d decodes av1."""
    return {"libdav1d": "av1", "libaom-av1": "av1", "libvpx": "vp8", "libvpx-vp9": "vp9"}.get(
        decoder, decoder
    )


def frames_in(packet: av.Packet, decoder: str) -> int | None:
    """Frames that a packet presents: 0 where it only serves others, None where it cannot be told."""
    codec = codec_name(decoder)
    if codec == "vp8":
        return memoryview(packet)[0] >> 4 & 1  # RFC 6386, 9.1: show_frame
    if codec == "vp9":
        return _vp9_frames(memoryview(packet))
    if codec == "mpeg4":
        coded = bytes(packet)
        # B frames packed with the frame before them, and place holders, are taken apart by the decoder only.
        return 1 if len(coded) >= SMALLEST_MPEG4_PICTURE and coded.count(MPEG4_PICTURE) == 1 else None
    return 1


def _vp9_frames(coded: memoryview) -> int | None:
    """Shown frames of a packet, which may be a superframe of several (VP9 bitstream, 6.2 and annex B)."""
    last = coded[-1]
    sizes = [len(coded)]
    if last & 0xE0 == 0xC0:
        count, width = (last & 7) + 1, (last >> 3 & 3) + 1
        index = 2 + count * width
        if len(coded) >= index and coded[-index] == last:
            table = bytes(coded[-index + 1 : -1])
            sizes = [int.from_bytes(table[i * width : (i + 1) * width], "little") for i in range(count)]
    shown, at = 0, 0
    for size in sizes:
        if size and at < len(coded):
            shown += _vp9_is_shown(coded[at])
        at += size
    return shown if shown < 2 else None


def _vp9_is_shown(first: int) -> bool:
    bits = f"{first:08b}"
    at = 4 + (bits[2:4] == "11")  # after a marker and the profile, whose third bit is there in profile 3 only
    if bits[at] == "1":  # show_existing_frame
        return True
    return bits[at + 2] == "1"


def _by_time(identities: list[Identity], hidden: set[int]) -> np.ndarray | None:
    """Ordinals in the order of their time stamps; None where one is missing or there twice."""
    shown = [ordinal for ordinal in range(len(identities)) if ordinal not in hidden]
    times = [identities[ordinal][0] for ordinal in shown]
    if None in times or len(set(times)) < len(times) or any(entry[0] is None for entry in identities):
        return None
    return np.array(shown, dtype=np.int64)[np.argsort(np.array(times, dtype=np.int64))]
