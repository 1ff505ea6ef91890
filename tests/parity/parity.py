#!/usr/bin/env python3
"""Is every network of the zoo what torchvision computes? `./dev parity` runs this; needs PyTorch and torchvision.

For each network the same random weights (bench/peers/networks.py) go to both sides, and three errors are printed:

output     evaluation mode, the network's own input, 1000 classes: the library's fast kernels (float32, layers fused)
           against PyTorch in float64. The largest difference, divided by the largest number of the output. GoogLeNet
           and Inception v3 have their auxiliary heads here, whose outputs are compared too.
torch      the same for PyTorch itself in float32: how much of it is rounding.
gradients  training mode without dropout, small pictures: the gradients of the cross-entropy (plus 0.3 or 0.4 times the
           auxiliary heads') by the pictures and by all parameters, by the library's reference kernels against PyTorch,
           both in float64. For each tensor
           |g - g'| / (|g'| + 1e-3 r sqrt(n)): Euclidean norms, n elements, r the root mean square of all the network's
           gradients, so that a gradient that is zero but for rounding (a bias before a batch norm) is held against the
           others. The largest is printed, with its name.
fast       the same by the fast kernels in float32, the median over the network's tensors. A sum within rounding of
           zero may open a ReLU on one side and not on the other, which changes the gradients of the layers below it
           by far more than rounding, and by chance; a fault is there every time. So the smallest of the pictures and
           of copies of them that differ in the last bit is printed, as many as it takes to pass, at most COPIES.
torch      the median of as many for PyTorch itself in float32: how far rounding alone leads.

Output and gradients must be below the limit of 1e-4, and fast below it or below three times PyTorch's own; the exit
status is 1 when one is not.
"""
import argparse
import copy
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

import numpy
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "peers"))
import networks  # noqa: E402

LIMIT = 1e-4
COPIES = 6
# The extents that torchvision's weights were made for; others have 224.
EXTENTS = {"inception_v3": 299, "efficientnet_b1": 240, "efficientnet_b2": 288, "efficientnet_b3": 300,
           "efficientnet_b4": 380, "efficientnet_b5": 456, "efficientnet_b6": 528, "efficientnet_b7": 600,
           "efficientnet_v2_s": 384}
# Small pictures for training, with more than one pixel left at the end; others have 64. Inception v3's auxiliary head
# needs those of its size, and ends in one pixel: in a batch of two its normalisation leaves no gradient.
TRAINING_EXTENTS = {"alexnet": 79, "inception_v3": 299}
BATCHES = {"inception_v3": 3}  # others have 2
CLASSES = 10
AUXILIARY_WEIGHTS = {"googlenet": 0.3, "inception_v3": 0.4}

NETWORKS = """
alexnet vgg11_bn vgg16 googlenet inception_v3 resnet18 resnet50 resnet101 wide_resnet50_2 resnext50_32x4d
densenet121 densenet161 densenet169 densenet201 squeezenet1_0 squeezenet1_1
mobilenet_v2 mobilenet_v3_small mobilenet_v3_large shufflenet_v2_x1_0 mnasnet1_0 regnet_y_400mf
efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5 efficientnet_b6
efficientnet_b7 efficientnet_v2_s convnext_tiny convnext_base
""".split()


def gradients(model, pictures, labels, names, auxiliary_weight):
    """[("loss", loss), ("input", gradient), (parameter, gradient) ...] of the mean cross-entropy."""
    dtype = next(model.parameters()).dtype
    x = torch.tensor(pictures, dtype=dtype, requires_grad=True)
    losses = [torch.nn.functional.cross_entropy(y, torch.tensor(labels))
              for y in networks.outputs(model, x.permute(0, 3, 1, 2))]
    loss = losses[0] + auxiliary_weight * sum(losses[1:])
    model.zero_grad()
    loss.backward()
    parameters = dict(model.named_parameters())
    if set(parameters) != set(names):
        raise RuntimeError(f"parameters differ: {set(parameters) ^ set(names)}")
    found = [("loss", loss.detach()), ("input", x.grad)] + [(name, parameters[name].grad) for name in names]
    return [(name, g.double().numpy().ravel()) for name, g in found]


def differences(expected, actual):
    """Sorted [(error, tensor)]."""
    root = math.sqrt(sum(float(g @ g) for _, g in expected[1:]) / sum(g.size for _, g in expected[1:]))
    found = []
    for (name, g), mine in zip(expected, actual):
        scale = numpy.linalg.norm(g) + 1e-3 * root * math.sqrt(g.size)
        found.append((float(numpy.linalg.norm(mine - g) / scale), name))
    return sorted(found)


def median(errors):
    return statistics.median(error for error, _ in errors)


def passes(fast, rounding):
    return fast < max(LIMIT, 3 * rounding)  # false for NaN


