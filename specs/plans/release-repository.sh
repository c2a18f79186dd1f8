#!/bin/sh
# Makes a small git repository in the folder $1, with a release plan whose tests fail until `ready` exists,
# and the folder `published` beside it.
set -eu
plan="$(dirname "$0")/release.yaml"
mkdir -p "$1" "$1/../published"
cp "$plan" "$1/release.yaml"
cd "$1"
git init --quiet --initial-branch=main
git config user.name "Release Example"
git config user.email release@example.org
echo 1.3.0 > VERSION
echo "# Changes" > CHANGELOG.md
printf '#!/bin/sh\ntest -e ready || { echo "the shop is not ready"; exit 1; }\n' > run-tests.sh
printf '.fsm/\nready\nbuild-*.tar\n' > .gitignore
git add --all
git commit --quiet --message "A shop"
