"""Fields of messages in the format of protocol buffers; the readers of ONNX and TensorFlow have their damaged ones."""

import struct

import pytest

from sklearn_audio.weights._protobuf import as_bytes, fields, number, varints
from tests.weights.model_files import field, varint


def test_fields_of_all_kinds():
    fixed = varint(3 << 3 | 5) + struct.pack("<I", 9) + varint(4 << 3 | 1) + struct.pack("<Q", 11)
    found = list(fields(memoryview(field(1, 300) + field(2, b"text") + fixed)))
    assert found == [(1, 300), (2, b"text"), (3, struct.pack("<I", 9)), (4, struct.pack("<Q", 11))]


def test_packed_numbers():
    assert list(varints(memoryview(varint(5) + varint(70000)))) == [5, 70000]


def test_values_of_the_other_kind():
    assert (number(3), as_bytes(b"ab")) == (3, b"ab")
    with pytest.raises(TypeError, match="it holds a number instead of content"):
        as_bytes(3)
    with pytest.raises(TypeError, match="it holds content instead of a number"):
        number(memoryview(b"ab"))
