#!/usr/bin/python3
"""Writes formats.json: small WebP, BMP, PNM and PNG files, JPEGs and PNGs with an EXIF orientation, JPEGs decoded at a
part of their size, and the pixels that Pillow reads (python3-pil 9.4, libjpeg-turbo 2.1.5, libwebp 1.2.4).

Files and samples are in hexadecimal.
"""
import io
import json
import os
import random

from PIL import Image, ImageOps

random.seed(5)


def noise(mode, width, height):
    channels = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, (width, height), bytes(random.randrange(256) for _ in range(width * height * channels)))


def smooth(mode, width, height):
    return noise(mode, 3, 3).resize((width, height), Image.BICUBIC)


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def described(image):
    image = image.convert("L" if image.mode in ("1", "L") else "RGB")
    return {"height": image.height, "width": image.width, "channels": len(image.getbands()), "pixels": image.tobytes().hex()}


def case(name, file, image=None, enough=0):
    if image is None:
        image = Image.open(io.BytesIO(file))
    return {"name": name, "file": file.hex(), "enough": enough, "output": described(image)}


def oriented(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = encoded(smooth("RGB", 24, 16) if kind == "JPEG" else noise("RGB", 4, 3), kind, exif=exif)
    return case(f"{kind} of orientation {orientation}", file, ImageOps.exif_transpose(Image.open(io.BytesIO(file))))


def reduced(width, height, enough, by, mode="RGB"):
    file = encoded(smooth(mode, width, height), "JPEG", quality=92)
    image = Image.open(io.BytesIO(file))
    image.draft(mode, (width // by, height // by))
    return case(f"JPEG {width}x{height} at 1/{by}", file, image, enough)


def cases():
    yield case("WebP lossless", encoded(noise("RGB", 7, 5), "WEBP", lossless=True))
    yield case("WebP lossy", encoded(smooth("RGB", 20, 30), "WEBP", quality=80))
    translucent = noise("RGBA", 6, 4)
    yield case("WebP with transparency", encoded(translucent, "WEBP", lossless=True, exact=True), translucent)
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        picture = noise("RGB", 11, 6).convert(mode)
        yield case("BMP " + mode, encoded(picture, "BMP"), picture)
    for mode in ("1", "L", "RGB"):
        picture = noise("RGB", 11, 6).convert(mode)
        yield case("PNM of bytes, " + mode, encoded(picture, "PPM"), picture)
    yield case("PBM of text", b"P1\n# a comment\n3 2\n1 0 1\n011\n")
    yield case("PGM of text", b"P2 3 2 15\n0 5 15 # end\n1 2 3\n", Image.frombytes("L", (3, 2), bytes([0, 85, 255, 17, 34, 51])))
    yield case("PPM of text", b"P3\n2 1\n255\n1 2 3  4 5 6\n")
    yield case("PGM of 16 bits", b"P5 2 1 65535\n" + bytes([0x80, 0, 0xFF, 0xFF]), Image.frombytes("L", (2, 1), bytes([128, 255])))
    for kind in ("JPEG", "PNG"):
        for orientation in range(1, 9):
            yield oriented(kind, orientation)
    yield reduced(64, 48, 24, 2)
    yield reduced(64, 48, 25, 1)
    yield reduced(67, 45, 5, 8)
    yield reduced(64, 64, 16, 4, "L")


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "formats.json"), "w") as out:
    out.write("[\n" + ",\n".join(json.dumps(each) for each in cases()) + "\n]\n")
