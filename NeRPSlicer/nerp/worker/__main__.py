"""``python -m nerp.worker SESSION_FOLDER``: JSON lines on standard input and output."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from ..errors import NerpError
from .folder import session_folder
from .loop import Item, Replies, read_requests, serve
from .session import Session

IDLE_S = 300.0


def main() -> int:
    """Serve until the client quits or dies, or is silent too long.

    Returns:
        0; 2 where the session folder cannot be used.
    """
    parser = argparse.ArgumentParser(prog="python -m nerp.worker", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="SESSION_FOLDER", help="named nerp-session-...")
    parser.add_argument(
        "--idle", type=float, default=IDLE_S, metavar="S", help="end after S seconds of silence"
    )
    options = parser.parse_args()
    # The client's end of file tells when to go; Ctrl-C in its terminal is meant for the client.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever a library prints must not get between the replies.
    replies = Replies(os.dup(1))
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        with session_folder(options.folder) as folder, Session(folder, replies.send) as session:
            queue: SimpleQueue[Item] = SimpleQueue()
            Thread(target=read_requests, args=(0, queue), daemon=True).start()
            replies.send({"ready": True, "pid": os.getpid()})
            reason = serve(queue, session, replies.send, options.idle)
            replies.send({"bye": reason})
    except NerpError as error:
        replies.send({"error": str(error)})
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
