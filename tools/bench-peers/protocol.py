"""The peers' end of the line protocol of tools/src/bench/protocol.ts."""

import json
import os
import sys
import time

# Compilers and libraries print to standard output at will; the protocol keeps the real one to itself.
_answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

WARM_UP_STEPS = 2


def say(**message):
    """Sends one message."""
    print(json.dumps(message), file=_answers, flush=True)


def fail(kind, text):
    """Says why there will be no numbers; `kind` is missing, unsupported or failed."""
    say(event="failed", reason={"kind": kind, "text": (text.splitlines() or [""])[0]})


def timed(step, count, clock=time.perf_counter):
    """Milliseconds of each of `count` steps."""
    times = []
    for _ in range(count):
        begin = clock()
        step()
        times.append((clock() - begin) * 1000)
    return times


def serve_steps(step, label, detail, clock=time.perf_counter):
    """Warms up, says that it is ready, and answers requests until the input ends."""
    timed(step, WARM_UP_STEPS)
    say(event="ready", label=label, detail=detail)
    for line in sys.stdin:
        words = line.split()
        if words[:1] == ["go"]:
            say(event="round", ms=timed(step, int(words[1]), clock))
        elif words[:1] == ["memory"]:
            say(event="memory", mib=peak_mib())
        elif words[:1] == ["quit"]:
            return


def peak_mib():
    """The most resident memory this process ever had (VmHWM), in MiB; None where the system does not tell."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return None
