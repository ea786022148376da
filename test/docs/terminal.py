"""Runs a command in a terminal, and types an answer wherever it asks for one.

    terminal.py PASSWORD SECRET COMMAND...

What stands on the screen goes to standard output. Every question is answered: one for the master password with
PASSWORD, one for a secret with SECRET, whether to replace or forget something with yes, and all else with Enter.
"""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
from pathlib import Path

password, secret, *command = sys.argv[1:]
QUESTION = re.compile("([◆◇■▲])\\s+([^\r\n]*)")
# Where a page is about a lost password: what is typed in its place.
RECOVERY_KEY = Path.home() / ".typed-password"
QUIET_SECONDS = 0.15

# Without a size every character would be a line of its own.
ROWS_AND_COLUMNS = struct.pack("HHHH", 40, 200, 0, 0)

pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, ROWS_AND_COLUMNS)
    os.execvp(command[0], command)

shown = b""
while True:
    readable, _, _ = select.select([terminal], [], [], QUIET_SECONDS)
    if readable:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        continue
    text = re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", shown.decode("utf-8", "replace"))
    asked = QUESTION.findall(text)
    if asked and asked[-1][0] == "◆":
        question = asked[-1][1]
        if re.search("[Mm]aster password|[Tt]he same again|^Password of the vault", question):
            new = re.search("^(New|The same)", question)
            answer = password if new or not RECOVERY_KEY.exists() else RECOVERY_KEY.read_text().strip()
        elif re.search(r"Replace it\?$|^Put .* in the place of|^Forget the host key", question):
            answer = "y"
        elif re.search("^(Token|Password|Value|Secret|Key|API key|User name)|[Kk]ey|[Tt]oken|[Ss]ecret", question):
            answer = "" if question.startswith("Host key") else secret
        else:
            answer = ""
        os.write(terminal, answer.encode() + (b"" if answer == "y" else b"\r"))
        shown = b""

_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) & 255)
