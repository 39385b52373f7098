package load

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// steps is how many lines a whole load writes into a pipe.
	steps = 10
	// barWidth is that of the bar on a terminal, in characters.
	barWidth = 40
	// progressEvery is how often the progress is looked at.
	progressEvery = 50 * time.Millisecond
)

// Progress shows how far a load is: a bar on a terminal, otherwise a line for each tenth.
type Progress struct {
	Out      io.Writer
	Terminal bool
	Requests int           // of the load; 0 when its Duration is its end
	Duration time.Duration // 0 when its Requests are its end
	Answered atomic.Int64  // see Spec.Answered

	began time.Time
	next  int // the step that is shown next, or the percentage that was shown last
}

// Start shows the progress until the function that it returns is called, which must be when the load has ended.
func (p *Progress) Start() (stop func()) {
	p.began = time.Now()
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				p.show(p.fraction())
			case <-end:
				if p.Answered.Load() == 0 {
					return // it did not begin, and there is an error to be read
				}
				p.show(p.fraction())
				if p.Terminal {
					fmt.Fprintln(p.Out)
				}
				return
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// fraction is how much of the load is done.
func (p *Progress) fraction() float64 {
	var f float64
	if p.Requests > 0 {
		f = float64(p.Answered.Load()) / float64(p.Requests)
	}
	if p.Duration > 0 {
		f = max(f, time.Since(p.began).Seconds()/p.Duration.Seconds())
	}
	return min(f, 1)
}

// show writes what has changed.
func (p *Progress) show(fraction float64) {
	if p.Terminal {
		full := int(fraction * barWidth)
		fmt.Fprintf(p.Out, "\rProgress : [%s%s] %d%%",
			strings.Repeat("#", full), strings.Repeat(" ", barWidth-full), int(fraction*100))
		return
	}
	for ; p.next < steps && fraction >= float64(p.next)/steps; p.next++ {
		n := p.Answered.Load()
		if p.Requests > 0 && p.Duration == 0 {
			n = int64(p.Requests) * int64(p.next) / steps
		}
		fmt.Fprintf(p.Out, "%d requests\n", n)
	}
}
