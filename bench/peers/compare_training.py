#!/usr/bin/python3
"""Compares the training speed of this library and of PyTorch on the same network, batch and synthetic data.

One step is forward, cross-entropy, backward and SGD with momentum 0.9. The programs take turns, a few steps at a time,
so that whatever else the machine does meets all of them; only one computes at any moment. Printed are medians over
all steps by the wall clock, after one uncounted turn each.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Peer:
    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.times = []

    def run(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"compare_training: {self.name} ended early")
        return json.loads(answer)["ms"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compare(program, model, batch, threads, rounds, steps):
    torch = [sys.executable, os.path.join(HERE, "train_torch.py"), model, str(batch), str(threads)]
    peers = [Peer("fovea", [program, model, str(batch), str(threads)]),
             Peer("torch NCHW", torch + ["nchw"]),
             Peer("torch channels_last", torch + ["nhwc"])]
    for round_number in range(rounds + 1):
        for peer in peers:
            times = peer.run(steps)
            if round_number > 0:
                peer.times += times
    medians = [statistics.median(peer.times) for peer in peers]
    for peer, median in zip(peers, medians):
        peer.close()
        print(f"{model:10} {batch:5} {threads:7}  {peer.name:20} {median:9.3f} {batch / median * 1e3:11.0f}")
    print(f"{'':25} {'fovea / best torch':20} {min(medians[1:]) / medians[0]:9.2f} times as fast", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.path.join(HERE, "../../build/train_fovea"))
    parser.add_argument("--models", default="lenet5:40,minivgg:4", help="names and steps a turn")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    print(f"{'model':10} {'batch':>5} {'threads':>7}  {'':20} {'ms / step':>9} {'images / s':>11}   (medians, wall clock)")
    for model in options.models.split(","):
        name, steps = model.split(":")
        for threads in options.threads.split(","):
            compare(options.program, name, options.batch, int(threads), options.rounds, int(steps))


main()
