#!/usr/bin/env bash
# Builds one Go program from a committed go.mod and go.sum, with progress; it resolves and changes no module.
# gobuild.sh NAME SOURCE_FOLDER PACKAGE OUTPUT
set -euo pipefail
name=$1 source=$2 package=$3 output=$4

command -v go >/dev/null || { echo "missing: Go 1.25 or later, to build $name" >&2; exit 1; }
version=$(go env GOVERSION) version=${version#go}
printf '1.25\n%s\n' "$version" | sort -VC || { echo "missing: Go 1.25 or later, to build $name; go is $version" >&2; exit 1; }

export GOFLAGS='-mod=readonly -buildvcs=false' CGO_ENABLED=0
cd "$source"
if [[ ! -e main.go && -e builder.yaml ]]; then     # the Collector: its sources are generated, its modules are not
  generated=$(dirname "$output")/collector-source
  rm -rf "$generated" && mkdir -p "$generated"
  go tool builder --config builder.yaml --skip-get-modules --skip-compilation >"$generated/builder.log" 2>&1 ||
    { cat "$generated/builder.log" >&2; exit 1; }
  cp go.mod go.sum "$generated" && cd "$generated"
fi

echo "building $name (minutes when Go's build cache is cold)"
# Go names each package on stderr when it compiles it, and each module when it downloads it; the rest are errors.
progress='
  function show() { if (terminal) printf "\r  %d modules fetched, %d packages compiled ", modules, packages > "/dev/stderr" }
  /^go: downloading/          { modules++; show(); next }
  /^[A-Za-z0-9_.~\/-]+$/      { packages++; show(); if (!terminal && packages % 400 == 0) print "  " packages " packages compiled" > "/dev/stderr"; next }
                              { print > "/dev/stderr" }
  END                         { if (terminal && packages + modules) print "" > "/dev/stderr" }'
terminal=0; [[ -t 2 ]] && terminal=1
go build -v -trimpath -ldflags='-s -w' -o "$output.new" "$package" 2> >(awk -v terminal=$terminal "$progress")
mv "$output.new" "$output"
