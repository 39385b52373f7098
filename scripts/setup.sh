#!/usr/bin/env bash
# Installs what ktcp needs from Debian's or Ubuntu's packages, and only what is missing: on a machine that has it all this
# takes no time, asks for nothing and needs no network. Uses sudo only for apt-get, and says so.
set -euo pipefail

# What is needed, and by whom: the command to look for, and the package that has it.
needs=(
	qemu-system-x86_64:qemu-system-x86 # harness/vm
	setpriv:util-linux                 # harness/vm: no QEMU outlives its owner
	make:make                          # harness/kbuild
	gcc:gcc                            # harness/kbuild
	ld:binutils                        # harness/kbuild; addr2line for harness/finding
	addr2line:binutils
	apt-get:apt # harness/kernel
	dpkg-deb:dpkg
	xz:xz-utils
	tar:tar
	flex:flex # from here on harness/kernel: a flavor is built from source
	bison:bison
	bc:bc
	lz4:lz4
	git:git
	"$@" # what one target alone needs, in the same form
)
say() { printf 'setup: %s\n' "$*" >&2; }
die() {
	say "$*"
	exit 1
}

command -v apt-get >/dev/null || die "apt-get is missing: ktcp provisions itself on Debian and Ubuntu only"
[ "$(uname -m)" = x86_64 ] || die "this machine is $(uname -m): ktcp builds and boots x86_64 kernels only"

missing=()
for need in "${needs[@]}"; do
	command -v "${need%%:*}" >/dev/null || missing+=("${need#*:}")
done
# objtool and modpost of the packaged kernel trees are linked against libelf.
ldconfig -p | grep -q 'libelf\.so\.1' || missing+=(libelf-dev)
# And objtool is built with a flavor.
[ -e /usr/include/gelf.h ] || missing+=(libelf-dev)
# Headers of the C library, for the tools that foreign modules build beside themselves.
[ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
[ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)

# Go: anything from 1.21 on fetches the toolchain that go.mod names by itself.
go_is_enough() {
	local version
	version=$("$1" env GOVERSION 2>/dev/null) || return 1
	version=${version#go1.}
	[ "${version%%[!0-9]*}" -ge 21 ] 2>/dev/null
}
find_go() {
	local candidate
	for candidate in "$(command -v go || true)" /usr/local/go/bin/go /usr/lib/go-1.*/bin/go; do
		if [ -x "$candidate" ] && go_is_enough "$candidate"; then
			echo "$candidate"
			return
		fi
	done
	return 1
}
newest_go_package() { # golang-1.NN-go of the highest NN that apt offers, at least 1.21
	apt-cache pkgnames golang-1. | sed -n 's/^golang-1\.\([0-9]*\)-go$/\1/p' | sort -n |
		awk '$1 >= 21 { best = $1 } END { if (best) print "golang-1." best "-go" }'
}

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	as_root=(sudo)
fi
apt_install() {
	say "installing $* with ${as_root[*]:+${as_root[*]} }apt-get"
	if [ ${#as_root[@]} -gt 0 ] && ! command -v sudo >/dev/null; then
		die "sudo is missing: as root, run: apt-get install $*"
	fi
	local log
	log=$(mktemp)
	# Lists may be old or, in a fresh container, empty: refresh them when the first try does not work.
	if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >"$log" 2>&1; then
		say "refreshing the package lists with ${as_root[*]:+${as_root[*]} }apt-get update"
		"${as_root[@]}" apt-get update >"$log" 2>&1 || {
			cat "$log" >&2
			die "apt-get update did not work: is there a network?"
		}
		"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 || {
			cat "$log" >&2
			die "apt-get could not install: $*"
		}
	fi
	rm -f "$log"
}

if [ ${#missing[@]} -gt 0 ]; then
	mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
	apt_install "${missing[@]}"
fi
# harness/kernel asks apt which kernels there are.
if [ -z "$(apt-cache pkgnames linux-image 2>/dev/null | head -n 1)" ]; then
	say "refreshing the package lists with ${as_root[*]:+${as_root[*]} }apt-get update"
	"${as_root[@]}" apt-get update >/dev/null || die "apt-get update did not work: is there a network?"
fi
if ! go=$(find_go); then
	package=$(newest_go_package)
	[ -n "$package" ] || die "Go 1.21 or newer is needed and this release packages none: install it from https://go.dev/dl"
	apt_install "$package"
	go=$(find_go) || die "$package was installed but has no usable go command"
fi
"$go" version >/dev/null
