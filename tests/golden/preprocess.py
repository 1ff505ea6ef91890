#!/usr/bin/python3
"""Writes preprocess.json: samples of what Pillow and torchvision make of whole folders of pictures.

Usage: preprocess.py DATA, the folder that $FOVEA_TEST_DATA names (python3-pil 9.4, libjpeg-turbo 2.1.5, python3-torchvision
0.14). For each picture and each way of resizing: 24 samples, at the places that a linear congruential generator gives.
"""
import json
import os
import sys
from pathlib import Path

from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

data = Path(sys.argv[1])
SAMPLES = 24


def samples(image):
    values, state = image.tobytes(), 1
    picked = []
    for _ in range(SAMPLES):
        state = (state * 1103515245 + 12345) % 2**31
        picked.append(values[state % len(values)])
    return picked


def is_grey(path):
    """Whether it is a PNG of colour type 0 or 4, of which Pillow opens some as colour."""
    header = path.read_bytes()[:26]
    return header.startswith(b"\x89PNG") and header[25] in (0, 4)


def opened(path):
    image = Image.open(path)
    if image.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255
        image = image.point(lambda value: value / 257).convert("L")
    if image.mode in ("LA", "P", "RGBA"):
        image = image.convert("RGBA").convert("RGB")
    return image.convert("L" if is_grey(path) else "RGB")


def rows():
    pictures = [("imagenet/val150", path) for path in sorted((data / "imagenet/val150").iterdir())]
    pictures += [("pictures/pngsuite/png", path) for path in sorted((data / "pictures/pngsuite/png").glob("[!x]*.png"))]
    for folder, path in pictures:
        image = opened(path)
        yield folder + "/" + path.name, {
            "cut": samples(F.center_crop(F.resize(image, 256, InterpolationMode.BICUBIC), 224)),
            "bilinear": samples(image.resize((45, 60), Image.BILINEAR)),
            "box": samples(image.resize((20, 23), Image.BOX)),
            "nearest": samples(image.resize((50, 41), Image.NEAREST)),
        }


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "preprocess.json"), "w") as out:
    out.write("{\n" + ",\n".join(json.dumps(name) + ": " + json.dumps(row) for name, row in rows()) + "\n}\n")
