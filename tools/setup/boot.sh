# SPDX-License-Identifier: Apache-2.0
# Part 'boot': the boot loader U-Boot for QEMU's machine virt, always the one of
# Debian 12, and what makes the files that it loads: mkimage and mtools. Read by
# setup.sh.

setup_boot() {
    complete boot_checks
    unpack_u_boot
}

boot_checks() {
    check mkimage u-boot-tools script_image_is_made
    check mformat mtools file_system_is_made
    check mcopy mtools file_is_copied
}

script_image_is_made() {
    echo 'echo' >"$tools/.probe.cmd"
    mkimage -T script -d "$tools/.probe.cmd" "$tools/.probe.scr"
}

file_system_is_made() {
    rm -f "$tools/.probe.fat"
    mformat -C -i "$tools/.probe.fat" -T 2880 -h 2 -s 18 ::
}

file_is_copied() { mcopy -o -i "$tools/.probe.fat" "$tools/.probe.cmd" ::probe; }

unpack_u_boot() {
    made_by="recipe $(cksum <"$here/boot.sh")"
    [ "$(cat "$tools/u-boot/made-by" 2>/dev/null)" != "$made_by" ] || return 0
    private_open bookworm
    rm -rf "$tools/u-boot" "$tools/u-boot.new"
    private_unpack bookworm "$tools/u-boot.new/root" download u-boot-qemu
    mv "$tools/u-boot.new/root/usr/lib/u-boot/qemu_arm64/u-boot.bin" "$tools/u-boot.new/" ||
        die "the package u-boot-qemu has no qemu_arm64/u-boot.bin"
    rm -r "$tools/u-boot.new/root"
    echo "$made_by" >"$tools/u-boot.new/made-by"
    mv "$tools/u-boot.new" "$tools/u-boot"
}
