#!/usr/bin/env bash
# clang-tidy on the product's sources, JOBS at a time; a file that was clean is left out until it, a header of ours that it
# includes, or .clang-tidy changes.
#   clang_tidy.sh BUILD_DIR JOBS      BUILD_DIR must be built: its compile commands and header lists are used
set -euo pipefail
build=$1 jobs=$2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
stamps=$build/clang-tidy
mkdir -p "$stamps"

# "source<TAB>hash of everything of ours that it is made of", from ninja's own list of what each object depends on.
inputs() {
  ninja -C "$build" -t deps | awk -v root="$root/" '
    /^[^ ].*: #deps/ { source = ""; next }
    /^    / {
      path = $0; sub(/^ +/, "", path)
      if (index(path, root) == 1) path = substr(path, length(root) + 1)
      while (sub(/^\.\.\//, "", path)) {}
      if (path !~ /^(engine|web|cli)\//) next
      if (source == "") { if (path !~ /\.cc$/) next; source = path }
      print source "\t" path
    }' | sort -u
}

checksum() { sha256sum | cut -d' ' -f1; }

version=$(clang-tidy --version | tr -d '\n')
list=$(mktemp)
trap 'rm -f "$list"' EXIT
inputs > "$list"
todo=()
while read -r source; do
  [ -f "$source" ] || continue
  hash=$({ echo "$version"; cat .clang-tidy; awk -F'\t' -v s="$source" '$1 == s { print $2 }' "$list" | xargs cat; } | checksum)
  stamp=$stamps/$(echo "$source" | tr / _).$hash
  [ -e "$stamp" ] || todo+=("$source" "$stamp")
done < <(cut -f1 "$list" | sort -u)

total=$(cut -f1 "$list" | sort -u | wc -l)
echo "$((${#todo[@]} / 2)) of $total sources to check"
[ "$total" -gt 0 ] || { echo "clang_tidy.sh: no sources found in $build; build it first" >&2; exit 1; }
[ ${#todo[@]} -gt 0 ] || exit 0

check_one() { # BUILD SOURCE STAMP
  # The compile commands are g++'s; clang does not know all of its warnings.
  if timeout 300 clang-tidy --quiet -p "$1" --extra-arg=-Wno-unknown-warning-option "$2" 2>/dev/null; then
    rm -f "${3%.*}".*
    touch "$3"
  else
    echo "clang-tidy: $2 is not clean"
    return 1
  fi
}
export -f check_one
printf '%s\0' "${todo[@]}" | xargs -0 -n 2 -P "$jobs" bash -c 'check_one "$0" "$1" "$2"' "$build"
