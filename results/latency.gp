# The tail of the response times at a fixed rate: what one in ten, one in a hundred and one in a thousand waits.
set xlabel "answers that took at most so long, %"
set ylabel "response time, µs"
set logscale xy 10
set yrange [20:1000]
set ytics (20, 30, 50, 100, 200, 500, 1000)
set xrange [1.8:1200]
set xtics ("50" 2, "75" 4, "90" 10, "95" 20, "99" 100, "99.5" 200, "99.9" 1000)
plot data using (100/(100-column("percent"))):"khttpd_us" with linespoints linestyle 1 title "khttpd", \
     data using (100/(100-column("percent"))):"nginx_us" with linespoints linestyle 2 title "nginx, return 200"
