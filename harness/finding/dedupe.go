package finding

// Dedupe folds findings that have the same fingerprint into the first of them, whose Count becomes their sum. Order is
// kept. Leaks add up. Findings of different scenarios fold too: give it the findings of one scenario to keep them apart.
func Dedupe(findings []Finding) []Finding {
	at := make(map[string]int, len(findings))
	var out []Finding
	for _, f := range findings {
		f.Count = max(f.Count, 1)
		if f.Fingerprint == "" {
			f.Fingerprint = Fingerprint(f)
		}
		if i, seen := at[f.Fingerprint]; seen {
			out[i].Count += f.Count
			if f.Kind == Leak {
				addLeak(&out[i], f)
			}
			if out[i].Location == nil {
				out[i].Location = f.Location
			}
			continue
		}
		at[f.Fingerprint] = len(out)
		out = append(out, f)
	}
	return out
}
