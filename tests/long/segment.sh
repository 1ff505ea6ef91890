#!/bin/bash
# A small fully convolutional network learns 20 street pictures of CamVid by heart: at least 80 % mean IoU over the
# classes that are there, at the pictures' own size. Usage: segment.sh PROGRAM
set -euo pipefail
fovea=$1
data=${FOVEA_TEST_DATA:-$(dirname "${BASH_SOURCE[0]}")/../../../shared/data}/segmentation/camvid
[[ -d $data/train ]] || { echo "no folder $data/train: set FOVEA_TEST_DATA"; exit 77; }

"$fovea" segment fcn_mini --input 180x240x3 --classes 11 --train "$data/train" --masks "$data/trainannot" --ignore 11 \
  --epochs 120 >segment.log
tail -n 1 segment.log
awk '/^mean IoU/ { exit !($3 >= 80) }' segment.log
