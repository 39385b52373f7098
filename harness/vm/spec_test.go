package vm

import (
	"strings"
	"testing"
	"time"

	"ktcp/harness/cache"
	"ktcp/harness/image"
	"ktcp/harness/kernel"
)

func TestSpecValidate(t *testing.T) {
	c, err := cache.OpenAt(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	valid := Spec{
		Kernel: &kernel.Kernel{Image: "/boot/vmlinuz", ID: "k"},
		Image:  &image.Image{Path: "/initramfs", ID: "i"},
		Cache:  c,
	}
	for _, test := range []struct {
		name   string
		change func(*Spec)
		want   string // part of the error; "" for none
	}{
		{"defaults", func(*Spec) {}, ""},
		{"everything set", func(s *Spec) {
			s.CPUs, s.MemoryMiB, s.Clock, s.Append = 4, 1024, Realtime, []string{"slub_debug=U", "quiet"}
		}, ""},
		{"one CPU counts instructions", func(s *Spec) { s.Clock, s.CPUs = Instructions, 1 }, ""},
		{"no kernel", func(s *Spec) { s.Kernel = nil }, "Spec.Kernel"},
		{"kernel without ID", func(s *Spec) { s.Kernel = &kernel.Kernel{Image: "x"} }, "Spec.Kernel"},
		{"no image", func(s *Spec) { s.Image = nil }, "Spec.Image"},
		{"no cache", func(s *Spec) { s.Cache = nil }, "Spec.Cache"},
		{"negative CPUs", func(s *Spec) { s.CPUs = -1 }, "Spec.CPUs"},
		{"two CPUs count instructions", func(s *Spec) { s.Clock, s.CPUs = Instructions, 2 }, "allows 1"},
		{"unknown clock", func(s *Spec) { s.Clock = "sundial" }, "sundial"},
		{"little memory", func(s *Spec) { s.MemoryMiB = 32 }, "Spec.MemoryMiB"},
		{"two parameters in one", func(s *Spec) { s.Append = []string{"quiet loglevel=7"} }, "Spec.Append"},
		{"negative timeout", func(s *Spec) { s.BootTimeout = -time.Second }, "negative"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := valid
			test.change(&s)
			err := s.Validate()
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("Validate: %v, want %q", err, test.want)
			}
			if _, err := prepare(t.Context(), s); test.want != "" && err == nil {
				t.Error("prepare took an invalid Spec")
			}
		})
	}
}
