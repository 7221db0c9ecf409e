#!/usr/bin/env python3
"""Writes the seeds of corpus/ that are not worth keeping by hand: archives, and rows of a journal.

    make_corpus.py layer            corpus/layer/*, with Python's own tar writer
    make_corpus.py journal FILE     corpus/journal/*, the groups of a journal.db
"""
import gzip
import io
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tarfile

corpus = pathlib.Path(__file__).parent / "corpus"


def archive(form, members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, kind, extra in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.mtime = 1_700_000_000.25 if form == tarfile.PAX_FORMAT else 1_700_000_000
            data = b""
            if kind == tarfile.REGTYPE:
                data = extra
                info.size = len(data)
            elif kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname = extra
            elif kind in (tarfile.CHRTYPE, tarfile.BLKTYPE):
                info.devmajor, info.devminor = extra
            if form == tarfile.PAX_FORMAT and name == "with-attributes":
                info.pax_headers = {"SCHILY.xattr.user.colour": "blue", "SCHILY.xattr.security.capability": "\x01"}
            tar.addfile(info, io.BytesIO(data))
    # One block of zeros is enough of an end, and the writer's padding to 10 KiB says nothing.
    return out.getvalue().rstrip(b"\0") + bytes(1024)


def aligned(tar):
    return tar + bytes(-len(tar) % 512)


members = [
    ("dir/", tarfile.DIRTYPE, None),
    ("dir/file", tarfile.REGTYPE, b"hello\n"),
    ("dir/link", tarfile.SYMTYPE, "../file"),
    ("dir/hard", tarfile.LNKTYPE, "dir/file"),
    ("dir/.wh.gone", tarfile.REGTYPE, b""),
    ("null", tarfile.CHRTYPE, (1, 3)),
    ("pipe", tarfile.FIFOTYPE, None),
]


def sparse_pax_1_0():
    """A file of 1 MiB with two pieces of data, as GNU tar --format=pax --sparse writes it."""
    table = b"2\n0\n4\n1048570\n6\n"
    data = table + bytes(-len(table) % 512) + b"headtail!!"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("GNUSparseFile.1/sparse")
        info.size = len(data)
        info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "sparse", "GNU.sparse.realsize": "1048576"}
        tar.addfile(info, io.BytesIO(data))
    return out.getvalue().rstrip(b"\0") + bytes(1024)


def layers():
    ustar = aligned(archive(tarfile.USTAR_FORMAT, members))
    gnu = aligned(archive(tarfile.GNU_FORMAT, [("long-" * 30 + "name", tarfile.REGTYPE, b"x"), ("link", tarfile.SYMTYPE, "target-" * 30)]))
    pax = aligned(archive(tarfile.PAX_FORMAT, [("with-attributes", tarfile.REGTYPE, b"y"), ("näme-" * 30, tarfile.REGTYPE, b"z" * 600)]))
    kept = {
        "ustar": b"\xff" + ustar,
        "gnu": b"\x03" + gnu,
        "pax": b"\x40" + pax,
        "sparse": b"\xff" + aligned(sparse_pax_1_0()),
        "gzip": b"\x10" + gzip.compress(ustar, mtime=0),
        "gzip-members": b"\x07" + gzip.compress(ustar[:700], mtime=0) + gzip.compress(ustar[700:], mtime=0),
        "gzip-bomb": b"\xff" + gzip.compress(bytes(8 << 20), mtime=0),
    }
    if shutil.which("zstd"):
        kept["zstd"] = b"\x10" + subprocess.run(["zstd", "-qc"], input=ustar, stdout=subprocess.PIPE, check=True).stdout
    return kept


def journal(file):
    groups = [blob for (blob,) in sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True).execute("SELECT blob FROM groups ORDER BY sequence")]
    # The largest few: they hold every kind of row.
    return {f"group-{n}": blob for n, blob in enumerate(sorted(groups, key=len)[-6:])}


def main():
    kind = sys.argv[1]
    for name, data in (layers() if kind == "layer" else journal(sys.argv[2])).items():
        (corpus / kind / name).write_bytes(data)


main()
