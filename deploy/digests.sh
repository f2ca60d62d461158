#!/bin/sh
# Writes behind each tag of a base image the digest that its registry gives for it now: `make digests`. A tag can be
# moved, a digest cannot. The digest is that of the list of all platforms. Run it again after a tag was changed.
# Nothing is written unless every image has answered.
set -eu
cd "$(dirname "$0")/.."
FILES="deploy/Dockerfile deploy/worker/Dockerfile deploy/docker-compose.yml"

fail() {
    echo "digests: $1" >&2
    exit 1
}

# The images that bear a tag, without their digests, a line each; those that are built here have a variable as tag.
images() {
    # shellcheck disable=SC2086 # a list of words
    sed -nE 's/^(ARG BASE=|FROM |[[:space:]]+image: )([a-z0-9./-]+:[A-Za-z0-9._-]+)(@sha256:[0-9a-f]+)?([[:space:]].*)?$/\2/p' $FILES | sort -u
}

if docker buildx version >/dev/null 2>&1; then
    digest() { docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$1"; }
elif command -v skopeo >/dev/null 2>&1; then
    digest() { skopeo inspect --no-tags --format '{{.Digest}}' "docker://$1"; }
else
    fail "neither docker with its plugin buildx nor skopeo is here: one of them has to ask the registry"
fi

script=
for image in $(images); do
    found=$(digest "$image") || fail "no digest for $image: its registry was not reached, or has no such tag"
    echo "$found" | grep -qxE 'sha256:[0-9a-f]{64}' || fail "no digest for $image, but: $found"
    echo "$image@$found"
    quoted=$(echo "$image" | sed 's/[.]/\\./g')
    script="$script
s#([= ])$quoted(@sha256:[0-9a-f]+)?([[:space:]]|\$)#\\1$image@$found\\3#"
done
[ -n "$script" ] || fail "no image was found in $FILES"
for file in $FILES; do
    sed -E "$script" "$file" >"$file.new"
    cat "$file.new" >"$file"
    rm "$file.new"
done
