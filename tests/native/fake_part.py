"""A tiny server for the launcher's tests: `fake_part.py PORT [--needs FILE] [--touch FILE] [--stubborn] [--child]`."""

import argparse
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

arguments = argparse.ArgumentParser()
arguments.add_argument("port", type=int)
arguments.add_argument("--needs", type=Path, help="healthy only once this file exists")
arguments.add_argument("--touch", type=Path, help="a file to make at the start; it holds the process id")
arguments.add_argument("--stubborn", action="store_true", help="do not end on SIGTERM")
arguments.add_argument("--child", type=Path, help="start a process of its own and write its id here")
given = arguments.parse_args()


class Health(BaseHTTPRequestHandler):
    """GET /crash ends the process with code 7; anything else is the health."""

    def do_GET(self) -> None:
        if self.path == "/crash":
            sys.stderr.write("last words\n")
            sys.stderr.flush()
            os._exit(7)
        self.send_response(200 if given.needs is None or given.needs.exists() else 503)
        self.end_headers()

    def log_message(self, *_line: object) -> None:
        """Nothing: the log is for last words."""


if given.stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if given.child:
    given.child.write_text(str(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid))
server = HTTPServer(("127.0.0.1", given.port), Health)
if given.touch:
    given.touch.write_text(str(os.getpid()))
server.serve_forever()
