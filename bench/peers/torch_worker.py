"""PyTorch's side of compare.py: torch_worker.py JOB answers as fovea_worker.cpp does. The variants are eager (NCHW),
channels_last and, for inference, frozen (traced, frozen, optimised for inference, which brings oneDNN's layouts)."""

import time

START = time.perf_counter()

import json
import sys

import numpy
import torch
from torch import nn

import networks


def peak_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


class Inference:
    def __init__(self, job, images, _labels, layout):
        self.images, self.place = images, 0
        self.model = networks.load(job["network"], job["weights"]).eval().to(memory_format=layout)
        if job["variant"] == "frozen":
            traced = torch.jit.trace(self.model, images[0])
            self.model = torch.jit.optimize_for_inference(torch.jit.freeze(traced))

    def step(self):
        with torch.inference_mode():
            self.model(self.images[self.place % len(self.images)])
        self.place += 1

    def output(self):
        with torch.inference_mode():
            return self.model(self.images[0]).flatten().tolist()


class Training:
    def __init__(self, job, images, labels, layout):
        self.images, self.labels, self.place = images, labels, 0
        self.model = networks.load(job["network"], job["weights"]).to(memory_format=layout)
        if not job["dropout"]:
            networks.without_dropout(self.model)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=job["lr"], momentum=0.9)

    def step(self):
        i = self.place % len(self.images)
        self.optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(self.model(self.images[i]), self.labels[i])
        loss.backward()
        self.optimizer.step()
        self.place += 1
        return loss.item()


def main():
    job = json.loads(sys.argv[1])
    torch.set_num_threads(job["threads"])
    layout = torch.channels_last if job["variant"] == "channels_last" else torch.contiguous_format
    data = torch.from_numpy(numpy.fromfile(job["images"], dtype=numpy.float32)).reshape(-1, *job["shape"])
    images = [batch.contiguous(memory_format=layout) for batch in data.split(job["batch"])]
    labels = torch.from_numpy(numpy.fromfile(job["labels"], dtype=numpy.float32)).long().split(job["batch"])
    work = {"inference": Inference, "training": Training}[job["mode"]](job, images, labels, layout)
    for line in sys.stdin:
        if line.strip() == "output":
            print(json.dumps({"output": work.output()}), flush=True)
            continue
        wall, losses, cpu = [], [], time.process_time()
        for _ in range(int(line)):
            start = time.perf_counter()
            losses.append(work.step())
            wall.append((time.perf_counter() - start) * 1e3)
        print(json.dumps({"wall_ms": wall, "cpu_ms": (time.process_time() - cpu) * 1e3 / len(wall),
                          "losses": losses, "peak_mb": peak_mb(),
                          "alive_ms": (time.perf_counter() - START) * 1e3}), flush=True)


main()
