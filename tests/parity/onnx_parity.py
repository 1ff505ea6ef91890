#!/usr/bin/env python3
"""Do the zoo's networks go to ONNX Runtime and come from PyTorch? `./dev parity --onnx` runs this.

For each network of parity.py, with random weights (bench/peers/networks.py) and pictures of its own size:

out      the network written as an ONNX file: onnx.checker takes it, and ONNX Runtime computes what the library computes
in       torchvision's network written by torch.onnx.export: the library computes what PyTorch computes
again    the library's file read and written again, and what it makes of PyTorch's: the same bytes

out and in are the largest difference, divided by the largest number of the output; the limit is 1e-4. The exit status
is 1 when a network is above it, refused, or written otherwise the second time.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time
import warnings
import zlib

import numpy
import onnx
import torch

import parity

ROOT = parity.ROOT
networks = parity.networks


def error(actual, expected):
    return float(numpy.abs(actual.ravel() - expected.ravel()).max() / numpy.abs(expected).max())


def same(a, b):
    return pathlib.Path(a).read_bytes() == pathlib.Path(b).read_bytes()


class Check:
    def __init__(self, name, arguments, folder):
        self.name, self.arguments, self.folder = name, arguments, pathlib.Path(folder)
        self.extent = parity.EXTENTS.get(name, 224)
        random = numpy.random.default_rng(zlib.crc32(name.encode()))
        self.picture = random.standard_normal((1, 3, self.extent, self.extent)).astype("f4")

    def path(self, name):
        return str(self.folder / name)

    def fovea(self, *arguments):
        done = subprocess.run([self.arguments.program, *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())

    def run_fovea(self, model, picture, *options):
        numpy.save(self.path("x.npy"), picture)
        out = self.folder / "out"
        self.fovea("run", model, "--input", self.path("x.npy"), "--output", str(out), *options)
        (result,) = out.iterdir()
        values = numpy.load(result)
        result.unlink()
        return values

    def run_onnxruntime(self, model):
        self.picture.tofile(self.path("x.f32"))
        job = {"onnx": model, "images": self.path("x.f32"), "batch": 1, "shape": list(self.picture.shape[1:]),
               "threads": 2, "onnxruntime": self.arguments.onnxruntime}
        worker = str(ROOT / "bench" / "peers" / "ort_worker.js")
        done = subprocess.run(["node", worker, json.dumps(job)], input="output\n", capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return numpy.array(json.loads(done.stdout)["output"], "f4")

    def rewritten(self, model, name):
        self.fovea("convert", model, self.path(name))
        return self.path(name)

    def __call__(self):
        start = time.perf_counter()
        model = networks.randomise(self.name, networks.build(self.name), (3, self.extent, self.extent))
        state = {key: value for key, value in model.state_dict().items() if value.dtype == torch.float32}
        weights = self.path("weights.safetensors")
        networks.write_safetensors(weights, state)

        ours = self.path("ours.onnx")
        self.fovea("convert", self.name, ours, "--weights", weights)
        onnx.checker.check_model(onnx.load(ours), full_check=True)
        channels_last = numpy.ascontiguousarray(self.picture.transpose(0, 2, 3, 1))
        out = error(self.run_onnxruntime(ours), self.run_fovea(self.name, channels_last, "--weights", weights))

        theirs = self.path("theirs.onnx")
        picture = torch.tensor(self.picture)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(model, picture, theirs, opset_version=13, input_names=["input"],
                              output_names=["output"], dynamic_axes={"input": [0], "output": [0]})
            into = error(self.run_fovea(theirs, self.picture), model(picture).numpy())

        once = self.rewritten(theirs, "once.onnx")
        again = same(ours, self.rewritten(ours, "ours_again.onnx")) and same(once, self.rewritten(once, "twice.onnx"))
        good = max(out, into) < parity.LIMIT and again  # false for NaN
        print(f"{self.name:<20}{out:10.1e}{into:10.1e}{'same' if again else 'differs':>9}"
              f"{time.perf_counter() - start:8.0f}   {'ok' if good else 'FAILED'}", flush=True)
        return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build" / "fovea"))
    parser.add_argument("--onnxruntime", default=str(ROOT / "build" / "peers" / "node_modules" / "onnxruntime-node"))
    return parity.check_all(parser, lambda name, arguments, folder: Check(name, arguments, folder)(),
                            f"{'network':<20}{'out':>10}{'in':>10}{'again':>9}{'seconds':>8}",
                            (RuntimeError, onnx.checker.ValidationError))


if __name__ == "__main__":
    sys.exit(main())