class Check:
    def __init__(self, name, worker, folder):
        self.name, self.worker, self.folder = name, worker, pathlib.Path(folder)
        self.random = numpy.random.default_rng(zlib.crc32(name.encode()))

    def path(self, name):
        return str(self.folder / f"{self.name}.{name}")

    def write(self, name, array):
        array.astype("<f4").tofile(self.path(name))

    def model(self, classes, extent):
        """torchvision's in float64, with batch statistics of pictures of this extent; its weights lie in a file too."""
        model = networks.randomise(self.name, networks.build(self.name, classes, heads=True),
                                   (3, extent, extent))
        state = {key: value for key, value in model.state_dict().items() if value.dtype == torch.float32}
        networks.write_safetensors(self.path("weights"), state)
        return networks.without_dropout(model.double())

    def run(self, mode, classes, extent, batch):
        job = {"network": self.name, "mode": mode, "classes": classes, "extent": extent, "batch": batch}
        job |= {name: self.path(name) for name in ("weights", "input", "labels", "result")}
        done = subprocess.run([self.worker, json.dumps(job)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.split()

    def output_errors(self):
        """The library's, and PyTorch's own in float32."""
        extent = EXTENTS.get(self.name, 224)
        model = self.model(1000, extent).eval()
        pictures = self.random.standard_normal((1, extent, extent, 3)).astype("f4")
        self.write("input", pictures)
        self.run("evaluate", 1000, extent, 1)

        def by_torch(dtype):
            x = torch.tensor(pictures, dtype=dtype).permute(0, 3, 1, 2)
            with torch.no_grad():
                return numpy.stack([y.numpy().ravel() for y in networks.outputs(model.to(dtype), x)])

        expected = by_torch(torch.float64)

        def error(actual):
            return float((numpy.abs(actual - expected).max(1) / numpy.abs(expected).max(1)).max())

        actual = numpy.fromfile(self.path("result"), "<f4").reshape(expected.shape)
        return error(actual), error(by_torch(torch.float32))

    def gradient_errors(self):
        """The fast kernels' median, the reference kernels' largest with its tensor, the median of PyTorch in float32."""
        extent, batch = TRAINING_EXTENTS.get(self.name, 64), BATCHES.get(self.name, 2)
        weight = AUXILIARY_WEIGHTS.get(self.name, 0)
        model = self.model(CLASSES, extent).train()
        single = copy.deepcopy(model).float()
        pictures = self.random.standard_normal((batch, extent, extent, 3)).astype("f4")
        labels = self.random.integers(0, CLASSES, batch)
        self.write("labels", labels)

        fast, exact, rounding = [], [], []
        while len(fast) < COPIES:
            last_bits = 2.0**-24 * self.random.standard_normal(pictures.shape) if fast else 0
            copied = (pictures * (1 + last_bits)).astype("f4")
            self.write("input", copied)
            names = self.run("train", CLASSES, extent, batch)
            expected = gradients(model, copied, labels, names, weight)
            by_torch = gradients(single, copied, labels, names, weight)
            with open(self.path("result"), "rb") as file:
                by_fast, by_reference = ([numpy.fromfile(file, dtype, g.size) for _, g in expected]
                                         for dtype in ("<f4", "<f8"))
            fast.append(median(differences(expected, by_fast)))
            exact.append(differences(expected, by_reference)[-1])
            rounding.append(median(differences(expected, (g for _, g in by_torch))))
            if passes(min(fast), statistics.median(rounding)):
                break
        return min(fast), max(exact), statistics.median(rounding)

    def __call__(self):
        start = time.perf_counter()
        output, output_rounding = self.output_errors()
        fast, (exact, tensor), rounding = self.gradient_errors()
        good = max(output, exact) < LIMIT and passes(fast, rounding)  # false for NaN
        print(f"{self.name:<20}{output:10.1e}{output_rounding:10.1e}{exact:11.1e}{fast:10.1e}{rounding:10.1e}"
              f"{time.perf_counter() - start:8.0f}   {'ok' if good else 'FAILED: ' + tensor}", flush=True)
        return good


def check_all(parser, check, header, problems=RuntimeError):
    """Runs check(name, arguments, folder) for the networks of the command line; the exit status."""
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="default: all")
    arguments = parser.parse_args()
    unknown = set(arguments.networks) - set(NETWORKS)
    if unknown:
        parser.error(f"no such network: {' '.join(sorted(unknown))}; there are {' '.join(NETWORKS)}")
    print(header)
    failed = []
    for name in arguments.networks or NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                good = check(name, arguments, folder)
            except problems as problem:
                print(f"{name:<20}FAILED: {problem}", flush=True)
                good = False
            if not good:
                failed.append(name)
    if failed:
        print(f"failed: {' '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", default=str(ROOT / "build" / "fovea_parity"))
    return check_all(parser, lambda name, arguments, folder: Check(name, arguments.worker, folder)(),
                     f"{'network':<20}{'output':>10}{'torch':>10}{'gradients':>11}{'fast':>10}{'torch':>10}{'seconds':>8}")


if __name__ == "__main__":
    sys.exit(main())
