"""Keeps the byte code of a run in a cache of onward's own.

Installers such as uv leave none beside the packages, and a revision that is unpacked for the run never has any. Byte code that
lies beside its source and fits is read from there; nothing is ever written there.
"""
import hashlib
import importlib._bootstrap_external as imports
import os
import sys


def keep(directory, roots):
    """Has Python read and write byte code in a directory; files below the roots are known by their content."""
    beside, stats = imports.cache_from_source, imports.SourceFileLoader.path_stats
    below = tuple(os.path.join(root, "") for root in roots)

    def cache_from_source(path, *args, **kwargs):
        if path.startswith(below):
            try:
                with open(path, "rb") as file:
                    name = hashlib.sha256(file.read()).hexdigest()
            except OSError:
                name = hashlib.sha256(path.encode(errors="surrogateescape")).hexdigest()
        else:
            known = beside(path, *args, **kwargs)
            if _fits(known, path):
                return known
            name = hashlib.sha256(known.encode(errors="surrogateescape")).hexdigest()
        return os.path.join(directory, sys.implementation.cache_tag, name[:2], name + ".pyc")

    def path_stats(loader, path):
        found = stats(loader, path)
        # The time of an unpacked file means nothing: its content is the name of its byte code.
        return {**found, "mtime": 1} if path.startswith(below) else found

    imports.cache_from_source = cache_from_source
    imports.SourceFileLoader.path_stats = path_stats
    sys.dont_write_bytecode = False


def _fits(known, source):
    """Whether a file of byte code was made from its source as it is."""
    try:
        with open(known, "rb") as file:
            head = file.read(16)
        found = os.stat(source)
    except OSError:
        return False
    if len(head) < 16 or head[:4] != imports.MAGIC_NUMBER:
        return False
    if int.from_bytes(head[4:8], "little"):
        return True  # known by a hash, which Python looks at itself
    stamp = int(found.st_mtime) & 0xFFFFFFFF, found.st_size & 0xFFFFFFFF
    return (int.from_bytes(head[8:12], "little"), int.from_bytes(head[12:16], "little")) == stamp
