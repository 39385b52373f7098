# Response times of an echo in the kernel and of its twin in user space.
set xlabel "answers that took at most so long, %"
set ylabel "response time, µs"
set xrange [0:100]
plot data using "percent":"kecho_us" with lines linestyle 1 title "kecho, in the kernel", \
     data using "percent":"twin_us" with lines linestyle 2 title "epoll twin, in user space"
