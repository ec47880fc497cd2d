"""The peers' end of the line protocol of tools/src/bench/protocol.ts."""

import json
import os

# Compilers and libraries print to standard output at will; the protocol keeps the real one to itself.
_answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)


def say(**message):
    """Sends one message."""
    print(json.dumps(message), file=_answers, flush=True)


def fail(kind, text):
    """Says why there will be no numbers; `kind` is missing, unsupported or failed."""
    say(event="failed", reason={"kind": kind, "text": (text.splitlines() or [""])[0]})
