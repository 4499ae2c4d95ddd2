"""What kind of file system a path is on, as far as the machine tells: on a network, SQLite cannot trust its locks."""

import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = frozenset(
    {
        "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fhgfs", "gfs", "gfs2", "glusterfs", "gpfs", "lustre",
        "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "panfs", "pvfs2", "smb3", "smbfs", "vboxsf", "virtiofs", "wekafs",
    }
)  # fmt: skip
# What programs mount: shares of other machines, and buckets.
_BY_PROGRAM = re.compile(
    r"fuse\.?.*(sshfs|s3fs|obsfs|goofys|rclone|gcsfuse|blobfuse|mountpoint-s3|juicefs|gluster|ceph|davfs|smb|nfs)"
)


def network_kind(path: Path) -> str | None:
    """The kind of the network file system that a path is on, or None where it is on none, or it cannot be told. Blocks.

    Args:
        path: of a file, which need not be there.
    """
    try:
        mounts = _MOUNTS.read_text("utf-8", errors="surrogateescape")
    except OSError:
        return None
    kind = kind_at(path.resolve(), mounts)
    return kind if kind in _NETWORK or _BY_PROGRAM.fullmatch(kind) else None


def kind_at(path: Path, mounts: str) -> str:
    """The kind of the file system that holds an absolute path.

    Args:
        path: without links.
        mounts: as ``/proc/self/mountinfo`` tells them.
    """
    longest, found = -1, ""
    for line in mounts.splitlines():
        where, _, what = line.partition(" - ")
        fields = where.split()
        if len(fields) < 5 or not what:
            continue
        # Spaces and the like are written as octal numbers.
        point = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4]))
        # What was mounted later lies above.
        if path.is_relative_to(point) and len(point.parts) >= longest:
            longest, found = len(point.parts), what.split()[0]
    return found
