package survivors

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestStacksOfThoseInTheModule(t *testing.T) {
	proc := t.TempDir()
	for pid, stack := range map[int]string{
		2:  "[<0>] kthreadd+0x1/0x2\n",
		40: "[<0>] inet_csk_accept+0x1/0x2\n[<0>] serve+0x10/0x20 [kecho]\n",
		41: "[<0>] serve+0x10/0x20 [kecho2]\n",
	} {
		dir := filepath.Join(proc, fmt.Sprint(pid))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		stat := fmt.Sprintf("%d (kworker/0:1) I 2 0 0 0 -1 %d 0 0", pid, pfKthread)
		for name, text := range map[string]string{"stat": stat, "status": asItShould, "stack": stack} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := stacks(proc, "kecho")
	if err != nil || len(got.Threads) != 1 || got.Threads[0].PID != 40 {
		t.Errorf("got %+v, %v, want the one thread in kecho", got, err)
	}
	if got, err := stacks(proc, "kweb"); err != nil || len(got.Threads) != 0 {
		t.Errorf("kweb: %+v, %v", got, err)
	}
}
