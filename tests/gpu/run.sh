#!/usr/bin/env bash
# One command for a machine without network: bash tests/gpu/run.sh FOLDER OUT [--rehearse] [tests] [bench] [study]
# FOLDER holds what tests/gpu/pack.sh made; the study needs all of it, the other parts the packages and `commit`. WORK
# (FOLDER, unless it is set) keeps what is unpacked, so that FOLDER may come in pieces, one call after another. OUT gets
# the results, each as soon as it is there. Without a part's name, all parts run. STUDY_SECONDS, BENCH_SECONDS, AT_ONCE
# (stages at a time on the GPU) and PYTHON may be set.
set -uo pipefail
given="$(cd "$1" && pwd)" && folder="$(mkdir -p "${WORK:-$1}" && cd "${WORK:-$1}" && pwd)" || exit 2
if [ "$given" != "$folder" ]; then cp -r "$given/." "$folder/" || exit 2; fi
out="$(mkdir -p "$2" && cd "$2" && pwd)" || exit 2
shift 2
rehearse=''
only=(-k 'cuda or tf32')  # on a GPU the rehearsals of the tests are left out
if [ "${1:-}" = --rehearse ]; then rehearse=--rehearse && only=() && shift; fi
parts="${*:-tests bench study}"
root="$(cd "$(dirname "$0")/../.." && pwd)"
cd "$root" || exit 2
say() { echo "$(date +%T) $*" | tee -a "$out/run.log"; }

# A folder for PYTHONPATH, and `python` on the PATH, as the commands of the stages want it.
site="$folder/site" bin="$folder/bin"
python="$(command -v "${PYTHON:-python3}")" || exit 2
if [ ! -e "$site/.complete" ]; then
    mkdir -p "$site" && tar -C "$site" -xJf "$folder/packages.tar.xz" && touch "$site/.complete" || exit 2
fi
mkdir -p "$bin" && printf '#!/bin/sh\nexec "%s" "$@"\n' "$python" >"$bin/python" && chmod +x "$bin/python" || exit 2
export PATH="$bin:$PATH" PYTHONPATH="$site${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
export HF_HUB_OFFLINE=1 GIT_PYTHON_REFRESH=quiet SCRATCHCARD_DATA="$folder"
SCRATCHCARD_COMMIT="$(cat "$folder/commit")" && export SCRATCHCARD_COMMIT
python - <<'P' 2>&1 | tee -a "$out/run.log" || exit 2
import sys, torch, transformers, dvc, datasets
gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
print(f"Python {sys.version.split()[0]}, torch {torch.__version__}, transformers {transformers.__version__}, {gpu}")
P
failed=''

for part in $parts; do
    say "$part starts"
    case "$part" in
    tests) python -m pytest -p no:cacheprovider -o addopts= -v -rs "${only[@]}" tests/gpu >"$out/tests.txt" 2>&1 ;;
    bench) python -m tests.gpu.bench --out "$out" --limit "${BENCH_SECONDS:-170}" $rehearse >"$out/bench.txt" 2>&1 ;;
    study) python -m tests.gpu.study "$folder" "$out" --seconds "${STUDY_SECONDS:-330}" --at-once "${AT_ONCE:-12}" \
        $rehearse >"$out/study.txt" 2>&1 ;;
    *) say "there is no part $part" && false ;;
    esac || failed="$failed $part"
    case "$part" in tests | bench | study) tail -n 3 "$out/$part.txt" | tee -a "$out/run.log" ;; esac
done
say "done${failed:+, failed:$failed}"
[ -z "$failed" ]
