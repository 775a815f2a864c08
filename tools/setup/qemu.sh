# SPDX-License-Identifier: Apache-2.0
# Part 'qemu': the reference emulator. Debian 12's own has no SMMUv3 stage 2, so
# the one of trixie-backports is unpacked with all its libraries, down to the C
# library, and run through its own loader. Read by setup.sh.

qemu_wanted='11.1'

setup_qemu() {
    wrapper=$tools/bin/qemu-system-aarch64
    if [ -n "$QEMU" ] && [ "$QEMU" != "$wrapper" ]; then
        check_qemu "$QEMU" "leave QEMU unset and the right one is downloaded"
        return
    fi
    made_by="recipe $(cksum <"$here/qemu.sh")"
    if [ "$(cat "$tools/qemu/made-by" 2>/dev/null)" != "$made_by" ]; then
        private_open trixie trixie-backports
        rm -rf "$tools/qemu" "$tools/qemu.new"
        private_unpack trixie "$tools/qemu.new/root" install \
            "qemu-system-arm:$host_arch" "ipxe-qemu:$host_arch"
        echo "$made_by" >"$tools/qemu.new/made-by"
        mv "$tools/qemu.new" "$tools/qemu"
    fi
    wrap_qemu
    # Refused, it is fetched anew the next time.
    mv "$tools/qemu/made-by" "$tools/qemu/unchecked"
    check_qemu "$wrapper" "the mirror's trixie-backports is out of date; name another with DEBIAN_MIRROR=url"
    mv "$tools/qemu/unchecked" "$tools/qemu/made-by"
}

# check_qemu PROGRAM REMEDY: refuses a version below the wanted one.
check_qemu() {
    command -v "$1" >/dev/null || die "QEMU=$1 is no program; $2"
    line=$("$1" --version 2>&1 | head -n 1)
    found=$(echo "$line" | sed -n 's/^QEMU emulator version \([0-9]*\.[0-9]*\).*/\1/p')
    [ -n "$found" ] || die "$1 does not say its version ($line); $2"
    oldest=$(printf '%s\n%s\n' "$found" "$qemu_wanted" | sort -V | head -n 1)
    [ "$oldest" = "$qemu_wanted" ] ||
        die "$1 is QEMU $found, but SMMUv3 stage 2 and two SMMUs need $qemu_wanted or newer; $2"
}

wrap_qemu() {
    cat >"$wrapper.new" <<END
#!/bin/sh
# Written by tools/setup/qemu.sh: runs the unpacked QEMU with its own libraries.
root=\${0%/bin/*}/qemu/root
lib=\$root/usr/lib/$host_triplet
export QEMU_MODULE_DIR="\$lib/qemu"
exec "\$lib"/ld-linux*.so.[12] --library-path "\$lib:\$lib/pulseaudio" \\
    "\$root/usr/bin/qemu-system-aarch64" \\
    -L "\$root/usr/share/qemu" -L "\$root/usr/share/seabios" "\$@"
END
    chmod +x "$wrapper.new"
    mv "$wrapper.new" "$wrapper"
}
