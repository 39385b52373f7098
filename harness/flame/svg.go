package flame

import (
	"bufio"
	"errors"
	"fmt"
	"html"
	"io"
	"strconv"
	"unicode/utf8"
)

// Chart says what a picture is about.
type Chart struct {
	Title    string
	Subtitle string
	// Total is how much all stacks together are, in Unit: 26300 "instructions of a request". Tooltips say how much of it a frame is.
	Total float64
	Unit  string
}

// ErrEmpty is returned where there is nothing to draw.
var ErrEmpty = errors.New("no stack was seen")

// Measures of the picture, in pixels.
const (
	width     = 1000.0
	rowHeight = 16
	margin    = 10.0
	top       = 58 // title, subtitle, legend
	fontSize  = 11
	charWidth = 6.1 // of an average letter
	narrowest = 0.6 // frames below that are left out
)

// colours are those of the other figures, so that text can be read on them, and told apart also by those who see no red or no green.
var colours = map[Kind]struct{ fill, text, legend string }{
	Module: {"#0072b2", "#ffffff", "the module"},
	Kernel: {"#f5d9a8", "#222222", "the kernel"},
	User:   {"#dddddd", "#222222", "tasks and user space"},
}

// SVG draws the stacks, callers below what they call.
func SVG(w io.Writer, c Chart, stacks []Stack) error {
	root := tree(stacks)
	if root.count == 0 {
		return ErrEmpty
	}
	scale := (width - 2*margin) / float64(root.count)
	rows := root.depth(narrowest / scale)
	height := top + rows*rowHeight + int(margin)
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" width="%.0f" height="%d" font-family="sans-serif" font-size="%d">
<rect width="100%%" height="100%%" fill="#ffffff"/>
<text x="%g" y="20" font-size="15">%s</text>
<text x="%g" y="37" fill="#555555">%s</text>
`, width, height, width, height, fontSize, margin, html.EscapeString(c.Title), margin, html.EscapeString(c.Subtitle))
	x := margin
	for _, k := range []Kind{Module, Kernel, User} {
		fmt.Fprintf(out, `<rect x="%g" y="43" width="10" height="10" fill="%s"/><text x="%g" y="52" fill="#555555">%s</text>`+"\n",
			x, colours[k].fill, x+14, colours[k].legend)
		x += 30 + charWidth*float64(len(colours[k].legend))
	}
	p := painter{out: out, chart: c, all: float64(root.count), scale: scale, bottom: top + (rows-1)*rowHeight}
	p.row(root, margin, 0)
	fmt.Fprint(out, "</svg>\n")
	return out.Flush()
}

// painter draws the frames of one picture.
type painter struct {
	out    io.Writer
	chart  Chart
	all    float64
	scale  float64
	bottom int
}

// row draws the frames above n, which begins at x, side by side.
func (p painter) row(n *node, x float64, level int) {
	for _, c := range n.children {
		w := float64(c.count) * p.scale
		if w >= narrowest {
			p.frame(c, x, w, p.bottom-level*rowHeight)
			p.row(c, x, level+1)
		}
		x += w
	}
}

func (p painter) frame(n *node, x, w float64, y int) {
	part := float64(n.count) / p.all
	colour := colours[n.Kind]
	fmt.Fprintf(p.out, `<g><title>%s: %.1f %%, %s %s</title><rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s" stroke="#ffffff" stroke-width="0.5"/>`,
		html.EscapeString(n.Name), 100*part, strconv.FormatFloat(part*p.chart.Total, 'f', 0, 64), html.EscapeString(p.chart.Unit),
		x, y, w, rowHeight, colour.fill)
	if label := fit(n.Name, int((w-4)/charWidth)); label != "" {
		fmt.Fprintf(p.out, `<text x="%.1f" y="%d" fill="%s">%s</text>`, x+2, y+rowHeight-4, colour.text, html.EscapeString(label))
	}
	fmt.Fprint(p.out, "</g>\n")
}

// fit shortens a name to a number of letters, to nothing where so few would say nothing.
func fit(name string, letters int) string {
	const least = 3
	if utf8.RuneCountInString(name) <= letters {
		return name
	}
	if letters < least {
		return ""
	}
	return string([]rune(name)[:letters-1]) + "…"
}
