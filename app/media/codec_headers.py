"""Reads the picture size in an HEVC or AV1 stream. The container's size may be different.

Source: ITU-T H.265, 7.3.2.2 and 7.3.3 (sequence parameter set); AV1 Bitstream Specification, 5.3 to 5.5.
"""

from __future__ import annotations

from app.media.failure import Broken

_HEVC_SPS = 33
_AV1_SEQUENCE_HEADER = 1
_MOST_UNITS = 64
# Sequence headers have less than 100 bytes.
_HEADER_BYTES = 256


class _BitReader:
    """Reads numbers from bits. Raises Broken at the end of the data."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> int:
        """The next bits as a number."""
        end = self._at + count
        if end > len(self._data) * 8:
            raise Broken("cut off")
        first, last = self._at // 8, (end + 7) // 8
        self._at = end
        return int.from_bytes(self._data[first:last]) >> (last * 8 - end) & (1 << count) - 1

    def exp_golomb(self) -> int:
        """A number in Exp-Golomb code: ue(v) of H.265, uvlc() of AV1."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise Broken("no number")
        return (1 << zeros) - 1 + self.take(zeros)


def hevc_size(configuration: bytes) -> tuple[int, int] | None:
    """Width and height in an `hvcC` box; None if it has no sequence parameter set. ISO/IEC 14496-15, 8.3.3.1."""
    sizes = [_read_sps_size(unit) for kind, unit in _read_hevc_units(configuration) if kind == _HEVC_SPS]
    return max(sizes, key=lambda size: size[0] * size[1]) if sizes else None


def _read_hevc_units(data: bytes) -> list[tuple[int, bytes]]:
    units: list[tuple[int, bytes]] = []
    if len(data) < 23:
        raise Broken("cut off")
    at = 23
    for _ in range(data[22]):
        if at + 3 > len(data):
            break
        kind, count = data[at] & 63, int.from_bytes(data[at + 1 : at + 3])
        at += 3
        for _ in range(count):
            length = int.from_bytes(data[at : at + 2])
            units.append((kind, data[at + 2 : at + 2 + min(length, _HEADER_BYTES)]))
            at += 2 + length
            if len(units) > _MOST_UNITS:
                raise Broken("too many units")
    return units


def _read_sps_size(unit: bytes) -> tuple[int, int]:
    bits = _BitReader(unit[2:].replace(b"\0\0\3", b"\0\0"))
    bits.take(4)
    layers = bits.take(3)
    bits.take(1)
    bits.take(96)  # profile, tier and level
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    bits.exp_golomb()
    if bits.exp_golomb() == 3:
        bits.take(1)
    return bits.exp_golomb(), bits.exp_golomb()


def av1_size(stream: bytes) -> tuple[int, int] | None:
    """The largest width and height in the stream's first sequence headers; None if there is none."""
    found: list[tuple[int, int]] = []
    at = 0
    for _ in range(_MOST_UNITS):
        if at >= len(stream):
            break
        head = stream[at]
        at += 2 if head & 4 else 1
        size = len(stream) - at
        if head & 2:
            size, at = _read_leb128(stream, at)
        if head >> 3 & 15 == _AV1_SEQUENCE_HEADER:
            found.append(_read_sequence_size(_BitReader(stream[at : at + min(size, _HEADER_BYTES)])))
        at += size
    return max(found, key=lambda size: size[0] * size[1]) if found else None


def _read_leb128(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(8):
        if at >= len(data):
            raise Broken("cut off")
        byte = data[at]
        at += 1
        value |= (byte & 127) << 7 * place
        if not byte & 128:
            break
    return value, at


def _read_sequence_size(bits: _BitReader) -> tuple[int, int]:
    bits.take(4)  # profile, still_picture
    if bits.take(1):  # reduced_still_picture_header
        bits.take(5)
    else:
        _skip_operating_points(bits)
    across, down = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(across) + 1, bits.take(down) + 1


def _skip_operating_points(bits: _BitReader) -> None:
    delay_bits = 0
    if bits.take(1):  # timing_info
        bits.take(64)
        if bits.take(1):
            bits.exp_golomb()
        if bits.take(1):  # decoder_model_info
            delay_bits = bits.take(5) + 1
            bits.take(42)
    has_display_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if has_display_delay and bits.take(1):
            bits.take(4)
