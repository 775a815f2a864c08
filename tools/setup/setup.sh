#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs or unpacks the tools that the build and the tests need.
#
# usage: tools/setup/setup.sh PART...      PART: build newlib aarch32 qemu lint proof boot linux boards
#
# What is there already is left alone. Missing packages come by apt-get when we
# are root or sudo asks no password; otherwise they are downloaded with a private
# apt configuration and unpacked below build/tools, where wrappers in
# build/tools/bin run them. mk/setup.mk calls this and keeps the stamps.
#
# From the environment: BUILD, CROSS_COMPILE, CROSS_COMPILE_32, HOSTCC, PYTHON, QEMU
# as in the Makefile; DEBIAN_MIRROR=url instead of the mirror that apt uses;
# SETUP_UNPACK=1 to unpack even as root.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${BUILD:=build}"
tools=$(cd "$BUILD" && pwd)/tools
logs=$tools/log
mkdir -p "$tools/bin" "$logs"

: "${CROSS_COMPILE:=aarch64-linux-gnu-}" "${CROSS_COMPILE_32:=arm-none-eabi-}" "${HOSTCC:=gcc}" "${PYTHON:=python3}" "${QEMU:=}"
system_path=$(printf %s "$PATH" | sed "s|$tools/bin:||g")
PATH=$tools/bin:$system_path
LC_ALL=C
export PATH LC_ALL
# A make that runs below is no part of the one that called us.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES GNUMAKEFLAGS

for file in common apt wrap build newlib aarch32 qemu lint proof boot linux boards; do
    . "$here/$file.sh"
done

[ $# -gt 0 ] || die "usage: tools/setup/setup.sh build|newlib|aarch32|qemu|lint|proof|boot|linux|boards..."
for part in "$@"; do
    case $part in
    build | newlib | aarch32 | lint | boot | linux) lock=packages ;;
    qemu | proof | boards) lock=qemu ;;
    *) die "no part named '$part' (build, newlib, aarch32, qemu, lint, proof, boot, linux, boards)" ;;
    esac
    # One at a time: two makes may run in the same tree.
    (
        flock -w 3600 9 || die "another set-up has held $tools/.lock-$lock for an hour"
        "setup_$part"
    ) 9>"$tools/.lock-$lock"
done
