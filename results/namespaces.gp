# Requests a second of one module in several namespaces.
set xlabel "network namespaces that are served at once"
set ylabel "requests a second, of all together"
set style fill solid 0.9 noborder
set boxwidth 0.5
set xrange [-0.6:*]
set grid noytics
unset key
plot data using 0:"kweb_req/s":xticlabels(1) with boxes linecolor rgb ours, \
     data using 0:"kweb_req/s":(sprintf("%.0f", column("kweb_req/s"))) with labels offset 0, 0.8
