package harness

// Again notes a variable with which the scenario does the same again, as "SEED=7": its record says so, and whoever prints a command that
// runs the scenario again gives it along. Say it before anything that depends on it.
func (g *Guest) Again(variable string) {
	g.tb.Helper()
	g.chance = true
	if err := g.entry.Again(variable); err != nil {
		g.tb.Fatalf("%v", err)
	}
}
