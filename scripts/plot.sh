#!/usr/bin/env bash
# Renders each figure in results/ that has data, as SVG and PNG: from what `make bench` measured last, beside it, or where
# nothing was measured from the committed reference, into results/figures. DATA names another directory of data.
set -euo pipefail
cd "$(dirname "$0")/.."

data=${DATA:-}
if [ -z "$data" ]; then
	data=results/reference
	if compgen -G 'results/bench/*.dat' >/dev/null; then
		data=results/bench
	fi
fi
out=$data
if [ "$data" = results/reference ]; then
	out=results/figures
fi
[ -d "$data" ] || {
	echo "plot: there is no directory $data: run make bench first" >&2
	exit 1
}
mkdir -p "$out"

count=0
for script in results/*.gp; do
	name=$(basename "$script" .gp)
	dat=$data/$name.dat
	if [ "$name" = style ] || [ ! -e "$dat" ]; then
		continue
	fi
	for format in svg png; do
		gnuplot -e "data='$dat'; out='$out/$name.$format'; format='$format'" results/style.gp "$script"
	done
	echo "plot: $out/$name.svg and .png, from $dat"
	count=$((count + 1))
done
[ "$count" -gt 0 ] || {
	echo "plot: no figure has data in $data: run make bench first" >&2
	exit 1
}
