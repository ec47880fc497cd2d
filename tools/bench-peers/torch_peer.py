"""The PyTorch side of one benchmark row.

Started by tools/src/bench as `PYTHON torch_peer.py JOB` with the job as JSON. Prints one JSON line when ready, then one for each
line on standard input: `go N` runs N steps and answers with the milliseconds of each, `memory` with the process's peak,
`quit` ends. What goes wrong before `ready` is answered with a reason and no numbers. The job `probe` only asks what there is.
"""

import contextlib
import inspect
import json
import sys

from protocol import WARM_UP_STEPS, fail, say, serve_steps, timed

PROBE_STEPS = 2


def make_step(torch, job, memory_format):
    """A function that runs one step of the job in the given memory format."""
    from models import build

    torch.manual_seed(0)
    layout = torch.channels_last if memory_format == "channels_last" else torch.contiguous_format
    model = build(job["model"]).to(memory_format=layout)
    images = torch.randn(job["batch"], 3, job["size"], job["size"]).contiguous(memory_format=layout)
    low = job["dtype"] == "bfloat16"
    precision = (lambda: torch.autocast("cpu", torch.bfloat16)) if low else contextlib.nullcontext

    if job["kind"] == "infer":
        model.eval()
        forward = torch.compile(model) if job["compile"] else model

        def infer():
            with torch.inference_mode(), precision():
                return forward(images)

        return infer

    model.train()
    forward = torch.compile(model) if job["compile"] else model
    labels = torch.randint(0, 1000, (job["batch"],))
    fused = {"fused": True} if "fused" in inspect.signature(torch.optim.SGD).parameters else {}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, **fused)

    def train():
        with precision():
            loss = torch.nn.functional.cross_entropy(forward(images), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()

    return train


def fastest(torch, job):
    """The step in the memory format that is fastest here, warmed up, and the format's name."""
    best = None
    for memory_format in job["formats"]:
        step = make_step(torch, job, memory_format)
        timed(step, WARM_UP_STEPS)
        took = min(timed(step, PROBE_STEPS)) if len(job["formats"]) > 1 else 0.0
        if best is None or took < best[0]:
            best = (took, step, memory_format)
        del step
    return best[1], best[2]


def serve(job):
    """Prepares the job and answers requests until the input ends."""
    try:
        import torch
    except ImportError as error:
        return fail("missing", f"{sys.executable} has no torch: {error}")
    if job["kind"] == "probe":
        compiles = hasattr(torch, "compile")
        return say(event="probe", label=f"PyTorch {torch.__version__}", compiles=compiles)
    torch.set_num_threads(job["threads"])
    torch.set_num_interop_threads(1)
    label = f"PyTorch {torch.__version__}" + (" compiled" if job["compile"] else "")
    try:
        step, memory_format = fastest(torch, job)
    except Exception as error:  # a peer that cannot run is a row without numbers, whatever the cause
        return fail("failed", f"{type(error).__name__}: {error}")
    return serve_steps(step, label, memory_format)


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
