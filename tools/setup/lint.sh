# SPDX-License-Identifier: Apache-2.0
# Part 'lint': clang, clang-tidy, clang-format, cppcheck. Read by setup.sh.

setup_lint() {
    complete lint_checks
}

lint_checks() {
    for tool in clang clang-tidy clang-format; do
        check $tool $tool $tool --version
    done
    check cppcheck cppcheck misra_runs
}

misra_runs() {
    echo 'int probe(void);' >"$tools/.probe.c"
    cppcheck --quiet --error-exitcode=1 --addon=misra "$tools/.probe.c"
}
