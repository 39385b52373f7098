# Response times of an echo in the kernel and of its twin in user space.
set xlabel "answers that took at most so long, %"
set ylabel "response time, ms"
set xrange [0:100]
set logscale y
set yrange [1:20]
set ytics (1, 2, 3, 5, 10, 20, 50, 100)
ms(us) = us/1000
plot data using "percent":(ms(column("kecho_us"))) with lines linestyle 1 title "kecho, in the kernel", \
     data using "percent":(ms(column("twin_us"))) with lines linestyle 2 title "epoll twin, in user space"
