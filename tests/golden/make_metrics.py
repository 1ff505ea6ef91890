#!/usr/bin/env python3
"""Measures of a classifier by their definitions, in plain NumPy: metrics.json.

Run: /usr/bin/python3 tests/golden/make_metrics.py

The AUC counts pairs one by one; classes 0 and 1 have items of equal probability, class 4 has no items.
"""
import json
import pathlib

import numpy as np

N, K, BINS = 60, 5, 15
item, k = np.arange(N)[:, None], np.arange(K)[None, :]
scores = ((7 * item + 11 * k + item * k) % 13) / 3 - 2 * (k == 4)
p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
p = p.astype(np.float32)
labels = (np.arange(N) * 5 // 3) % 4
labels[::3] = np.minimum(p.argmax(1), 3)[::3]  # so that a fair part is right
prediction = p.argmax(1)
right = prediction == labels
confidence = p.max(1).astype(np.float64)


def ratio(a, b):
    return None if b == 0 else float(a / b)


def auc(c):
    positive, negative = p[labels == c, c], p[labels != c, c]
    if not len(positive) or not len(negative):
        return None
    wins = (positive[:, None] > negative).sum() + 0.5 * (positive[:, None] == negative).sum()
    return float(wins / (len(positive) * len(negative)))


classes = []
for c in range(K):
    tp = int((right & (labels == c)).sum())
    fp, fn = int((~right & (prediction == c)).sum()), int((~right & (labels == c)).sum())
    classes.append(dict(items=int((labels == c).sum()), precision=ratio(tp, tp + fp), recall=ratio(tp, tp + fn),
                        f1=ratio(2 * tp, 2 * tp + fp + fn), auc=auc(c)))
mean = {key: float(np.mean([c[key] for c in classes if c[key] is not None])) for key in classes[0] if key != "items"}

edges = np.linspace(0, 1, BINS + 1)
bins, ece, mce = [], 0.0, 0.0
for low, high in zip(edges[:-1], edges[1:]):
    inside = (confidence > low) & (confidence <= high)
    bins.append(int(inside.sum()))
    if inside.any():
        error = abs(right[inside].mean() - confidence[inside].mean())
        ece += error * inside.mean()
        mce = max(mce, error)

order = np.argsort(-p, axis=1, kind="stable")
top = [float((order[:, :k] == labels[:, None]).any(1).mean()) for k in range(1, K + 1)]
own = p[np.arange(N), labels]
wrong = np.flatnonzero(~right)
result = dict(labels=labels.tolist(), probabilities=[[float(x) for x in row] for row in p], classes=classes, mean=mean,
              loss=float(-np.log(own.astype(np.float64)).mean()), top=top, bins=bins, ece=float(ece), mce=float(mce),
              mistakes=wrong[np.argsort(own[wrong], kind="stable")].tolist())
path = pathlib.Path(__file__).with_name("metrics.json")
path.write_text(json.dumps(result) + "\n")
