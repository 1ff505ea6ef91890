#!/usr/bin/env python3
"""Times Grad-CAM and occlusion maps of SqueezeNet 1.1 by Fovea and by PyTorch, alternating.

Run: /usr/bin/python3 bench/peers/explain.py [--threads 1]      after ./dev bench-ops has built build/bench_explain

Both do the same work on a picture of noise with weights drawn at random: Grad-CAM at the last feature map (one forward
pass, and backward as far as that map), and occlusion with patches of 16x16 at a stride of 8, in batches of 16. Each is
run three times; the least counts.
"""
import argparse
import json
import pathlib
import subprocess
import time

import torch
import torchvision

PROGRAM = pathlib.Path(__file__).parents[2] / "build" / "bench_explain"


def grad_cam(network, x):
    value = network.features(x).detach().requires_grad_()
    torch.flatten(network.classifier(value), 1)[0, 242].backward()
    return torch.relu((value.grad.mean((2, 3), keepdim=True) * value).sum(1))


@torch.no_grad()
def occlusion(network, x):
    whole = network(x).softmax(1)[0, 242]
    places = [(i, j) for i in range(0, 209, 8) for j in range(0, 209, 8)]
    drops = []
    for first in range(0, len(places), 16):
        batch = x.repeat(len(places[first:first + 16]), 1, 1, 1)
        for k, (i, j) in enumerate(places[first:first + 16]):
            batch[k, :, i:i + 16, j:j + 16] = 0
        drops.append(whole - network(batch).softmax(1)[:, 242])
    return torch.cat(drops).reshape(27, 27)


def torch_milliseconds(method, network, x, times):
    start = time.perf_counter()
    for _ in range(times):
        method(network, x)
    return 1e3 * (time.perf_counter() - start) / times


def fovea_milliseconds(name, threads):
    filter_flag = f"--benchmark_filter=^{name}/.*threads:{threads}"
    out = subprocess.run([PROGRAM, filter_flag, "--benchmark_format=json"], check=True, capture_output=True).stdout
    return json.loads(out)["benchmarks"][0]["real_time"]


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--threads", type=int, default=1, choices=(1, 2))
threads = parser.parse_args().threads
torch.set_num_threads(threads)
network = torchvision.models.squeezenet1_1(weights=None).eval().requires_grad_(False)
x = torch.randn(1, 3, 224, 224)
grad_cam(network, x)  # what comes first takes longer
for method, times in ((grad_cam, 10), (occlusion, 1)):
    rounds = [(fovea_milliseconds(method.__name__, threads), torch_milliseconds(method, network, x, times))
              for _ in range(3)]
    fovea, peer = (min(values) for values in zip(*rounds))
    print(f"{method.__name__:10} {threads} thread{'s' if threads > 1 else ''}: "
          f"Fovea {fovea:8.1f} ms, PyTorch {torch.__version__} {peer:8.1f} ms, ratio {peer / fovea:.2f}")
