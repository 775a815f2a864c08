# SPDX-License-Identifier: Apache-2.0
# Packages: installed into the system, or downloaded with a private apt
# configuration (own sources, lists, cache and an empty status file) and unpacked.
# The private one needs no root and never touches the system. Read by setup.sh.

# mirror: the Debian mirror that this machine's own apt uses.
mirror() {
    if [ -n "${DEBIAN_MIRROR:-}" ]; then
        echo "$DEBIAN_MIRROR"
        return
    fi
    # apt itself reads its sources, whatever their form; "update" names each index.
    # An address that ends in "debian" is preferred, if there are several.
    apt-get --print-uris update 2>/dev/null |
        sed -n "s|^'\(.*\)/dists/\([^/']*\)/main/binary-.*|\1 \2|p" |
        awk '$2 ~ /^(bullseye|bookworm|trixie|forky|sid|stable|testing|unstable|oldstable)$/ {
                 score = 1 + ($1 ~ /\/debian$/)
                 if (score > best) { best = score; uri = $1 }
             }
             END { if (uri) print uri }'
}

# private_apt SUITE ARGUMENT...: apt-get with the private configuration.
private_apt() {
    conf=$tools/apt/$1/apt.conf
    shift
    timeout --foreground 1800 apt-get -c "$conf" "$@"
}

# private_open SUITE [PREFERRED [ARCHITECTURE]]: makes the configuration, fetches the
# lists, of that architecture too. The second suite, if there is one, is preferred.
private_open() {
    suite=$1 preferred=${2:-}
    dir=$tools/apt/$suite
    uri=$(mirror)
    [ -n "$uri" ] || die "no Debian mirror in this machine's apt sources; name one with DEBIAN_MIRROR=url"
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -e "$keyring" ] || die "$keyring is missing; install the package debian-archive-keyring"

    mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/none/partial"
    : >"$dir/status"
    # Libraries of the target come from the release that this is built on; what else comes runs here.
    target=${3:+"\"$3\";"}
    [ "$suite" != bookworm ] || target='"arm64"; "armhf";'
    before=$(cat "$dir/debian.sources" "$dir/apt.conf" 2>/dev/null) || before=''
    cat >"$dir/debian.sources" <<END
Types: deb
URIs: $uri
Suites: $suite $preferred
Components: main
Targets: Packages
Signed-By: $keyring
END
    cat >"$dir/apt.conf" <<END
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear APT::Architectures;
APT::Architectures { "$host_arch"; $target };
APT::Default-Release "$preferred";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Cache::archives "$dir/archives";
Dir::State::lists "$dir/lists";
Dir::State::status "$dir/status";
Dir::State::extended_states "$dir/extended_states";
Dir::Etc::sourcelist "$dir/debian.sources";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "-";
END
    # Lists of the last hour are good enough, if they were fetched like this.
    if [ "$before" = "$(cat "$dir/debian.sources" "$dir/apt.conf")" ] &&
        [ -n "$(find "$dir/updated" -mmin -60 2>/dev/null)" ]; then
        return 0
    fi
    rm -f "$dir/updated"
    say "fetching the package lists of Debian $suite"
    logged "apt-$suite" private_apt "$suite" -qq -o APT::Update::Error-Mode=any update ||
        die "no package lists of Debian $suite from $uri; is the network there?"
    : >"$dir/updated"
}

# private_unpack SUITE FOLDER install|download PACKAGE...: 'install' takes the
# dependencies too, 'download' these packages alone.
private_unpack() {
    suite=$1 folder=$2 how=$3
    shift 3
    dir=$tools/apt/$suite
    start=$(now)
    private_apt "$suite" -qq -y --print-uris -o Dir::Cache::archives="$dir/none" "$how" "$@" \
        >"$dir/uris" 2>"$logs/apt-$suite.log" ||
        die "Debian $suite has no way to give: $* ($(tail -n 1 "$logs/apt-$suite.log"))"
    say "downloading $(count_uris "$dir/uris"): $*"
    (cd "$dir/archives" && logged "apt-$suite" private_apt "$suite" -qq -y --download-only "$how" "$@") ||
        {
            rm -f "$dir/updated" # The lists may be out of date.
            die "download failed; run the same command again to go on"
        }
    mkdir -p "$folder"
    awk '{ print $2 }' "$dir/uris" | while read -r deb; do
        logged unpack dpkg -x "$dir/archives/$deb" "$folder" || exit 1
    done || die "cannot unpack into $folder; is the disk full?"
    rm -f "$dir/archives"/*.deb
    say "downloaded and unpacked in $(($(now) - start)) s"
}

# count_uris FILE: "N packages, M MB" for the output of --print-uris.
count_uris() {
    awk '/^.http|^.[a-z+]*:/ { n++; size += $3 }
         END { printf "%d packages, %.1f MB", n, size / 1e6 }' "$1"
}

# install_system SUDO PACKAGE...: by the system's apt-get.
install_system() {
    sudo=$1
    shift
    start=$(now)
    apt="$sudo env DEBIAN_FRONTEND=noninteractive timeout --foreground 1800 apt-get -y -qq
        -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30
        -o DPkg::Lock::Timeout=300 --no-install-recommends"
    # A broken third-party source fails here; whether it matters shows below.
    logged apt-update $apt -o APT::Update::Error-Mode=any update ||
        say "apt-get update failed (is the network there?); trying with the lists there are"
    $apt --print-uris install "$@" >"$logs/uris" 2>"$logs/apt.log" ||
        die "apt-get cannot install: $* ($(tail -n 1 "$logs/apt.log"))"
    say "installing $(count_uris "$logs/uris") with apt-get:$lacking"
    logged apt $apt install "$@" </dev/null ||
        die "apt-get install failed; SETUP_UNPACK=1 unpacks below $BUILD instead"
    say "installed in $(($(now) - start)) s"
}

host_arch=$(dpkg --print-architecture 2>/dev/null) || host_arch=unknown
case $host_arch in
amd64) host_triplet=x86_64-linux-gnu ;;
arm64) host_triplet=aarch64-linux-gnu ;;
*) host_triplet=$host_arch-linux-gnu ;;
esac
