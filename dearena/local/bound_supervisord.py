"""A supervisord that does not outlive whoever started it, even when that one is killed: `python -m` this.

Linux tells a process of its parent's death when it has asked for that; supervisord then ends its programs
in order, as on any SIGTERM.
"""

import ctypes
import os
import signal
import sys

from supervisor import supervisord

_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


def main() -> None:
    """Ask for the news of the parent's death, and become supervisord."""
    parent = os.environ.pop("DEARENA_OWNER", "")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    # It may have died before we asked.
    if str(os.getppid()) != parent:
        sys.exit("the owner has gone")
    supervisord.main()


if __name__ == "__main__":
    main()
