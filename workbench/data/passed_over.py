"""Which files of a source are pictures, and what there is to say of the others."""

from __future__ import annotations

from collections.abc import Collection

from workbench.data.found import Finding, about
from workbench.data.pictures import SUFFIXES, SUFFIXES_BY_RULE_1, is_picture
from workbench.data.reading import Reading
from workbench.data.source import UNREADABLE, Source, hidden, suffix_of

_LOOKED_INTO = 20_000
"""Files without the name of a picture whose first bytes are looked at."""

_OTHER = "no pictures"
_NOT_READ = {
    **dict.fromkeys((".eps", ".ps"), "PostScript, which would start another program; save them as PNG"),
    **dict.fromkeys((".heic", ".heif"), "HEIC, which is not read here; save them as PNG or JPEG"),
    **dict.fromkeys((".svg", ".svgz", ".pdf"), "drawings, not pixels; save them as PNG"),
    **dict.fromkeys((".dcm", ".nii", ".mha"), "medical volumes, which are not read here; save them as PNG"),
    **dict.fromkeys((".dng", ".cr2", ".nef", ".arw"), "raw photographs; save them as TIFF or PNG"),
    **dict.fromkeys((".mp4", ".avi", ".mov", ".mkv", ".webm"), "films; save their pictures as PNG"),
    **dict.fromkeys((".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"), "archives within; unpack them"),
    **dict.fromkeys((".npy", ".npz"), "arrays, which are not read beside pictures; import them alone"),
}


def sorted_out(
    source: Source, reading: Reading, known: Collection[str] = ()
) -> tuple[list[str], list[Finding]]:
    """The pictures of a source, by their names or else their first bytes, and findings about what is none.

    Parameters
    ----------
    known : files that were read as something else.
    """
    suffixes = SUFFIXES_BY_RULE_1 if reading.rules == 1 else SUFFIXES
    pictures, others, unseen = [], [], []
    for file in source.files:
        if hidden(file):
            unseen.append(file)
        elif suffix_of(file) in suffixes:
            pictures.append(file)
        elif file not in known:
            others.append(file)
    if reading.rules == 1:
        return pictures, []
    findings = list(source.findings)
    misnamed = [file for file in others[:_LOOKED_INTO] if _is_picture(source, file)]
    text = f"{len(misnamed):,} files are pictures, whatever their names say"
    findings += about("misnamed", text, sorted(misnamed))
    others = sorted(set(others) - set(misnamed)) if misnamed else others
    for reason, files in _by_reason(others).items():
        findings += passed_over(files, reason)
    findings += passed_over(unseen, "hidden")
    return pictures + misnamed, findings


def passed_over(files: list[str], reason: str) -> list[Finding]:
    """That files, if there are any, are not read, and why."""
    are = "files are" if len(files) > 1 else "file is"
    return about("passed over", f"{len(files):,} {are} passed over ({reason})", sorted(files))


def _by_reason(files: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file in files:
        found.setdefault(_NOT_READ.get(suffix_of(file), _OTHER), []).append(file)
    return found


def _is_picture(source: Source, file: str) -> bool:
    try:
        return is_picture(source.peek(file))
    except UNREADABLE:
        return False
