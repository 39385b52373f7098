// Package versus compares the speed of two modules that play the same role: make bench's loads, in turn against the one and the other,
// round for round, each time in a fresh clone of the same template, on the clock of instructions.
//
// The scenario that measures runs in a process of its own (see package suite) and is told what to do by a [Contest]; it answers with
// a [Record]. This package prepares the one and reads the other.
//
// Its contract: a record holds one setting and one template, so that numbers of different kernels, flavors, accelerators or clocks
// cannot come into one comparison; a load that one of the two did not answer well is named, and not compared; and an interval is
// given only where the rounds allow one.
package versus
