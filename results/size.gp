# Requests a second against the size of the answer. An answer without a body stands left of the smallest that has one.
set xlabel "bytes of the file, which 8 kept connections ask for"
set ylabel "requests a second"
set logscale xy
set xrange [12:1600000]
set yrange [100:100000]
set xtics ("0" 16, "64" 64, "256" 256, "1 Ki" 1024, "4 Ki" 4096, "16 Ki" 16384, "64 Ki" 65536, "256 Ki" 262144, "1 Mi" 1048576)
set key bottom left
at(bytes) = bytes < 16 ? 16 : bytes
plot data using (at(column("bytes"))):"khttpd_req/s" with linespoints linestyle 1 title "khttpd, files", \
     data using (at(column("bytes"))):"nginx_req/s" with linespoints linestyle 2 title "nginx, files, sendfile"
