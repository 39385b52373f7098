package versus

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/perf/benchfmt"
)

// writeRaw writes what was measured of each module as benchmark lines into dir, and returns the two files. Measurements of answers that
// were bad are left out.
func (r *Record) writeRaw(dir string) (files [2]string, err error) {
	for i := range files {
		files[i] = filepath.Join(dir, "bench-"+names[i]+".txt")
		f, err := os.Create(files[i])
		if err != nil {
			return files, err
		}
		if err := errors.Join(r.writeModule(benchfmt.NewWriter(f), i), f.Close()); err != nil {
			return files, err
		}
	}
	return files, nil
}

// writeModule writes the lines of one module.
func (r *Record) writeModule(w *benchfmt.Writer, module int) error {
	var config []benchfmt.Config
	for _, c := range [][2]string{
		{"kernel", r.Kernel}, {"flavor", r.Flavor}, {"accelerator", r.Accelerator}, {"clock", r.Clock},
	} {
		config = append(config, benchfmt.Config{Key: c[0], Value: []byte(c[1]), File: true})
	}
	for _, m := range r.Measurements {
		if m.Module != module || m.Bad != "" {
			continue
		}
		err := w.Write(&benchfmt.Result{
			Config: config, Name: benchfmt.Name(m.Load), Iters: m.Requests,
			Values: []benchfmt.Value{
				{Value: 1e9 / m.PerSecond(), Unit: "ns/op"},
				{Value: m.PerSecond(), Unit: "req/s"},
				{Value: m.Instructions(), Unit: "instr/op"},
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
