# SPDX-License-Identifier: Apache-2.0
# Part 'proof': the bounded model checker CBMC, of trixie, unpacked with all its
# libraries, down to the C library, and run through its own loader. It calls the
# host's compiler as preprocessor. Read by setup.sh.

setup_proof() {
    wrapper=$tools/bin/cbmc
    made_by="recipe $(cksum <"$here/proof.sh")"
    if [ "$(cat "$tools/cbmc/made-by" 2>/dev/null)" != "$made_by" ]; then
        private_open trixie trixie-backports
        rm -rf "$tools/cbmc" "$tools/cbmc.new"
        private_unpack trixie "$tools/cbmc.new/root" download \
            "cbmc:$host_arch" "minisat:$host_arch" "libc6:$host_arch" \
            "libstdc++6:$host_arch" "libgcc-s1:$host_arch" "zlib1g:$host_arch"
        echo "$made_by" >"$tools/cbmc.new/made-by"
        mv "$tools/cbmc.new" "$tools/cbmc"
    fi
    wrap_cbmc
    found=$("$wrapper" --version 2>&1) || die "the unpacked cbmc does not run here: $found"
}

# libminisat lies outside the folder of the architecture.
wrap_cbmc() {
    cat >"$wrapper.new" <<END
#!/bin/sh
# Written by tools/setup/proof.sh: runs the unpacked CBMC with its own libraries.
root=\${0%/bin/*}/cbmc/root
lib=\$root/usr/lib/$host_triplet
exec "\$lib"/ld-linux*.so.[12] --library-path "\$lib:\$root/usr/lib" "\$root/usr/bin/cbmc" "\$@"
END
    chmod +x "$wrapper.new"
    mv "$wrapper.new" "$wrapper"
}
