# SPDX-License-Identifier: Apache-2.0
# Part 'lint': clang, clang-tidy, clang-format, cppcheck; clang's libFuzzer too. Read by setup.sh.

setup_lint() {
    complete lint_checks
}

lint_checks() {
    for tool in clang clang-tidy clang-format; do
        check $tool $tool $tool --version
    done
    check libFuzzer 'clang libclang-rt-14-dev' fuzzer_links
    check cppcheck cppcheck misra_runs
}

fuzzer_links() {
    printf 'int LLVMFuzzerTestOneInput(const char *, long);\n%s\n' \
        'int LLVMFuzzerTestOneInput(const char *data, long size) { return size && *data ? 0 : 0; }' |
        clang -x c -fsanitize=fuzzer,address,undefined -o "$tools/.probe" -
}

misra_runs() {
    echo 'int probe(void);' >"$tools/.probe.c"
    cppcheck --quiet --error-exitcode=1 --addon=misra "$tools/.probe.c"
}
