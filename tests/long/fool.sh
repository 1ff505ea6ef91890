#!/bin/bash
# FGSM, PGD and L-BFGS against SqueezeNet 1.1 with ImageNet's weights: at least 95 % of the recognised ones of 150
# validation pictures are taken for something else, as 8-bit pictures, those of FGSM and PGD within 4/255.
# Usage: fool.sh PROGRAM
set -euo pipefail
fovea=$1
data=${FOVEA_TEST_DATA:-$(dirname "${BASH_SOURCE[0]}")/../../../shared/data}/imagenet
[[ -f $data/squeezenet1_1_torchvision.onnx ]] || { echo "no SqueezeNet in $data: set FOVEA_TEST_DATA"; exit 77; }

"$fovea" fool "$data/squeezenet1_1_torchvision.onnx" "$data"/val150/*.JPEG --labels "$data/val150.csv" \
  --method fgsm,pgd,lbfgs --eps 4/255 --steps 10 >fool.log
tail -n 3 fool.log
tail -n 3 fool.log | awk '
  { recognised = $4; fooled = $2 }
  recognised < 90 || fooled < 0.95 * recognised { bad = 1 }
  END { exit bad || NR != 3 }'
