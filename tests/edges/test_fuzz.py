"""What fuzzing reads, on its seeds, on what it has found, and on small changes of both, without a fuzzer."""

import base64
import random

import pytest

from tests.edges.fuzz_targets import TARGETS, Findings, seeds

CASES: dict[str, tuple[str, ...]] = dict.fromkeys(TARGETS, ())
"""For each target, in base64, what once ended otherwise than with one of our errors."""


def changed(data, chance):
    """The same with a part cut, repeated, or replaced."""
    text = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        place, length = chance.randint(0, len(text)), chance.randint(0, 12)
        piece = chance.choice((b"", text[place : place + 200], chance.randbytes(length)))
        text[place : place + length] = piece
    return bytes(text)


@pytest.mark.parametrize("name", TARGETS)
def test_only_our_errors_come_out(session, name):
    session.catalogue()
    chance, findings = random.Random(7), Findings(name)
    inputs = [*seeds()[name], *map(base64.b64decode, CASES[name])]
    for data in inputs:
        findings(data)
    for _ in range(100):
        findings(changed(chance.choice(inputs), chance))
    assert not findings.found
