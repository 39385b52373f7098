# Requests a second against connections.
set xlabel "connections, kept open"
set ylabel "requests a second"
set logscale x 2
set xrange [0.8:5000]
set xtics ("1" 1, "4" 4, "16" 16, "64" 64, "256" 256, "1024" 1024, "4096" 4096)
set key bottom left
plot data using "connections":"khttpd_req/s" with linespoints linestyle 1 title "khttpd", \
     data using "connections":"nginx_req/s" with linespoints linestyle 2 title "nginx, return 200"
