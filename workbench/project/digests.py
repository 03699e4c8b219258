"""Checksums of what is stored, taken over a value's place as well as over its bytes."""

from __future__ import annotations

import hashlib


def digest(*parts: object) -> bytes:
    """SHA-256 of texts, numbers and bytes, each with its type and length."""
    total = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode(errors="surrogatepass")
        total.update(f"{type(part).__name__}{len(data)}:".encode())
        total.update(data)
    return total.digest()
