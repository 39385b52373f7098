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
c_checkpatch() { # from the sources or headers of whatever kernel is on the machine or in ktcp's cache
	local script
	script=$(find "${KTCP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ktcp}/kernels" /usr/src /lib/modules/*/build/ \
		-path '*/scripts/checkpatch.pl' 2>/dev/null | sort | tail -n 1)
	[ -n "$script" ] || {
		echo "no kernel headers with scripts/checkpatch.pl: run 'make vm-check' once, or install linux-headers"
		return 1
	}
	need perl perl || return 1
	# SPDX_LICENSE_TAG asks for a kernel-only license; FILE_PATH_CHANGES and the module's own layout are not a patch.
	c_files | xargs perl "$script" --no-tree --strict --terse --quiet --show-types --no-summary --file \
		--ignore FILE_PATH_CHANGES,SPDX_LICENSE_TAG,SPLIT_STRING,CONST_STRUCT
}
shells() { need shellcheck shellcheck && git ls-files --cached --others --exclude-standard '*.sh' .ci/run | xargs shellcheck; }

check gofmt nothing gofmt -l main.go harness guest scenarios
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
