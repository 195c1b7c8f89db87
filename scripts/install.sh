#!/usr/bin/env bash
# Installs what a part of the project needs, into the project's own folders:
#
#   scripts/install.sh [hub] [test] [mounts] [machines] [lint] [docs] [guard]
#
# Without a name it is all of them but `mounts`, which is large: programs that act in shared folders;
# and `machines`: what sandboxes and the images for them are made with.
#
# Running it again is quick: each step is left out while what it was made from is the same.
# Registries are those that pip and npm are set to use; none is named here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=${VMSHARE_VENV:-.venv}
hub=${VMSHARE_HUB:-} # a requirement of its own, such as jupyterhub==5.5.1

say() { printf '== %s\n' "$*"; }
die() {
  printf '!! %s\n' "$*" >&2
  exit 1
}

# One at a time: two terminals may ask at once.
exec 9>.install.lock
if ! flock --nonblock 9; then
  say "Another installation is under way in this folder; waiting for it."
  flock --timeout 1200 9 || die "The other installation has not ended within 20 minutes."
fi

hash_of() { cat -- "$@" | sha256sum | cut -c1-16; }
is_stamped() { [[ -f $1 && $(<"$1") == "$2" ]]; }
has() { command -v "$1" >/dev/null 2>&1; }

# --- system packages ------------------------------------------------------------------------

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -q "$@"
}

# need_packages WHY PACKAGE…  installs them when root on Debian, else says what to do.
need_packages() {
  local why=$1
  shift
  if [[ $(id -u) != 0 ]] || ! has apt-get; then
    die "$why Please install: $* (as root on Debian: apt-get install $*)."
  fi
  say "Installing $*."
  local log
  log=$(mktemp)
  { apt_get update && apt_get install --yes --no-install-recommends "$@"; } >"$log" 2>&1 9>&- || {
    tail -n 20 "$log" >&2
    die "$* could not be installed: apt-get's last words are above."
  }
  rm -f "$log"
}

# With Debian's interpreter when root: root's own may lie in a home that the Unix accounts of
# the demonstration can't read.
python=python3
if [[ $(id -u) == 0 && -x /usr/bin/python3 ]]; then
  python=/usr/bin/python3
fi

need_python() {
  has "$python" || need_packages "Python 3.11 or newer is needed." python3 python3-venv
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "Python 3.11 or newer is needed; $python is $("$python" --version 2>&1)."
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    need_packages "Python's venv module is needed." python3-venv
}

need_node() {
  # Debian 12's own is too old: better said before it is installed than after.
  has npm || ! apt-cache policy nodejs 2>/dev/null | grep -qE 'Candidate: (1[0-9]|[0-9])\.' ||
    die "Node.js 20 or newer, with npm, is needed to build, and this system's own package is older. Install it first."
  has npm || need_packages "Node.js 20 or newer, with npm, is needed to build." nodejs npm
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  ((major >= 20)) || die "Node.js 20 or newer is needed to build; here is $(node --version)."
}

need_browser_and_database() {
  local missing=()
  has chromium || missing+=(chromium)
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || has initdb || missing+=(postgresql)
  compgen -G '/usr/share/fonts/truetype/dejavu/*' >/dev/null || missing+=(fonts-dejavu-core)
  compgen -G '/usr/share/fonts/truetype/liberation*/*' >/dev/null ||
    missing+=(fonts-liberation)
  has unzip || missing+=(unzip)
  # What a machine of the tests is made of; none of it is started here.
  [[ -x /usr/sbin/sshd ]] || missing+=(openssh-server)
  [[ -x /usr/sbin/cron ]] || missing+=(cron)
  [[ -x /usr/sbin/atd ]] || missing+=(at)
  has sudo || missing+=(sudo)
  has tmux || missing+=(tmux)
  has rsync || missing+=(rsync)
  ((${#missing[@]} == 0)) || need_packages "The tests need a browser, a database, an SSH server and programs that use it." "${missing[@]}"
}

# --- Python ---------------------------------------------------------------------------------

make_venv() {
  [[ -x $venv/bin/python && -x $venv/bin/pip ]] && return
  need_python
  say "Making $venv with $("$python" --version)."
  (
    umask 022
    "$python" -m venv --clear "$venv"
  ) || die "$venv could not be made."
}

# uv does not read pip's configuration: tell it the two things that matter.
tell_uv() {
  local setting
  if setting=$("$venv/bin/pip" config get global.index-url 2>/dev/null); then
    export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$setting}
  fi
  if [[ -n ${PIP_INDEX_URL:-} ]]; then
    export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}
  fi
  setting=${PIP_CERT:-$("$venv/bin/pip" config get global.cert 2>/dev/null || true)}
  if [[ -n $setting ]]; then
    export SSL_CERT_FILE=${SSL_CERT_FILE:-$setting}
  fi
  export UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-180} UV_LINK_MODE=${UV_LINK_MODE:-copy}
}

