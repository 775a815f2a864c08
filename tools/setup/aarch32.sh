# SPDX-License-Identifier: Apache-2.0
# Part 'aarch32': the compiler and the C library of 32-bit guests, as Debian builds them for the GNU
# Arm Embedded target, and libfdt as it builds that for armhf. Read by setup.sh.

setup_aarch32() {
    complete aarch32_checks
    unpack_libfdt_aarch32
}

# One check for both: an unpacked compiler finds an unpacked library, the system's does not.
aarch32_checks() {
    aarch32_packages=''
    [ "$CROSS_COMPILE_32" != arm-none-eabi- ] ||
        aarch32_packages='gcc-arm-none-eabi binutils-arm-none-eabi libnewlib-arm-none-eabi'
    check "${CROSS_COMPILE_32}gcc" "$aarch32_packages" aarch32_links
}

# The C library comes with a variant for each floating-point convention; both are used.
aarch32_links() {
    case $("${CROSS_COMPILE_32}gcc" -dumpmachine) in
    arm*-none-eabi*) ;;
    *) echo "no AArch32 compiler for bare metal of that name" && return 1 ;;
    esac
    for float in soft hard; do
        printf '#include <stdio.h>\nint main(void) { return snprintf(0, 0, "%%d", 1); }\n' |
            "${CROSS_COMPILE_32}gcc" -x c -mcpu=cortex-a15 -mfloat-abi=$float -nostartfiles -static \
                --specs=nosys.specs -Wl,-emain -o "$tools/.probe" - || return 1
    done
    "${CROSS_COMPILE_32}objcopy" -O binary "$tools/.probe" "$tools/.probe.bin"
}

# The archive alone; its headers are those of part 'build'. Another system's than the compiler's, but
# the same procedure call standard (with floating-point registers).
unpack_libfdt_aarch32() {
    made_by="recipe $(cksum <"$here/aarch32.sh")"
    [ "$(cat "$tools/libfdt32/made-by" 2>/dev/null)" != "$made_by" ] || return 0
    private_open bookworm
    rm -rf "$tools/libfdt32" "$tools/libfdt32.new"
    private_unpack bookworm "$tools/libfdt32.new/root" download libfdt-dev:armhf
    mv "$tools/libfdt32.new/root/usr/lib/arm-linux-gnueabihf/libfdt.a" "$tools/libfdt32.new/"
    rm -r "$tools/libfdt32.new/root"
    echo "$made_by" >"$tools/libfdt32.new/made-by"
    mv "$tools/libfdt32.new" "$tools/libfdt32"
}
