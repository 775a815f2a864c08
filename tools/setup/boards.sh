# SPDX-License-Identifier: Apache-2.0
# Part 'boards': the device trees of the boards that the kernel of Debian 13 knows, for `make test-boards`; that
# of Debian 12 has half as many. Read by setup.sh.

setup_boards() {
    made_by="recipe $(cat "$here/boards.sh" "$here/linux.sh" | cksum)"
    [ "$(cat "$tools/boards/made-by" 2>/dev/null)" != "$made_by" ] || return 0
    private_open trixie '' arm64
    package=$(kernel_package trixie) ||
        die "Debian trixie has no linux-image-arm64 to give: $(tail -n 1 "$logs/apt-trixie.log")"
    rm -rf "$tools/boards" "$tools/boards.new"
    private_unpack trixie "$tools/boards.new/root" download "$package:arm64"
    mv "$tools/boards.new/root/usr/lib/$package" "$tools/boards.new/trees" ||
        die "the package $package has no device trees"
    rm -r "$tools/boards.new/root"
    echo "$package" >"$tools/boards.new/package"
    echo "$made_by" >"$tools/boards.new/made-by"
    mv "$tools/boards.new" "$tools/boards"
}
