package handover

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type task struct{ N int }

var errNegative = errors.New("a negative number")

func (t *task) Validate() error {
	if t.N < 0 {
		return errNegative
	}
	return nil
}

func TestHandover(t *testing.T) {
	const variable = "KTCP_TEST_TASK"
	file := filepath.Join(t.TempDir(), "task.json")
	var got task
	if found, err := FromEnvironment(variable, &got); found || err != nil {
		t.Errorf("without the variable: %t, %v", found, err)
	}
	t.Setenv(variable, file)
	if found, err := FromEnvironment(variable, &got); found || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), variable) {
		t.Errorf("without the file: %t, %v", found, err)
	}
	for _, want := range []task{{7}, {-1}} {
		if err := Write(file, want); err != nil {
			t.Fatal(err)
		}
		found, err := FromEnvironment(variable, &got)
		if valid := want.N >= 0; found != valid || got != want || valid != (err == nil) || !valid && !errors.Is(err, errNegative) {
			t.Errorf("%+v: got %+v, %t, %v", want, got, found, err)
		}
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := FromEnvironment(variable, &got); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("half a file: %v, want its name", err)
	}
}
