"""The data pipeline of torchvision: one step decodes, crops, flips, normalises and collates some batches, as its ImageFolder and its DataLoader do.

Started by tools/src/bench as `PYTHON torch_data.py JOB`; speaks the protocol of torch_peer.py. The clock is processor time, of all threads.
"""

import json
import sys
import time

from protocol import fail, serve_steps


def make_step(job):
    """A function that makes the batches of one step, and what does it."""
    import torch
    import torchvision
    from torchvision import datasets, transforms

    torch.set_num_threads(1)
    chain = transforms.Compose(
        [
            transforms.RandomResizedCrop(job["size"]),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    folder = datasets.ImageFolder(f"{job['root']}/train", chain)
    # On this thread: what it costs is what counts, not how it is spread.
    sampler = torch.utils.data.RandomSampler(folder, num_samples=job["batch"] * job["batches"])
    loader = torch.utils.data.DataLoader(folder, job["batch"], sampler=sampler, num_workers=0)

    def step():
        for _ in loader:
            pass

    return step, f"torchvision {torchvision.__version__}"


def main():
    """Prepares the job and answers requests until the input ends."""
    try:
        step, label = make_step(json.loads(sys.argv[1]))
    except ImportError as error:
        return fail("missing", f"{sys.executable}: {error}")
    except Exception as error:  # a peer that cannot run is a row without numbers, whatever the cause
        return fail("failed", f"{type(error).__name__}: {error}")
    return serve_steps(step, label, "", time.process_time)


if __name__ == "__main__":
    main()
