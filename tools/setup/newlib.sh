# SPDX-License-Identifier: Apache-2.0
# Part 'newlib': the C library of the guests, built from Debian's newlib-source
# with the cross compiler into build/tools/newlib/aarch64. Read by setup.sh.

setup_newlib() {
    out=$tools/newlib/aarch64
    compiler=${CROSS_COMPILE}gcc
    version=$("$compiler" -dumpfullversion 2>/dev/null) ||
        die "$compiler does not run; it comes with 'setup.sh build', or check CROSS_COMPILE"
    made_by="$compiler $version, recipe $(cksum <"$here/newlib.sh")"
    [ "$(cat "$out/made-by" 2>/dev/null)" != "$made_by" ] || return 0

    work=$tools/newlib/work
    rm -rf "$out" "$work"
    mkdir -p "$work/build"
    private_open bookworm
    private_unpack bookworm "$work/package" download newlib-source
    start=$(now)
    say "building newlib with $compiler $version: about a minute of one processor"
    logged newlib-unpack "$PYTHON" -m tarfile -e "$work"/package/usr/src/newlib/newlib-*.tar.xz "$work/source" ||
        die "cannot unpack the newlib sources"
    (cd "$work/build" && logged newlib-configure configure_newlib "$work"/source/newlib-*/configure) ||
        die "newlib does not configure"
    logged newlib-make make -j "$(nproc)" -C "$work/build" MAKEINFO=true all-target-newlib ||
        die "newlib does not build"
    logged newlib-install make -C "$work/build" MAKEINFO=true install-target-newlib ||
        die "newlib does not install"
    mkdir "$work/done" "$work/done/lib"
    mv "$work/installed/aarch64-none-elf/include" "$work/done/include"
    cp "$work/installed/aarch64-none-elf/lib/libc.a" "$work/installed/aarch64-none-elf/lib/libm.a" "$work/done/lib/"
    echo "$made_by" >"$work/done/made-by"
    mv "$work/done" "$out"
    rm -rf "$work"
    say "newlib built in $(($(now) - start)) s"
}

# The target is a name only: any AArch64 compiler makes the same library.
configure_newlib() {
    CC=$HOSTCC "$1" --target=aarch64-none-elf --prefix="$work/installed" \
        --disable-newlib-supplied-syscalls --disable-libgloss --disable-multilib --disable-nls \
        CFLAGS_FOR_TARGET='-O2 -fno-pie -mno-outline-atomics -fno-stack-protector -ffunction-sections -fdata-sections' \
        CC_FOR_TARGET="${CROSS_COMPILE}gcc" AS_FOR_TARGET="${CROSS_COMPILE}as" \
        LD_FOR_TARGET="${CROSS_COMPILE}ld" AR_FOR_TARGET="${CROSS_COMPILE}ar" \
        NM_FOR_TARGET="${CROSS_COMPILE}nm" RANLIB_FOR_TARGET="${CROSS_COMPILE}ranlib" \
        OBJDUMP_FOR_TARGET="${CROSS_COMPILE}objdump" READELF_FOR_TARGET="${CROSS_COMPILE}readelf" \
        STRIP_FOR_TARGET="${CROSS_COMPILE}strip" OBJCOPY_FOR_TARGET="${CROSS_COMPILE}objcopy"
}
