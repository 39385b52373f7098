package versus

import (
	"math"

	"golang.org/x/perf/benchmath"
)

// confidence is that of the intervals.
const confidence = 0.95

// RoundsForInterval is the fewest rounds whose median has an interval of that confidence.
const RoundsForInterval = 6

// Summary compares what two modules did under one load.
type Summary struct {
	Load string
	Bad  [2]string // what a module answered badly; nothing else is there then
	// Rate and Instructions are medians over the rounds, Spread the largest rate less the smallest, as a part of the median.
	Rate, Instructions, Spread [2]float64
	// Change is by how much the second module's rate is above the first's, as a part of 1: the median over the rounds. Lo and
	// Hi bound it, and are infinite where there are too few rounds.
	Change, Lo, Hi float64
	Rounds         int
}

// Known reports whether the rounds allow an interval.
func (s Summary) Known() bool { return !math.IsInf(s.Lo, 0) && !math.IsInf(s.Hi, 0) }

// Same reports whether the difference may as well be none.
func (s Summary) Same() bool { return s.Lo <= 0 && s.Hi >= 0 }

// Summarize compares the modules load by load, in the order in which the loads were measured.
func (r *Record) Summarize() []Summary {
	var loads []string
	by := map[string]*[2]map[int]Measurement{}
	for _, m := range r.Measurements {
		if by[m.Load] == nil {
			by[m.Load] = &[2]map[int]Measurement{{}, {}}
			loads = append(loads, m.Load)
		}
		by[m.Load][m.Module][m.Round] = m
	}
	var all []Summary
	for _, load := range loads {
		all = append(all, summarize(load, *by[load]))
	}
	return all
}

// summarize compares what the two did under one load, round by round.
func summarize(load string, did [2]map[int]Measurement) Summary {
	s := Summary{Load: load}
	var rates, instructions [2][]float64
	var ratios []float64
	for module := range did {
		for _, m := range did[module] {
			if m.Bad != "" {
				s.Bad[module] = m.Bad
				continue
			}
			rates[module] = append(rates[module], m.PerSecond())
			instructions[module] = append(instructions[module], m.Instructions())
			if other, ok := did[1][m.Round]; ok && module == 0 && other.Bad == "" {
				ratios = append(ratios, other.PerSecond()/m.PerSecond())
			}
		}
		if len(rates[module]) == 0 && s.Bad[module] == "" {
			s.Bad[module] = "it was not measured"
		}
	}
	if s.Bad != [2]string{} {
		return s
	}
	for i := range rates {
		s.Rate[i] = median(rates[i]).Center
		s.Instructions[i] = median(instructions[i]).Center
		s.Spread[i] = spread(rates[i])
	}
	ratio := median(ratios)
	s.Rounds, s.Change, s.Lo, s.Hi = len(ratios), ratio.Center-1, ratio.Lo-1, ratio.Hi-1
	return s
}

// median summarizes values without assuming how they are distributed.
func median(values []float64) benchmath.Summary {
	t := benchmath.DefaultThresholds
	return benchmath.AssumeNothing.Summary(benchmath.NewSample(values, &t), confidence)
}

// spread is how far apart values are, as a part of their median.
func spread(values []float64) float64 {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	return (hi - lo) / median(values).Center
}
