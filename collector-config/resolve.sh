#!/usr/bin/env bash
# Resolves the modules of the native Collector or Jaeger anew and writes go.mod and go.sum; a person commits them.
# resolve.sh collector VERSION | resolve.sh jaeger
# GONOSUMDB: the public checksum database lacks a few of these versions. What was resolved is pinned by hash from then on.
set -euo pipefail
cd "$(dirname "$0")"
export GONOSUMDB='*' GOFLAGS=-mod=mod

case $1 in
  collector)
    builder=go.opentelemetry.io/collector/cmd/builder
    generated=../.parts/collector-source
    rm -rf "$generated" && mkdir -p "$generated"
    go run "$builder@v$2" --config builder.yaml --skip-compilation
    (cd "$generated" && go get -tool "$builder@v$2") # so that the next build generates with sums it can verify
    cp "$generated"/go.{mod,sum} .
    ;;
  jaeger)
    jaeger=github.com/jaegertracing/jaeger/cmd/jaeger version=v1.76.0    # Jaeger 2.13, the newest that modules give
    resolved=../.parts/jaeger-modules
    rm -rf "$resolved" && mkdir -p "$resolved" && cd "$resolved"
    printf 'module throughline/jaeger\n\ngo 1.25.0\n\n' >go.mod
    printf '// Jaeger replaces it, too; a replacement counts only in the main module.\n' >>go.mod
    printf 'replace github.com/Shopify/sarama => github.com/Shopify/sarama v1.33.0\n' >>go.mod
    go get -tool "$jaeger@$version"
    cp go.mod go.sum ../../deploy/native/jaeger
    ;;
esac
