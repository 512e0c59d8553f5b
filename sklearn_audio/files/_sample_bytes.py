"""Compares the samples that a header declares with the bytes that are present."""

from __future__ import annotations

from sklearn_audio.files._chunks import SampleData, in_chunks
from sklearn_audio.files._headers import in_header
from sklearn_audio.files._views import MAGICS, ByteReader, Link, overlaid

# Tags that programs append to any kind of file.
_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI")
# After the end of the container, less than a hundredth of the sample bytes is junk.
_JUNK = 100
_LAST_BYTES = 4096
# Sound does not repeat this many bytes of a header by chance.
_LIKE_BYTES = 16
# More than any recording has: the header is damaged.
_MAX_TIMEPOINTS = 1 << 62


def sample_link(reader: ByteReader) -> Link | None:
    """Find the end of the samples in a WAV, RF64, AIFF, CAF, W64 or AU file."""
    if _is_usual_wav(reader):
        return Link(reader.size)
    data = in_chunks(reader) or in_header(reader)
    if data is None:
        return None
    present = max(0, reader.size - data.start)
    declared = data.declared
    counted = data.n_counted * data.bytes_per_timepoint if data.n_counted and data.bytes_per_timepoint else 0
    if declared is not None and counted > declared:
        end = data.start + declared  # the count is larger than the size: right if samples follow that
        declared = int(counted) if end >= reader.size or _samples_follow(reader, data, end) else declared
    if declared is None or (declared == 0 and _samples_follow(reader, data, data.start)):
        return _endless(reader, data)
    if declared > present:
        promised = int(declared / data.bytes_per_timepoint) if data.bytes_per_timepoint else None
        promised = promised if promised is not None and promised <= _MAX_TIMEPOINTS else None
        return _declaring(data, present, reader.size)._replace(promised=promised, flaw="it is cut short")
    return _followed(reader, data, declared)


def _is_usual_wav(reader: ByteReader) -> bool:
    """Whether it is a WAV with a format chunk and samples up to its end, as most are: nothing else to check."""
    head = reader.at(0, 64)
    if head[:4] != b"RIFF" or head[8:16] != b"WAVEfmt ":
        return False
    at = 20 + head[16] + head[17] * 256
    return (
        head[at : at + 4] == b"data"
        and at + 8 + int.from_bytes(head[at + 4 : at + 8], "little") == reader.size > at + 8
    )


def _declaring(data: SampleData, n: int, stop: int) -> Link:
    """Make a link whose header declares n bytes of samples."""
    return Link(stop, overlaid(0, data.start + n, data.mend(max(0, n))))


def _endless(reader: ByteReader, data: SampleData) -> Link:
    """Make a link that extends to the end of the file or to another recording of the same kind."""
    if data.start > reader.size:
        return Link(reader.size, flaw="by its header the samples begin after its end")
    stop = _next_wav(reader, data.start) if reader.at(8, 4) == b"WAVE" else _next_like(reader, data.start)
    size = data.bytes_per_timepoint
    is_whole = size is None or size.denominator > 1 or (stop - data.start) % size == 0
    flaw = "" if is_whole or data.style is not None else "it ends within a sample"
    return _declaring(data, stop - data.start, stop)._replace(flaw=flaw)


def _followed(reader: ByteReader, data: SampleData, declared: int) -> Link:
    """Check what follows the declared samples."""
    end = data.start + declared
    for offset in (end, end + declared % 2):
        if reader.at(offset, 4) in (*MAGICS, reader.at(0, 4)):
            return _declaring(data, declared, offset)
    if not _samples_follow(reader, data, end):
        mended = reader.at(0, 4) == b"BW64" or _miscounts(data, declared)
        pieces = overlaid(0, reader.size, data.mend(declared)) if mended else None
        return Link(reader.size, pieces, promised=data.n_counted or None)
    surplus = "" if data.end is not None and data.end > end + 1 else "samples follow the end that its header gives"
    return _declaring(data, reader.size - data.start, reader.size)._replace(surplus=surplus)


def _miscounts(data: SampleData, declared: int) -> bool:
    """Whether the header also counts timepoints, and the count differs from the size."""
    return (
        data.n_counted is not None
        and data.bytes_per_timepoint is not None
        and data.n_counted != declared // data.bytes_per_timepoint
    )


def _samples_follow(reader: ByteReader, data: SampleData, offset: int) -> bool:
    """Whether samples follow an offset: not chunks, tags, zeros or a few bytes of junk."""
    left = reader.size - offset
    if left < 8:
        return False
    if data.style is not None and any(data.style.fills(reader, offset + pad) for pad in (0, offset % 2)):
        return False
    head = reader.at(offset, 16)
    if head.startswith(_TAGS) or head[:4] in MAGICS:
        return False
    within = data.end is not None and data.end > offset + 1
    if not within and offset > data.start and left * _JUNK < offset - data.start:
        return False
    last = reader.at(max(offset, reader.size - _LAST_BYTES), _LAST_BYTES)
    return bool(last.strip(b"\0")) or any(block.strip(b"\0") for block in reader.blocks(offset))


def _next_wav(reader: ByteReader, offset: int) -> int:
    """Offset of the next WAV; the end of the file if there is none."""
    offsets = reader.finds(b"WAVEfmt ", offset)
    return next((found - 8 for found in offsets if reader.at(found - 8, 4) in MAGICS), reader.size)


def _next_like(reader: ByteReader, offset: int) -> int:
    """Offset of the next recording with the same header; the end of the file if there is none."""
    return next(reader.finds(reader.at(0, _LIKE_BYTES), offset), reader.size)
