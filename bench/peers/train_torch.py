"""PyTorch's side of compare_training.py: train_torch.py MODEL BATCH THREADS nchw|nhwc, answers as train_fovea.cpp."""

import json
import sys
import time

import torch
from torch import nn


def lenet5():
    return (1, 32, 32), nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(16, 120, 5), nn.Tanh(), nn.Flatten(),
        nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))


def minivgg():
    def conv(channels, filters):
        return nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(filters)
    return (3, 32, 32), nn.Sequential(
        *conv(3, 32), *conv(32, 32), nn.MaxPool2d(2), nn.Dropout(0.25),
        *conv(32, 64), *conv(64, 64), nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten(),
        nn.Linear(4096, 512), nn.ReLU(), nn.BatchNorm1d(512), nn.Dropout(0.5), nn.Linear(512, 10))


def main():
    name, batch, threads, layout = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    layout = {"nchw": torch.contiguous_format, "nhwc": torch.channels_last}[layout]
    shape, model = {"lenet5": lenet5, "minivgg": minivgg}[name]()
    model = model.to(memory_format=layout).train()
    images = (torch.rand(batch, *shape) - 0.5).contiguous(memory_format=layout)
    labels = torch.randint(10, (batch,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loss = nn.CrossEntropyLoss()
    for line in sys.stdin:
        times, cpu, steps = [], time.process_time(), int(line)
        for _ in range(steps):
            start = time.perf_counter()
            optimizer.zero_grad(set_to_none=True)
            loss(model(images), labels).backward()
            optimizer.step()
            times.append((time.perf_counter() - start) * 1e3)
        cpu = (time.process_time() - cpu) * 1e3 / steps
        print(json.dumps({"wall_ms": times, "cpu_ms": cpu}), flush=True)


main()
