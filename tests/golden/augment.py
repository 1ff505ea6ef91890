#!/usr/bin/python3
"""Writes augment.json: what Pillow and torchvision make of small pictures (python3-pil 9.4, python3-torchvision 0.14).

Each case: an operation, its arguments, input and output picture. Samples are in hexadecimal.
"""
import json
import os
import random

from PIL import Image, ImageEnhance, ImageOps
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

random.seed(7)
NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR


def noise(mode, width, height):
    channels = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, (width, height), bytes(random.randrange(256) for _ in range(width * height * channels)))


def smooth(mode, width, height):
    return noise(mode, 4, 4).resize((width, height), Image.BICUBIC)


def described(image):
    return {"height": image.height, "width": image.width, "channels": len(image.getbands()), "pixels": image.tobytes().hex()}


def resize_cases():
    for name, filter in [("nearest", Image.NEAREST), ("box", Image.BOX), ("bilinear", Image.BILINEAR),
                         ("bicubic", Image.BICUBIC)]:
        for mode, size, to in [("RGB", (23, 17), (9, 8)), ("RGB", (7, 5), (16, 11)), ("L", (28, 20), (9, 32)),
                               ("L", (5, 50), (5, 7)), ("RGB", (12, 12), (13, 11))]:
            image = noise(mode, *size)
            yield name, list(to), image, image.resize(to, filter)


def shorter_side_cases():
    for size, side, cut in [((23, 17), 12, 9), ((17, 23), 12, 11), ((31, 19), 16, 13), ((16, 16), 20, 20), ((9, 30), 7, 6)]:
        image = smooth("RGB", *size)
        resized = F.resize(image, side, InterpolationMode.BICUBIC)
        yield "shorter", [side, cut], image, F.center_crop(resized, cut)


def geometry_cases():
    for mode in ("RGB", "L"):
        image = noise(mode, 11, 8)
        yield "flip", [], image, F.hflip(image)
        yield "flip-vertical", [], image, F.vflip(image)
        yield "crop", [2, 3, 5, 6], image, F.crop(image, 2, 3, 5, 6)
        yield "pad black", [3], image, F.pad(image, 3)
        yield "pad reflect", [3], image, F.pad(image, 3, padding_mode="reflect")
        yield "pad edge", [3], image, F.pad(image, 3, padding_mode="edge")


def warp_cases():
    for name, mode in (("nearest", NEAREST), ("bilinear", BILINEAR)):
        for picture in (smooth("RGB", 19, 14), noise("L", 12, 12)):
            for angle in (10, -37.5, 90, 180, 263):
                yield "rotate " + name, [angle], picture, F.rotate(picture, angle, mode)
            for degrees, right, down, scale, shear_x, shear_y in [
                (15, 2, -1, 1.1, 5, 0), (-30, 0, 3, 0.8, -8, 4), (0, 4, 2, 1, 0, 0), (0, 0, 0, 1.3, 0, 0)]:
                out = F.affine(picture, degrees, [right, down], scale, [shear_x, shear_y], mode)
                yield "affine " + name, [degrees, right, down, scale, shear_x, shear_y], picture, out
    picture = smooth("RGB", 21, 16)
    for corners in ([[2, 1], [18, 3], [19, 13], [1, 14]], [[1, 0.5], [14, 4], [19, 14.5], [5, 11]]):
        start = [[0, 0], [20, 0], [20, 15], [0, 15]]
        out = F.perspective(picture, start, corners, BILINEAR)
        yield "perspective bilinear", [x for corner in corners for x in corner], picture, out


def colour_cases():
    for picture in (noise("RGB", 9, 7), smooth("RGB", 16, 12), smooth("L", 10, 8)):
        for factor in (0, 0.3, 0.77, 1, 1.4, 2.5):
            yield "brightness", [factor], picture, F.adjust_brightness(picture, factor)
            yield "contrast", [factor], picture, F.adjust_contrast(picture, factor)
            yield "saturation", [factor], picture, F.adjust_saturation(picture, factor)
            yield "sharpness", [factor], picture, ImageEnhance.Sharpness(picture).enhance(factor)
        for turns in (-0.5, -0.13, 0, 0.02, 0.31, 0.5):
            yield "hue", [turns], picture, F.adjust_hue(picture, turns)
        grey = picture.convert("L")
        yield "grey", [], picture, grey.convert(picture.mode)
        yield "invert", [], picture, ImageOps.invert(picture)
        for bits in (1, 4, 7, 8):
            yield "posterize", [bits], picture, ImageOps.posterize(picture, bits)
        for threshold in (0, 100, 256):
            yield "solarize", [threshold], picture, ImageOps.solarize(picture, threshold)
        yield "autocontrast", [], picture, ImageOps.autocontrast(picture)
    for mode in ("RGB", "L"):  # large enough for equalisation to have something to do
        picture = smooth(mode, 40, 30)
        yield "equalize", [], picture, ImageOps.equalize(picture)


def blur_cases():
    for mode in ("RGB", "L"):
        picture = noise(mode, 13, 10)
        for size, sigma in ((3, 0.8), (7, 2.0), (1, 1.0)):
            yield "blur", [size, sigma], picture, F.gaussian_blur(picture, size, sigma)


cases = [resize_cases, shorter_side_cases, geometry_cases, warp_cases, colour_cases, blur_cases]
golden = [
    {"operation": name, "arguments": arguments, "input": described(before), "output": described(after)}
    for part in cases
    for name, arguments, before, after in part()
]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "augment.json"), "w") as out:
    out.write("[\n" + ",\n".join(json.dumps(case) for case in golden) + "\n]\n")
