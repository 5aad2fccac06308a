"""Markers, opened apart from the service: written from the description of their format, over another library.

Key: `<contract>:<hex HMAC-SHA-256 of contract NUL topic NUL partition>`, `<contract>:claim:<lane>:<instance>`, or
`<contract>:release:<nonce of the batch>`.
Value: format byte, key id (4 bytes), salt (16), nonce (12), AES-256-GCM of JSON and its tag; additional data is
the record's key and the value's first five bytes, the encryption key HMAC-SHA-256 of the salt. Each use of
`checkpoints.key` has a subkey (HKDF-SHA-256, RFC 5869, no salt, info `crossdock/1/<use>`).
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HEADER = 1 + 4 + 16 + 12
COUNTS = ("read", "delivered", "filtered", "dropped", "quarantined", "gaps", "bytes")


@dataclass(frozen=True)
class Checkpoint:
    """A record of the checkpoint topic under the contract's key: a marker, a claim or a release note as a
    dictionary, or none of them, with what is wrong with it."""

    partition: int
    offset: int
    marker: dict | None = None
    claim: dict | None = None
    #: What a batch released out of the quarantine.
    release: dict | None = None
    wrong: str | None = None


class Opener:
    def __init__(self, contract: str, key: bytes):
        """`key`: the 32 bytes of checkpoints.key."""
        self._contract = contract
        self._names, self._seal = _subkey(key, "names"), _subkey(key, "seal")
        self._identity = _subkey(key, "key-id")[:4]

    def key_of(self, topic: str, partition: int) -> bytes:
        name = f"{self._contract}\0{topic}\0{partition}".encode()
        return f"{self._contract}:{_hmac(self._names, name).hex()}".encode()

    def open(self, records: Iterable) -> list[Checkpoint]:
        """Those under the contract's keys, in the order given."""
        ours = f"{self._contract}:".encode()
        return [self._open(one) for one in records if (one.key or b"").startswith(ours)]

    def _open(self, record) -> Checkpoint:
        place = (record.partition, record.offset)
        value = record.value
        if value is None:
            return Checkpoint(*place, wrong="a tombstone")
        if value[:1] not in (b"\1", b"\2", b"\3") or value[1:5] != self._identity:
            return Checkpoint(*place, wrong="another format, or another key")
        try:
            cipher = AESGCM(_hmac(self._seal, value[5:21]))
            text = json.loads(cipher.decrypt(value[21:33], value[HEADER:], record.key + value[:5]))
        except (InvalidTag, ValueError):
            return Checkpoint(*place, wrong="it does not open")
        if record.key.startswith(f"{self._contract}:claim:".encode()):
            return Checkpoint(*place, claim=text)
        if record.key.startswith(f"{self._contract}:release:".encode()):
            return Checkpoint(*place, release=text)
        if record.key != self.key_of(text["topic"], text["partition"]):
            return Checkpoint(*place, wrong="a marker under another partition's key")
        return Checkpoint(*place, marker=text)


def checkpoint_key(file: bytes) -> bytes:
    """The key's bytes from the file that `init` writes."""
    return base64.b64decode(file.strip().removeprefix(b"base64:"))


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def _subkey(key: bytes, use: str) -> bytes:
    extracted = _hmac(bytes(32), key)
    return _hmac(extracted, f"crossdock/1/{use}".encode() + b"\1")
