#!/usr/bin/env bash
# Has libFuzzer make up requests for khttpd's parser: fuzz.sh [SECONDS]. Begins with the corpus in fuzz/testdata/corpus and
# writes what it finds beside it, below results/fuzz. An input that breaks a property is kept there and fails the run.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
case $seconds in
'' | *[!0-9]*)
	echo "fuzz: $seconds: expected a number of seconds" >&2
	exit 2
	;;
esac

out=results/fuzz
sources=()
for name in parser head field body path date range; do
	sources+=("module/khttpd/$name.c")
done
mkdir -p "$out/found"
clang -O1 -g -std=gnu11 -Wall -Wextra -Werror -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	-Ifuzz/http/shim -Ifuzz/http -Imodule/khttpd \
	"${sources[@]}" fuzz/http/check.c fuzz/http/fuzz.c -o "$out/http" || {
	echo "fuzz: clang could not build it; if its runtime is missing: apt-get install libclang-rt-dev" >&2
	exit 2
}
exec "$out/http" -max_len=9000 -max_total_time="$seconds" -artifact_prefix="$out/" -print_final_stats=1 \
	"$out/found" fuzz/testdata/corpus
