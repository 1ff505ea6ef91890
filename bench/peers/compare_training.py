#!/usr/bin/python3
"""Compares the training speed of this library and of PyTorch on the same network, batch and synthetic data.

One step is forward, cross-entropy, backward and SGD with momentum 0.9. The programs take turns, a few steps at a time,
so that whatever else the machine does meets all of them; only one computes at any moment. Printed are the median over
all steps by the wall clock, after one uncounted turn each, and the median over turns of the CPU time of a step (all
threads together): on a machine busy with other work the wall clock measures that work as well.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Peer:
    def __init__(self, name, command, threads):
        self.name = name
        # The linear algebra beneath PyTorch has threads of its own.
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)
        self.wall, self.cpu = [], []

    def run(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"compare_training: {self.name} ended early")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compare(program, model, batch, threads, rounds, steps):
    torch = [sys.executable, os.path.join(HERE, "train_torch.py"), model, str(batch), str(threads)]
    peers = [Peer("fovea", [program, model, str(batch), str(threads)], threads),
             Peer("torch NCHW", torch + ["nchw"], threads),
             Peer("torch channels_last", torch + ["nhwc"], threads)]
    for round_number in range(rounds + 1):
        for peer in peers:
            answer = peer.run(steps)
            if round_number > 0:
                peer.wall += answer["wall_ms"]
                peer.cpu.append(answer["cpu_ms"])
    for peer in peers:
        peer.close()
        wall, cpu = statistics.median(peer.wall), statistics.median(peer.cpu)
        print(f"{model:10} {batch:5} {threads:7}  {peer.name:20} {wall:9.3f} {batch / wall * 1e3:11.0f} {cpu:9.3f}")
    fovea, *torch_peers = peers
    wall, cpu = (min(statistics.median(getattr(peer, clock)) for peer in torch_peers)
                 / statistics.median(getattr(fovea, clock)) for clock in ("wall", "cpu"))
    print(f"{'':25} {'best torch / fovea':20} {wall:9.2f} {'':11} {cpu:9.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.path.join(HERE, "../../build/train_fovea"))
    parser.add_argument("--models", default="lenet5:40,minivgg:4", help="names and steps a turn")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    print("Medians a step; images / s by the wall clock.")
    print(f"{'model':10} {'batch':>5} {'threads':>7}  {'':20} {'wall ms':>9} {'images / s':>11} {'CPU ms':>9}")
    for model in options.models.split(","):
        name, steps = model.split(":")
        for threads in options.threads.split(","):
            compare(options.program, name, options.batch, int(threads), options.rounds, int(steps))


main()
