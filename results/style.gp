# What all figures have in common. scripts/plot.sh sets data, out and format, and loads this file before each figure's own script.
if (format eq "svg") {
	set terminal svg size 800,480 dynamic font "sans-serif,15" background "white"
} else {
	set terminal pngcairo size 800,480 font "sans,12" background "white"
}
set output out

# The header of the data.
header(name) = system("sed -n 's/^# ".name.": //p' '".data."'")
set title header("title")."\n{/*0.75 ".header("module").", Linux ".header("kernel")." (".header("flavor")."), " \
	.header("accelerator").", clock: ".header("clock")."}"

# Ours is blue, its peer orange: told apart also by those who see no red or no green.
ours = "#0072b2"
peer = "#d55e00"
set style line 1 linecolor rgb ours linewidth 2.5 pointtype 7 pointsize 0.8
set style line 2 linecolor rgb peer linewidth 2.5 pointtype 5 pointsize 0.8
set style line 3 linecolor rgb "#56b4e9" linewidth 2 pointtype 9 pointsize 0.8
set style line 4 linecolor rgb "#009e73" linewidth 2 pointtype 11 pointsize 0.8
set style line 5 linecolor rgb "#e69f00" linewidth 2 pointtype 13 pointsize 0.8

set border 3 linecolor rgb "#666666"
set tics nomirror out
set grid ytics linecolor rgb "#dddddd" linewidth 1 linetype 1
set key top left Left reverse samplen 2
set format y "%.0f"
set decimalsign "."
set encoding utf8
set yrange [0:*]
set offsets 0, 0, graph 0.05, 0
