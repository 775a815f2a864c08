# SPDX-License-Identifier: Apache-2.0
# Part 'build': compilers, python, dtc, and the libraries libfdt and cmocka.
# Read by setup.sh.

setup_build() {
    complete build_checks
    libraries="recipe $(cksum <"$here/build.sh")"
    unpack_libfdt
    unpack_cmocka
}

build_checks() {
    cross_package=''
    [ "$CROSS_COMPILE" != aarch64-linux-gnu- ] || cross_package=gcc-aarch64-linux-gnu
    host_packages=''
    [ "$HOSTCC" != gcc ] || host_packages='gcc libc6-dev'
    check "${CROSS_COMPILE}gcc" "$cross_package" cross_links
    check "$HOSTCC" "$host_packages" host_links
    python_package=''
    [ "$PYTHON" != python3 ] || python_package=python3
    check "$PYTHON" "$python_package" "$PYTHON" -c 'import unittest, json, socket, struct, subprocess, lzma'
    for tool in dtc fdtget fdtput; do
        check $tool device-tree-compiler $tool --version
    done
}

cross_links() {
    case $("${CROSS_COMPILE}gcc" -dumpmachine) in
    aarch64*) ;;
    *) echo "no AArch64 compiler of that name" && return 1 ;;
    esac
    echo 'void _start(void) {}' |
        "${CROSS_COMPILE}gcc" -x c -ffreestanding -nostdlib -static -o "$tools/.probe" - -lgcc &&
        "${CROSS_COMPILE}objcopy" -O binary "$tools/.probe" "$tools/.probe.bin"
}

host_links() {
    printf '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' |
        "$HOSTCC" -x c -fsanitize=address,undefined -o "$tools/.probe" - && "$tools/.probe"
}

# One version of libfdt for the hypervisor and for the host tools.
unpack_libfdt() {
    [ "$(cat "$tools/libfdt/made-by" 2>/dev/null)" != "$libraries" ] || return 0
    private_open bookworm
    rm -rf "$tools/libfdt" "$tools/libfdt.new"
    private_unpack bookworm "$tools/libfdt.new/root" download libfdt-dev:arm64 "libfdt-dev:$host_arch"
    root=$tools/libfdt.new/root/usr
    mkdir "$tools/libfdt.new/arm64" "$tools/libfdt.new/host"
    mv "$root/include" "$tools/libfdt.new/include"
    # The hypervisor is built without a C library; the types are all it needs.
    sed -i 's/^#include <\(stdlib\|string\|limits\)\.h>$/#if __STDC_HOSTED__\n&\n#endif/' \
        "$tools/libfdt.new/include/libfdt_env.h"
    cp "$root/lib/aarch64-linux-gnu/libfdt.a" "$tools/libfdt.new/arm64/"
    cp "$root/lib/$host_triplet/libfdt.a" "$tools/libfdt.new/host/"
    rm -r "$tools/libfdt.new/root"
    echo "$libraries" >"$tools/libfdt.new/made-by"
    mv "$tools/libfdt.new" "$tools/libfdt"
}

# The C unit tests run on cmocka; Debian has it as a shared library only.
unpack_cmocka() {
    [ "$(cat "$tools/cmocka/made-by" 2>/dev/null)" != "$libraries" ] || return 0
    private_open bookworm
    rm -rf "$tools/cmocka" "$tools/cmocka.new"
    private_unpack bookworm "$tools/cmocka.new/root" download \
        "libcmocka-dev:$host_arch" "libcmocka0:$host_arch"
    root=$tools/cmocka.new/root/usr
    mkdir "$tools/cmocka.new/include" "$tools/cmocka.new/lib"
    mv "$root"/include/cmocka*.h "$tools/cmocka.new/include/"
    mv "$root/lib/$host_triplet"/libcmocka.so* "$tools/cmocka.new/lib/"
    rm -r "$tools/cmocka.new/root"
    echo "$libraries" >"$tools/cmocka.new/made-by"
    mv "$tools/cmocka.new" "$tools/cmocka"
}
