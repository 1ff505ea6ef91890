#!/usr/bin/python3
"""Writes pictures.json: what Pillow makes of small pictures (python3-pil 9.4, libjpeg-turbo 2.1.5).

resize: Image.resize(BILINEAR); grey: convert("L"); jpeg: open(...).convert to L or RGB. Samples are in hexadecimal.
"""
import io
import json
import os
import random

from PIL import Image

random.seed(1)


def noise(mode, width, height):
    channels = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, (width, height), bytes(random.randrange(256) for _ in range(width * height * channels)))


def smooth(mode, width, height):
    return noise(mode, 3, 3).resize((width, height), Image.BICUBIC)


def described(image):
    return {"height": image.height, "width": image.width, "channels": len(image.getbands()), "pixels": image.tobytes().hex()}


def resize_cases():
    for mode, size, to in [
        ("RGB", (13, 9), (5, 7)), ("RGB", (7, 5), (16, 11)), ("L", (28, 28), (9, 32)), ("L", (12, 8), (12, 3)),
        ("RGB", (8, 12), (3, 12)), ("L", (1, 1), (3, 2)), ("L", (50, 3), (1, 1)), ("RGB", (11, 11), (10, 12)),
    ]:
        image = noise(mode, *size)
        yield {"input": described(image), "output": described(image.resize(to, Image.BILINEAR))}


def encoded(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def without_adobe_marker(jpeg):
    at = jpeg.index(b"\xff\xee")
    return jpeg[:at] + jpeg[at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big") :]


def jpeg_cases():
    cmyk = encoded(smooth("CMYK", 9, 6), quality=90)
    for name, file in {
        "grey": encoded(smooth("L", 17, 10), quality=80),
        "colour 4:2:0": encoded(smooth("RGB", 17, 10), quality=80, subsampling=2),
        "colour 4:4:4 progressive": encoded(smooth("RGB", 9, 20), quality=95, subsampling=0, progressive=True),
        "CMYK of Adobe": cmyk,
        "CMYK": without_adobe_marker(cmyk),
    }.items():
        image = Image.open(io.BytesIO(file))
        image = image if image.mode == "L" else image.convert("RGB")
        yield {"name": name, "file": file.hex(), "output": described(image)}


picture = noise("RGB", 16, 16)
golden = {
    "resize": list(resize_cases()),
    "grey": {"input": described(picture), "output": described(picture.convert("L"))},
    "jpeg": list(jpeg_cases()),
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "pictures.json"), "w") as out:
    json.dump(golden, out, indent=1)
    out.write("\n")
