"""Reads ``[local]``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..reader import TableReader

LOCAL_KEYS = frozenset({"code_dir", "inputs"})


def read_local(
    table: TableReader, folder: Path, settings: Mapping[str, Any], inputs: Mapping[str, str]
) -> dict[str, Path]:
    """Folders for the local platform's bucket; the code lies beside the file unless it says otherwise."""
    table.only(LOCAL_KEYS)
    uploaded = "code_bucket" in settings
    folders = {"code_dir": folder} if "code_dir" in settings and not uploaded else {}
    for key in sorted(LOCAL_KEYS & table.values.keys()):
        given = table.text(key)
        if given is None:
            continue
        if key == "code_dir" and uploaded:
            table.problem("stands for code in a bucket; the code_dir under [estimator] is on this machine already", key)
        if key not in settings and key not in inputs:
            table.problem(f"has no {key} under [estimator] to stand for", key)
        folders[key] = folder / given
        if not folders[key].is_dir():
            table.problem(f"is no folder: {folders[key]}", key)
    return folders
