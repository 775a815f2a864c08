# SPDX-License-Identifier: Apache-2.0
# Messages, logs and checks; read by setup.sh.

say() { printf 'setup: %s\n' "$*"; }

die() {
    printf 'setup: error: %s\n' "$*" >&2
    exit 1
}

now() { date +%s; }

# logged NAME COMMAND...: output goes to a log; its tail is shown on failure.
logged() {
    log=$logs/$1.log
    shift
    "$@" >"$log" 2>&1 && return 0
    tail -n 15 "$log" | sed 's/^/    /' >&2
    printf 'setup: (whole log: %s)\n' "$log" >&2
    return 1
}

# check NAME PACKAGES COMMAND...: when COMMAND fails, NAME is lacking and PACKAGES
# would bring it. PACKAGES may be empty: then only the user can.
check() {
    name=$1 bring=$2
    shift 2
    "$@" >"$logs/check" 2>&1 && return 0
    lacking="$lacking $name"
    reason=$(tail -n 1 "$logs/check")
    case " $packages " in
    *" $bring "*) ;;
    *) packages="$packages $bring" ;;
    esac
    [ -n "$bring" ] || unknown="$unknown $name"
}

# complete CHECKS: runs the checks, brings what is lacking, runs them again.
complete() {
    lacking='' packages='' unknown=''
    "$1"
    [ -z "$unknown" ] || die "cannot use:$unknown ($reason); install it, or leave CROSS_COMPILE, CROSS_COMPILE_32, HOSTCC and PYTHON unset to have Debian's"
    [ -n "$lacking" ] || return 0
    provide $packages
    lacking='' packages=''
    "$1"
    [ -z "$lacking" ] || die "still unusable:$lacking ($reason); needed Debian packages:$packages"
}

# provide PACKAGE...: installs them, or unpacks them with wrappers.
provide() {
    command -v apt-get >/dev/null ||
        die "lacking:$lacking, and no apt-get here; install the equivalents of these Debian packages: $*"
    if [ -n "${SETUP_UNPACK:-}" ]; then
        unpack_tools "$@"
    elif [ "$(id -u)" = 0 ]; then
        install_system '' "$@"
    elif sudo -n true 2>/dev/null; then
        install_system 'sudo -n' "$@"
    else
        unpack_tools "$@"
    fi
}
