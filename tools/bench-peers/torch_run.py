"""A whole training run in PyTorch: the recipe that tools/src/bench/recipe.ts makes of one of the repository's configs.

Started as `PYTHON torch_run.py RECIPE` with the recipe as JSON. Trains, validates when the config does, and says the last accuracy.
Photos need torchvision; digits do not.
"""

import contextlib
import gzip
import json
import sys

from protocol import fail, say


def native_bfloat16():
    """Whether the processor computes in bfloat16; elsewhere PyTorch would only emulate it."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
            return any(flag in info.read() for flag in ("avx512_bf16", "amx_bf16"))
    except OSError:
        return False


def photo_transform(transforms, entry):
    """torchvision's transform for one of the config's."""
    size = entry["size"] if "size" in entry else None
    if entry["type"] == "RandomResizedCrop":
        return transforms.RandomResizedCrop(size, scale=entry.get("scale", (0.08, 1.0)))
    if entry["type"] == "RandomFlip":
        return transforms.RandomHorizontalFlip(entry.get("probability", 0.5))
    if entry["type"] == "Resize":
        return transforms.Resize(size)
    if entry["type"] == "CenterCrop":
        return transforms.CenterCrop(size)
    raise ValueError(f"no transform is called {entry['type']}")


def flowers(torch, recipe):
    """Batches of photos for training and for validation, by torchvision."""
    from torchvision import datasets, transforms

    normalize = [
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]

    def loader(split, entries, training):
        steps = [photo_transform(transforms, entry) for entry in entries]
        folder = datasets.ImageFolder(f"{recipe['data']}/{split}", transforms.Compose(steps + normalize))
        return torch.utils.data.DataLoader(
            folder,
            recipe["batch"],
            shuffle=training,
            drop_last=training,
            num_workers=recipe["threads"],
            persistent_workers=True,
        )

    return loader("train", recipe["training"], True), loader("val", recipe["validation"], False)


class Digits:
    """MNIST's IDX files in memory; while training in random order and shifted by a few pixels."""

    def __init__(self, torch, recipe, prefix, training):
        self.torch, self.batch, self.training = torch, recipe["batch"], training
        self.shift = sum(entry["padding"] for entry in recipe["training"] if entry["type"] == "RandomCrop")
        self.images = self.read(f"{recipe['data']}/{prefix}-images-idx3-ubyte.gz", 16).view(-1, 1, 28, 28)
        self.labels = self.read(f"{recipe['data']}/{prefix}-labels-idx1-ubyte.gz", 8).long()

    def read(self, path, header):
        """All bytes after the header."""
        with gzip.open(path) as file:
            return self.torch.frombuffer(bytearray(file.read()[header:]), dtype=self.torch.uint8)

    def __len__(self):
        count = len(self.labels)
        return count // self.batch if self.training else -(-count // self.batch)

    def __iter__(self):
        torch, count = self.torch, len(self.labels)
        order = torch.randperm(count) if self.training else torch.arange(count)
        for number in range(len(self)):
            chosen = order[number * self.batch : (number + 1) * self.batch]
            images = self.images[chosen]
            if self.training:
                images = self.shifted(images)
            yield (images.float() - 33.3) / 78.6, self.labels[chosen]

    def shifted(self, images):
        """Every picture moved on its own; what comes in from outside is black."""
        torch, count, most = self.torch, len(images), self.shift
        padded = torch.nn.functional.pad(images, (most, most, most, most))[:, 0]
        rows = torch.randint(0, 2 * most + 1, (count, 1)) + torch.arange(28)
        columns = torch.randint(0, 2 * most + 1, (count, 1)) + torch.arange(28)
        every = torch.arange(count)[:, None, None]
        return padded[every, rows[:, :, None], columns[:, None, :]][:, None]


def mnist(torch, recipe):
    """Batches of digits for training and for validation."""
    return Digits(torch, recipe, "train", True), Digits(torch, recipe, "t10k", False)


def train(torch, recipe):
    """Runs the recipe and returns the validation accuracy in percent."""
    from models import build, initialize

    torch.manual_seed(0)
    torch.set_num_threads(recipe["threads"])
    name, classes, data = {"flowers": ("resnet18", 5, flowers), "mnist": ("digits", 10, mnist)}[recipe["name"]]
    training, validation = data(torch, recipe)
    model = initialize(build(name, classes)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=0.0,
        momentum=recipe["momentum"],
        nesterov=recipe["nesterov"],
        weight_decay=recipe["weightDecay"],
    )
    rates = iter(recipe["learningRates"])
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=recipe["labelSmoothing"])
    low = native_bfloat16()
    precision = (lambda: torch.autocast("cpu", torch.bfloat16)) if low else contextlib.nullcontext
    top1 = None
    for epoch in range(1, recipe["epochs"] + 1):
        model.train()
        for images, labels in training:
            with precision():
                loss = loss_of(model(images.contiguous(memory_format=torch.channels_last)), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.param_groups[0]["lr"] = next(rates)
            optimizer.step()
        if epoch % recipe["validateEvery"] == 0 or epoch == recipe["epochs"]:
            top1 = accuracy(torch, model, validation, precision)
    return top1


def accuracy(torch, model, validation, precision):
    """Of the validation pictures, in percent."""
    model.eval()
    hits = total = 0
    with torch.inference_mode(), precision():
        for images, labels in validation:
            guesses = model(images.contiguous(memory_format=torch.channels_last)).argmax(1)
            hits += (guesses == labels).sum().item()
            total += len(labels)
    return 100 * hits / total


def main():
    """Answers with the accuracy, or with why there is none."""
    try:
        import torch

        say(event="finished", top1=train(torch, json.loads(sys.argv[1])))
    except ImportError as error:
        fail("missing", f"{sys.executable}: {error}")
    except Exception as error:  # a peer that cannot run is a row without numbers, whatever the cause
        fail("failed", f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
