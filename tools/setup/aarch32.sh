# SPDX-License-Identifier: Apache-2.0
# Part 'aarch32': the compiler and the C library of 32-bit guests, as Debian builds them for the GNU
# Arm Embedded target. Read by setup.sh.

setup_aarch32() {
    complete aarch32_checks
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
