"""Decoding one video track from a place in its packet list."""

import multiprocessing
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import av

from atr.video.container import demultiplexed, open_container, open_file, pixel_option
from atr.video.limits import Limits
from atr.video.packets import PacketList, TooLong, identity, read_packets
from atr.video.passage import Damaged, Lost, Passage
from atr.video.video import VideoError, one_line

WORTH_SEEKING = 50  # packets; fewer are read and dropped
NEAR = 1000  # packets that are read at most to come from where a container seeks to to where it should have
WORTH_THREADS = 256 * 256  # pixels of a frame
# Decoders that fill a damaged frame up without a word unless they are told to be strict.
FORGIVING = {
    "mjpeg",
    "mpeg1video",
    "mpeg2video",
    "mpeg4",
    "msmpeg4",
    "msmpeg4v2",
    "wmv1",
    "wmv2",
    "h263",
    "flv",
}


class Track:
    """The video track of an open file, with one decoder.

    Every packet is given its ordinal as its time stamp before it is decoded, and a decoder hands time stamps through:
    so each frame tells which packet it came from, whatever the file states. After a seek, packets are compared with
    the list, one by one; where they differ the file is read from its start instead.

    Raises VideoError when the file has no video track that can be decoded.
    """

    container: Any = None  # PyAV's, once it is open
    stream: Any = None

    def __init__(self, path: Path, limits: Limits):
        self.path, self.limits = path, limits
        self.file: BinaryIO
        self.file, self.container_name = open_file(path, limits)
        self.seekable = True
        self.threads = 0  # as many as there are cores
        try:
            self.reopen()
        except BaseException:
            self.close()
            raise
        if multiprocessing.parent_process() or self.stream.width * self.stream.height < WORTH_THREADS:
            self.threads = self.stream.codec_context.thread_count = 1

    def close(self) -> None:
        if self.container is not None:
            self.container.close()
        self.file.close()

    def reopen(self) -> None:
        """To the file's start, with a fresh decoder."""
        if self.container is not None:
            self.container.close()
        self.container = open_container(self.path, self.file, self.container_name, self.limits)
        tracks = [track for track in self.container.streams.video if not _is_cover(track)]
        if not tracks:
            raise VideoError(f"{one_line(self.path)}: holds no video track")
        marked = [track for track in tracks if track.disposition & av.stream.Disposition.default]
        self.tracks, self.stream = len(tracks), (marked if len(marked) == 1 else tracks)[0]
        context = self.stream.codec_context
        if context is None:
            raise VideoError(
                f"{one_line(self.path)}: its frames are coded in a way that cannot be decoded here"
            )
        pixels = context.width * context.height
        if pixels > self.limits.pixels:
            raise VideoError(
                f"{one_line(self.path)}: its frames have {context.width}x{context.height} = {pixels} pixels; "
                f"at most {self.limits.pixels} are read"
            )
        options = pixel_option(self.limits)
        if context.name in FORGIVING:
            options["err_detect"] = "bitstream+buffer+explode"
        context.options = options
        context.thread_count = self.threads
        context.thread_type = "AUTO"
        self._packets: Iterator[av.Packet] = demultiplexed(self.container, self.stream)
        self.position: int | None = 0  # ordinal of the next packet

    def packets(self) -> PacketList:
        """The packets of the whole track. Raises VideoError beyond a limit."""
        try:
            found = read_packets(self.container, self.stream, self.limits)
        except TooLong as error:
            raise VideoError(f"{one_line(self.path)}: {error}") from error
        self.position = None
        return found

    def use_one_thread(self) -> None:
        self.threads = 1
        self.reopen()

    def all_frames(self, packets: PacketList) -> Iterator[tuple[int, av.VideoFrame | None]]:
        """(ordinal, frame) of everything from the start, as the decoder hands it out; None for a failing packet."""
        self.go_to(packets, 0)
        self.position = None
        for ordinal, packet in enumerate(self._coded()):
            frames, failed = self._decoded(packet, ordinal)
            if failed and self.threads != 1:
                raise Damaged
            if failed:
                yield ordinal, None
            yield from ((frame.pts, frame) for frame in frames)

    def passage(
        self, packets: PacketList, start: int, wanted: list[int]
    ) -> Iterator[tuple[int, av.VideoFrame | None]]:
        """(index, frame) of increasing frame indices, decoded from the key at ordinal `start` on.

        None stands for a frame that does not come, that the decoder had to make up, or that may be built on one:
        after a damaged packet all frames up to the next key are doubted. A frame is handed out when everything stored
        before it has come, so that damage found late is known.

        Raises Damaged, Disordered and Lost.
        """
        passage = Passage(packets, start, wanted)
        self.go_to(packets, start)
        ordinal = start
        for packet in self._coded():
            if ordinal == len(packets.identities):
                packet = None  # beyond it there is only the rest of a packet that the file's end cuts through
            if packet is not None and identity(packet) != packets.identities[ordinal]:
                raise Lost
            self.position = ordinal + (packet is not None)
            frames, failed = self._decoded(packet, ordinal)
            if packet is not None:
                passage.fed = ordinal
                if failed or ordinal in packets.corrupt:
                    passage.spoil(ordinal)
                ordinal += 1
            for frame in frames:
                passage.take(frame)
            if passage.spoilt and self.threads != 1:
                raise Damaged
            if packet is None:
                break
            yield from passage.ready()
            if passage.has_seen_all:
                for frame in self._decoded(None, ordinal)[0]:  # what is decoded already, nothing more
                    passage.take(frame)
                break
        if passage.finish() and self.threads != 1:
            raise Damaged
        yield from passage.ready()

    def go_to(self, packets: PacketList, ordinal: int) -> None:
        """Make the packet of this ordinal the next one, and the decoder empty."""
        if self.position is not None and self.position <= ordinal < self.position + WORTH_SEEKING:
            self.stream.codec_context.flush_buffers()
        elif self._seek(packets, ordinal):
            return
        else:
            self.reopen()
        for _ in range(ordinal - self.position):
            if next(self._nonempty(), None) is None:
                raise Lost
            self.position += 1

    def _seek(self, packets: PacketList, ordinal: int) -> bool:
        """Whether the container found the packet."""
        wanted = packets.identities[ordinal]
        if not self.seekable or wanted[0] is None:
            return False
        before = set(packets.identities[max(ordinal - NEAR, 0) : ordinal])
        try:
            self.container.seek(wanted[0], stream=self.stream, backward=True)
            self._packets = demultiplexed(self.container, self.stream)
            for packet in self._nonempty():
                if identity(packet) == wanted:
                    self._packets = _chain(packet, self._packets)
                    self.position = ordinal
                    return True
                if identity(packet) not in before and packet.pts is not None:
                    return False  # beyond it, or far before it
        except av.FFmpegError:
            return False
        return False

    def _nonempty(self) -> Iterator[av.Packet]:
        return (packet for packet in self._packets if packet.size)

    def _coded(self) -> Iterator[av.Packet | None]:
        """The packets from here on, then None, upon which a decoder hands out what it still holds."""
        with suppress(av.FFmpegError):  # known since the packets were listed
            yield from self._nonempty()
        yield None

    def _decoded(self, packet: av.Packet | None, ordinal: int) -> tuple[list[av.VideoFrame], bool]:
        """Frames that come out, and whether the packet could not be decoded."""
        if packet is not None:
            packet.pts = ordinal
        try:
            return self.stream.codec_context.decode(packet), False
        except av.error.EOFError:
            return [], False
        except (av.FFmpegError, ValueError):
            return [], True


def _chain(first: av.Packet, rest: Iterator[av.Packet]) -> Iterator[av.Packet]:
    yield first
    yield from rest


def _is_cover(track: av.VideoStream) -> bool:
    return bool(track.disposition & av.stream.Disposition.attached_pic)
