package finding

import (
	"fmt"

	"ktcp/guest/wire"
)

// NotIdle returns the finding that the processors do not come to rest although nobody asks for anything, or none.
func NotIdle(module string, answer wire.IdleAnswer) []Finding {
	if !answer.Busy {
		return nil
	}
	f := New(Busy, OracleIdle, module, fmt.Sprintf("%.1f processors run although no client asks for anything", answer.Running))
	for _, t := range answer.Threads {
		f.Excerpt = append(f.Excerpt, fmt.Sprintf("%s/%d wants to run", t.Comm, t.PID))
		if f.Task == "" {
			f.Task = fmt.Sprintf("%s/%d", t.Comm, t.PID)
			f.Stack = textFramesOf(t.Stack)
		}
	}
	_, f.Location = blame(&f)
	f.Fingerprint = Fingerprint(f)
	return []Finding{f}
}
