# Mutants by the oracle that notices them.
set style data histograms
set style histogram rowstacked
set style fill solid 0.9 noborder
set boxwidth 0.6 relative
set xlabel "who notices: an oracle, or what the scenario expects"
set ylabel "mutants"
set xtics rotate by 0 scale 0
set key top right
plot data using "stock":xticlabels(1) linecolor rgb ours title "on the stock kernel", \
     data using "sanitizers" linecolor rgb peer title "on the kernel with sanitizers"
