#!/usr/bin/env python3
"""Are published networks right on real pictures? `./dev parity --imagenet` runs this; needs the reference data.

SqueezeNet 1.1 and Tiny Darknet as ONNX files see 150 pictures of ImageNet's validation set, brought to 224x224 by Pillow
and stored as PNG, so that `fovea eval`, `fovea predict` and ONNX Runtime get the same pixels. Printed are how many each
gets right, how many times both name the same class, and the largest difference of the probability of that class, which
must be below 1e-4.
"""
import argparse
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("FOVEA_TEST_DATA", ROOT.parent / "shared" / "data")) / "imagenet"
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
PLAIN = ((0.0,) * 3, (1.0,) * 3)
NETWORKS = {"squeezenet1_1_torchvision": IMAGENET, "darknettiny": PLAIN}


def text(values):
    return ",".join(map(str, values))


def prepare(folder):
    """Pictures in folders with the numbers of their classes: [(path, label)] in the order of val150.csv."""
    pictures = []
    with open(DATA / "val150.csv") as file:
        for row in csv.DictReader(file):
            label = int(row["label"])
            path = folder / "pictures" / row["label"] / (row["file"] + ".png")
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = Image.open(DATA / "val150" / row["file"]).convert("RGB")
            picture.resize((224, 224), Image.BILINEAR).save(path)
            pictures.append((path, label))
    return pictures


class Check:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.pictures = prepare(folder)

    def fovea(self, *arguments):
        done = subprocess.run([self.arguments.program, *map(str, arguments)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout

    def run_onnxruntime(self, name, mean, std):
        images = numpy.stack([numpy.asarray(Image.open(path)) for path, _ in self.pictures]).astype("f4") / 255
        images = (images - numpy.float32(mean)) / numpy.float32(std)
        images.transpose(0, 3, 1, 2).tofile(self.folder / "images.f32")
        job = {"onnx": str(DATA / (name + ".onnx")), "images": str(self.folder / "images.f32"), "threads": 2,
               "batch": len(self.pictures), "shape": [3, 224, 224], "onnxruntime": self.arguments.onnxruntime}
        worker = str(ROOT / "bench" / "peers" / "ort_worker.js")
        done = subprocess.run(["node", worker, json.dumps(job)], input="output\n", capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        logits = numpy.array(json.loads(done.stdout)["output"]).reshape(len(self.pictures), -1)
        powers = numpy.exp(logits - logits.max(1, keepdims=True))
        return powers / powers.sum(1, keepdims=True)

    def evaluate(self, *model):
        report = json.loads(self.fovea("eval", *model, "--data", self.folder / "pictures", "--format", "json"))
        return round(report["top1"] * report["items"])

    def __call__(self, name, mean, std):
        model = (DATA / (name + ".onnx"), "--mean", text(mean), "--std", text(std))
        right = self.evaluate(*model)
        lines = self.fovea("predict", *model, *(path for path, _ in self.pictures), "--top", 1, "--format", "json")
        guesses = [json.loads(line)["guesses"][0] for line in lines.splitlines()]
        expected = self.run_onnxruntime(name, mean, std)
        theirs = expected.argmax(1)
        labels = numpy.array([label for _, label in self.pictures])
        ours = numpy.array([guess["class"] for guess in guesses])
        chosen = numpy.array([guess["probability"] for guess in guesses])
        difference = float(numpy.abs(chosen - expected[numpy.arange(len(ours)), ours]).max())
        good = (ours == theirs).all() and right == (theirs == labels).sum() and difference < 1e-4
        print(f"{name:<28}{right:6}{(theirs == labels).sum():14}{(ours == theirs).sum():9} of {len(ours)}"
              f"{difference:12.1e}   {'ok' if good else 'FAILED'}", flush=True)
        return bool(good)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build" / "fovea"))
    parser.add_argument("--onnxruntime", default=str(ROOT / "build" / "peers" / "node_modules" / "onnxruntime-node"))
    arguments = parser.parse_args()
    if not DATA.exists():
        sys.exit(f"the reference data are not there: {DATA} (FOVEA_TEST_DATA says where)")
    with tempfile.TemporaryDirectory() as folder:
        check = Check(arguments, pathlib.Path(folder))
        print(f"{'network':<28}{'right':>6}{'ONNX Runtime':>14}{'same':>9}{'':7}{'difference':>12}")
        good = [check(name, *normalisation) for name, normalisation in NETWORKS.items()]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
