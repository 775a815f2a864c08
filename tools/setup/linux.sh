# SPDX-License-Identifier: Apache-2.0
# Part 'linux': the kernel that Debian 12 ships for arm64, with the modules that hand a PCI device to a
# program; `make bench-linux` alone wants it. Read by setup.sh.

linux_modules='vfio-pci vfio_iommu_type1'

setup_linux() {
    made_by="recipe $(cat "$here/linux.sh" "$here/modules.py" | cksum)"
    [ "$(cat "$tools/linux/made-by" 2>/dev/null)" != "$made_by" ] || return 0
    private_open bookworm
    package=$(kernel_package bookworm) ||
        die "Debian bookworm has no linux-image-arm64 to give: $(tail -n 1 "$logs/apt-bookworm.log")"
    rm -rf "$tools/linux" "$tools/linux.new"
    private_unpack bookworm "$tools/linux.new/root" download "$package:arm64"
    root=$tools/linux.new/root
    mv "$root/boot/vmlinuz-${package#linux-image-}" "$tools/linux.new/vmlinuz" ||
        die "the package $package has no kernel of its own name"
    logged linux-modules "$PYTHON" "$here/modules.py" --tree "$root/lib/modules/${package#linux-image-}" \
        --output "$tools/linux.new/modules" $linux_modules || die "the package $package lacks a module"
    rm -r "$root"
    echo "$package" >"$tools/linux.new/package"
    echo "$made_by" >"$tools/linux.new/made-by"
    mv "$tools/linux.new" "$tools/linux"
}

# kernel_package SUITE: the package with the kernel itself, which linux-image-arm64 depends on by its version.
kernel_package() {
    apt-cache -c "$tools/apt/$1/apt.conf" show linux-image-arm64:arm64 2>"$logs/apt-$1.log" |
        sed -n 's/^Depends:.*\(linux-image-[^ ,]*\) (=.*/\1/p' | grep -m 1 .
}
