#!/usr/bin/env bash
# Every check of form: Go, C, shell, workflows. Runs all of them, then fails if one did. A tool that Debian
# packages is asked for by its package's name when it is missing: a check that cannot run is a failure.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

golangci=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
actionlint=github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
failed=()

check() { # name, command...
	local name=$1
	shift
	if "$@"; then
		printf '%-14s ok\n' "$name"
	else
		printf '%-14s FAILED\n' "$name"
		failed+=("$name")
	fi
}
need() { # command, package
	command -v "$1" >/dev/null || {
		echo "$1 is missing: apt-get install $2"
		return 1
	}
}
nothing() { # succeeds when the command prints nothing
	local out
	out=$("$@") || return 1
	[ -z "$out" ] || {
		echo "$out"
		return 1
	}
}
c_files() { git ls-files --cached --others --exclude-standard 'module/*.c' 'module/*.h'; }
c_format() { need clang-format clang-format && c_files | xargs clang-format --dry-run --Werror; }
c_checkpatch() { # needs a kernel's source: packaged headers leave the script out
	need perl perl || return 1
	[ -n "$checkpatch" ] || {
		echo 'no kernel source here: go run . kernels get kasan, or CHECKPATCH=.../scripts/checkpatch.pl'
		return 1
	}
	# Not for us: a kernel-only license, a patch's own rules, that code is for one kernel version only, and that lines of HTTP in
	# strings end with a blank. canary crashes the kernel on purpose. -X: what perl says about the script itself.
	local ours=FILE_PATH_CHANGES,SPDX_LICENSE_TAG,SPLIT_STRING,CONST_STRUCT,LINUX_VERSION_CODE,CONSTANT_COMPARISON,MACRO_ARG_REUSE
	ours+=,MISSING_SPACE
	local check=(perl -X "$checkpatch" --no-tree --strict --terse --quiet --show-types --no-summary --file --ignore)
	c_files | grep -v ^module/canary/ | xargs "${check[@]}" "$ours" && c_files | grep ^module/canary/ | xargs "${check[@]}" "$ours,AVOID_BUG"
}
cache=${KTCP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ktcp}
checkpatch=${CHECKPATCH:-$(find /usr/src /lib/modules/*/build/ "$cache"/kernels -maxdepth 4 -path '*/scripts/checkpatch.pl' 2>/dev/null |
	sort | tail -n 1)}
shells() { need shellcheck shellcheck && git ls-files --cached --others --exclude-standard '*.sh' .ci/run | xargs shellcheck; }

check gofmt nothing gofmt -l ./*.go harness guest scenarios fuzz
check 'go vet' go vet ./...
check golangci-lint go run "$golangci" run
check clang-format c_format
check checkpatch c_checkpatch
check shellcheck shells
check actionlint go run "$actionlint"

if [ ${#failed[@]} -gt 0 ]; then
	printf 'lint: failed: %s\n' "${failed[*]}"
	exit 1
fi
echo 'lint: all checks passed'
