# What a client that is not idle waits for its answer beside those that are.
set xlabel "idle connections"
set ylabel "round trip of another client, µs"
set format x "%.0f"
set xrange [0:10500]
set key bottom left
plot data using "connections":"kecho_us" with linespoints linestyle 1 title "kecho, in the kernel", \
     data using "connections":"twin_us" with linespoints linestyle 2 title "epoll twin, in user space"
