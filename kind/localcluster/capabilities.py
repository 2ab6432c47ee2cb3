"""Linux capabilities: which the host withholds, and how to leave them out of a container.

Copied on its own into the cache as the engine's OCI runtime wrapper (see ``engine.py``), so it
imports nothing of this package.
"""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

RUNC = "/usr/sbin/runc"

# In the order of their numbers: include/uapi/linux/capability.h
_NAMES = """
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
    NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO
    SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
    SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
    WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
"""
NAMES = tuple(f"CAP_{name}" for name in _NAMES.split())


def missing_capabilities(proc_status: str, *, last: int) -> frozenset[str]:
    """Names of the capabilities up to number ``last`` that are not in the bounding set.

    Args:
        proc_status: text of /proc/self/status.
        last: highest capability that the kernel knows (/proc/sys/kernel/cap_last_cap).
    """
    for line in proc_status.splitlines():
        if line.startswith("CapBnd:"):
            bounding = int(line.split()[1], 16)
            known = NAMES[: last + 1]
            return frozenset(name for i, name in enumerate(known) if not bounding >> i & 1)
    return frozenset()


def without(sets: dict[str, list[str]] | None, missing: Iterable[str]) -> dict[str, list[str]]:
    """The capability sets of an OCI process without ``missing``."""
    gone = frozenset(missing)
    return {kind: [c for c in caps if c not in gone] for kind, caps in (sets or {}).items()}


def spec_to_change(arguments: Sequence[str]) -> tuple[str, bool] | None:
    """Which file of runc's command line names capabilities: (path, it is a bare process).

    None where the command starts nothing.
    """
    options = {"--bundle": ".", "--process": ""}
    short = {"-b": "--bundle", "-p": "--process"}
    command = ""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        name, equals, value = argument.partition("=")
        name = short.get(name, name)
        if name in options:
            options[name] = value if equals else following
        elif not command and argument in {"create", "run", "exec"}:
            command = argument
    if command == "exec":
        return (options["--process"], True) if options["--process"] else None
    return (options["--bundle"] + "/config.json", False) if command else None


def main() -> None:
    """Run the real runtime with only the capabilities that this host can give."""
    missing = missing_capabilities(
        Path("/proc/self/status").read_text(encoding="utf-8"), last=len(NAMES) - 1
    )
    change = spec_to_change(sys.argv[1:])
    if change is not None and missing:
        path, bare = Path(change[0]), change[1]
        spec = json.loads(path.read_text(encoding="utf-8"))
        process = spec if bare else spec["process"]
        process["capabilities"] = without(process.get("capabilities"), missing)
        path.write_text(json.dumps(spec), encoding="utf-8")
    os.execv(RUNC, [RUNC, *sys.argv[1:]])


if __name__ == "__main__":
    main()
