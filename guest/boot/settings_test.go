package boot

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestApplySettings(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "kernel"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "kernel", "sysrq")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := applySettings(dir, []setting{{path: "kernel/absent", value: "1", optional: true}, {path: "kernel/sysrq", value: "1"}}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "1" {
		t.Errorf("sysrq is %q, %v, want 1", text, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "kernel", "absent")); err == nil {
		t.Error("a setting that the kernel does not have was made up")
	}
	if err := applySettings(dir, []setting{{path: "kernel/absent", value: "1"}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a setting that is missing: %v, want %v", err, os.ErrNotExist)
	}
}
