# What idle connections cost: memory, and the time of who is not idle.
set xlabel "idle connections"
set ylabel "memory of client and server, MiB"
set format x "%.0f"
set xrange [0:10500]
plot data using "connections":"kecho_MiB" with linespoints linestyle 1 title "kecho, in the kernel", \
     data using "connections":"twin_MiB" with linespoints linestyle 2 title "epoll twin, in user space"