labextension_link() { echo "$venv/share/jupyter/labextensions/jupyter-vmshare"; }

link_labextension() {
  local link
  link=$(labextension_link)
  mkdir -p "$(dirname "$link")"
  rm -rf "$link"
  ln -s "$PWD/jupyter_vmshare/labextension" "$link"
}

python_packages() { # python_packages EXTRA…
  local extras stamp want
  extras=$(IFS=,; echo "$*")
  stamp=$venv/.stamps/python-${extras//,/-}
  want=$(hash_of pyproject.toml jupyter_vmshare/_version.py)${hub:+ $hub}
  is_stamped "$stamp" "$want" && return
  say "Installing jupyter-vmshare[$extras] into $venv."
  # Not through the link: what pip would remove behind it is the build itself.
  rm -rf "$(labextension_link)"
  "$venv/bin/pip" --version >/dev/null || die "$venv is broken: remove it and try again."
  [[ -x $venv/bin/uv ]] || "$venv/bin/pip" install --quiet uv ||
    say "uv could not be installed; going on with pip."
  mkdir -p "$venv/.stamps"
  # An editable install takes a copy of the labextension; the link takes its place afterwards.
  mkdir -p jupyter_vmshare/labextension
  export SKIP_JUPYTER_BUILDER=1
  (
    umask 022
    tell_uv
    "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --editable ".[$extras]" ${hub:+"$hub"}
  ) || {
    say "uv did not manage; trying again with pip."
    "$venv/bin/pip" install --quiet --editable ".[$extras]" ${hub:+"$hub"} ||
      die "jupyter-vmshare[$extras] could not be installed: pip's words are above."
  }
  unset SKIP_JUPYTER_BUILDER
  link_labextension
  echo "$want" >"$stamp"
}

# --- Node, and the labextension -------------------------------------------------------------

node_packages() {
  local want
  want=$(hash_of package.json package-lock.json .npmrc)
  is_stamped node_modules/.stamp "$want" && return
  need_node
  say "Installing the Node packages of package-lock.json."
  npm ci --loglevel=error --no-audit --no-fund || die "The Node packages could not be installed: npm's words are above."
  echo "$want" >node_modules/.stamp
}

build_labextension() {
  local want stamp=node_modules/.labextension-stamp built=jupyter_vmshare/labextension/package.json
  local pages=hub_service/jupyterhub_vmshare/pages/built/manifest.json
  want=$(find labextension/src labextension/style labextension/schema -type f -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum |
    cat - package.json labextension/tsconfig.json package-lock.json scripts/build-hub.mjs | sha256sum | cut -c1-16)
  if ! is_stamped "$stamp" "$want" || [[ ! -f $built || ! -f $pages ]]; then
    need_node
    say "Building the labextension and the hub's pages."
    local log
    log=$(mktemp)
    rm -rf labextension/lib
    PATH=$PWD/$venv/bin:$PATH npm run --silent build >"$log" 2>&1 || {
      tail -n 40 "$log" >&2
      die "The labextension could not be built: the compiler's words are above."
    }
    rm -f "$log"
    echo "$want" >"$stamp"
  fi
}

# --- the share guard ------------------------------------------------------------------------

guard_packages() { # those that are missing here
  has gcc || has cc || echo gcc libc6-dev
  has meson || echo meson
  has ninja || echo ninja-build
  has pkg-config || echo pkg-config
  has fusermount3 || echo fuse3
  has bwrap || echo bubblewrap
  pkg-config --exists fuse3 2>/dev/null || echo libfuse3-dev
  pkg-config --exists libseccomp 2>/dev/null || echo libseccomp-dev
}

# Where it can't be built, folders do not appear in sessions, and the tests of that are left out.
install_guard_if_possible() {
  if [[ -z $(guard_packages) ]] || { [[ $(id -u) == 0 ]] && has apt-get; }; then
    install_guard
  else
    say "Without $(guard_packages | xargs) the share guard is not built: folders will not appear in running sessions."
  fi
}

install_guard() {
  local missing log
  mapfile -t missing < <(guard_packages | tr ' ' '\n')
  ((${#missing[@]} == 0)) || need_packages "The share guard is built from C." "${missing[@]}"
  mkdir -p build
  log=$(mktemp)
  say "Building the share guard into build/guard."
  {
    [[ -f build/guard/build.ninja ]] || meson setup build/guard hub_service/guard
    meson compile -C build/guard
  } >"$log" 2>&1 || {
    tail -n 40 "$log" >&2
    die "The share guard could not be built: the compiler's words are above."
  }
  rm -f "$log"
}

# --- the parts ------------------------------------------------------------------------------

install_hub() {
  install_guard_if_possible
  make_venv
  python_packages hub demo
  node_packages
  build_labextension
}

install_test() {
  need_browser_and_database
  install_guard_if_possible
  make_venv
  python_packages hub demo test
  node_packages
  build_labextension
}

install_mounts() {
  local missing=() program
  for program in bindfs git rsync vim; do has "$program" || missing+=("$program"); done
  # CPython's own tests, for the Python that Debian has.
  if [[ $(id -u) == 0 && -x /usr/bin/python3 ]] && has apt-get; then
    /usr/bin/python3 -c 'import test.test_os' 2>/dev/null ||
      missing+=("lib$(basename "$(readlink -f /usr/bin/python3)")-testsuite")
  fi
  ((${#missing[@]} == 0)) || need_packages "The tests use programs in shared folders." "${missing[@]}"
  make_venv
  python_packages hub demo test mounts
}

# Where they can't be installed, the tests of sandboxes are left out.
install_machines() {
  local missing=()
  has mmdebstrap || missing+=(mmdebstrap)
  has mkfs.ext4 || missing+=(e2fsprogs)
  has ssh || missing+=(openssh-client)
  if ((${#missing[@]} > 0)) && [[ $(id -u) == 0 ]] && has apt-get; then
    need_packages "Sandboxes and their images need them." "${missing[@]}"
  fi
}

# Where they can't be installed, the tests of virtual machines are left out.
install_qemu() {
  local missing=()
  has mmdebstrap || missing+=(mmdebstrap)
  has mkfs.ext4 || missing+=(e2fsprogs)
  has ssh || missing+=(openssh-client)
  has qemu-system-x86_64 || missing+=(qemu-system-x86)
  has qemu-img || missing+=(qemu-utils)
  if ((${#missing[@]} > 0)) && [[ $(id -u) == 0 ]] && has apt-get; then
    (need_packages "Virtual machines and their images need them." "${missing[@]}") ||
      say "Without them the tests of virtual machines are left out."
  fi
  make_venv
  python_packages hub demo test qemu
}

install_lint() {
  make_venv
  python_packages hub demo test lint
  node_packages
}

install_docs() {
  make_venv
  python_packages hub docs
}

(($# > 0)) || set -- hub test lint docs guard
for part in "$@"; do
  case $part in
    hub | test | mounts | machines | qemu | lint | docs | guard) "install_$part" ;;
    *) die "There is no part \"$part\": the parts are hub, test, mounts, machines, qemu, lint, docs and guard." ;;
  esac
done
say "Installed: $*."
