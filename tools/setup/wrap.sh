# SPDX-License-Identifier: Apache-2.0
# Tools without root: packages of Debian 12 unpacked into build/tools/root and
# wrappers in build/tools/bin that run them from there. Read by setup.sh.
#
# The system's own C library and loader run the tools; all other libraries come
# from build/tools/lib, links into the unpacked tree. Wrappers find the tree
# from their own place, so a moved checkout goes on working.

unpack_tools() {
    say "no root here: unpacking below $tools/root:$lacking"
    private_open bookworm
    private_unpack bookworm "$tools/root" install "$@"
    link_libraries
    # cppcheck also looks for its data next to its program.
    for data in addons cfg platforms; do
        ln -sfn "../lib/$host_triplet/cppcheck/$data" "$tools/root/usr/bin/$data"
    done
    # An installation makes newlib the C library of the 32-bit compiler.
    if [ -d "$tools/root/usr/lib/arm-none-eabi/newlib" ]; then
        ln -sfn newlib "$tools/root/usr/lib/arm-none-eabi/lib"
        ln -sfn ../../include/newlib "$tools/root/usr/lib/arm-none-eabi/include"
    fi
    rm -rf "$tools/bin.new"
    mkdir "$tools/bin.new"
    for file in "$tools"/root/usr/bin/*; do
        if [ -x "$file" ] && [ ! -d "$file" ] && wanted "${file##*/}"; then
            wrap "${file##*/}"
        fi
    done
    # All at once: one that is there means that the others are.
    mv "$tools/bin.new"/* "$tools/bin/"
    rmdir "$tools/bin.new"
    hash -r
}

# wanted NAME: true if the system has none, or one that failed its check.
wanted() {
    case " $lacking " in
    *" $1 "*) return 0 ;;
    esac
    ! (PATH=$system_path && command -v "$1" >/dev/null)
}

# link_libraries: fills build/tools/lib with every shared library but glibc's.
link_libraries() {
    mkdir -p "$tools/lib"
    for file in "$tools/root/lib/$host_triplet"/*.so* "$tools/root/usr/lib/$host_triplet"/*.so* \
        "$tools"/root/usr/lib/llvm-*/lib/*.so*; do
        [ -f "$file" ] || continue
        case ${file##*/} in
        ld-* | libc.so* | libm.so* | libmvec.so* | libpthread.so* | libdl.so* | librt.so* | libutil.so* | \
            libresolv.so* | libnss_* | libnsl* | libanl.so* | libthread_db* | libBrokenLocale* | \
            libc_malloc* | libmemusage* | libpcprofile*) ;;
        *) ln -sf "../${file#"$tools/"}" "$tools/lib/" ;;
        esac
    done
}

# wrap NAME: writes the wrapper of NAME.
wrap() {
    options=''
    case $1 in
    aarch64-linux-gnu-* | arm-none-eabi-*) ;;
    gcc | gcc-[0-9]* | "$host_triplet"-gcc*) options='"--sysroot=$tree/root" "-B$tree/root/usr/bin/" "-Wl,-rpath,$tree/lib"' ;;
    cpp | cpp-[0-9]* | "$host_triplet"-cpp*) options='"--sysroot=$tree/root"' ;;
    clang | clang-[0-9]*) options='"--sysroot=$tree/root"' ;;
    clang-tidy | clang-tidy-[0-9]*) options='"--extra-arg-before=--sysroot=$tree/root"' ;;
    esac
    # Without the headers of a C library in the tree, the system's serve.
    [ -e "$tools/root/usr/include/stdio.h" ] || options=''
    cat >"$tools/bin.new/$1" <<END
#!/bin/sh
# Written by tools/setup/wrap.sh: runs the unpacked $1.
tree=\${0%/bin/*}
export LD_LIBRARY_PATH="\$tree/lib" LD_RUN_PATH="\$tree/lib"
exec "\$tree/root/usr/bin/$1" $options "\$@"
END
    chmod +x "$tools/bin.new/$1"
}
