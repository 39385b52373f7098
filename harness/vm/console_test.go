package vm

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestConsoleFileIsWrittenByLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console")
	c, err := newConsole(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ write, file string }{
		{"[ 0.1] Lin", ""},
		{"ux\r\n[ 0.2] x", "[ 0.1] Linux\r\n"},
		{"86\n", "[ 0.1] Linux\r\n[ 0.2] x86\n"},
		{"last wor", "[ 0.1] Linux\r\n[ 0.2] x86\n"},
	} {
		if _, err := c.Write([]byte(step.write)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != step.file {
			t.Errorf("after %q the file is %q, want %q", step.write, got, step.file)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	const all = "[ 0.1] Linux\r\n[ 0.2] x86\nlast wor"
	if got, _ := os.ReadFile(path); string(got) != all {
		t.Errorf("after Close the file is %q, want %q", got, all)
	}
	if got := c.bytes(); string(got) != all {
		t.Errorf("in memory is %q, want %q", got, all)
	}
	if err := c.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// A guest that prints without end leaves the disk to others, and the file says so.
func TestConsoleIsBoundedOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console")
	c, err := newConsole(path)
	if err != nil {
		t.Fatal(err)
	}
	block := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16) // 1 MiB
	for range mostOfFile>>20 + 3 {
		if _, err := c.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || len(got) > mostOfFile+1000 || len(got) < mostOfFile || bytes.Count(got, []byte("is not kept\n")) != 1 {
		t.Errorf("%v: %d bytes that end in %q, want %d and one line about the rest", err, len(got), got[len(got)-80:], mostOfFile)
	}
}

// TestConsoleIsBoundedInMemory prints more than is kept, in lines and then in one line without an end.
func TestConsoleIsBoundedInMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console")
	c, err := newConsole(path)
	if err != nil {
		t.Fatal(err)
	}
	block := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16) // 1 MiB
	const blocks = consoleLimit>>20 + 3
	for range blocks {
		_, _ = c.Write(block)
	}
	endless := bytes.Repeat([]byte("x"), 1<<20)
	for range blocks {
		_, _ = c.Write(endless)
	}
	if got := len(c.bytes()); got > consoleLimit {
		t.Errorf("%d bytes in memory, want at most %d", got, consoleLimit)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := append(bytes.Repeat(block, blocks), bytes.Repeat(endless, blocks)...); !bytes.Equal(got, want) {
		t.Errorf("the file has %d bytes, want all %d in order", len(got), len(want))
	}
}

func TestConsoleFileThatCannotBeWritten(t *testing.T) {
	if _, err := newConsole(filepath.Join(t.TempDir(), "missing", "console")); err == nil {
		t.Error("a console in a missing directory was created")
	}
	c, err := newConsole("/dev/full")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("line\n")); err != nil {
		t.Errorf("Write: %v, want none: the guest must go on", err)
	}
	if err := c.Close(); err == nil {
		t.Error("Close hides that the console was not written")
	}
}

// The clock is the test's own: nothing here depends on how busy the machine is.
func TestConsoleQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := newConsole("")
		if err != nil {
			t.Fatal(err)
		}
		const idle = time.Minute
		var last time.Time
		go func() {
			for range 20 {
				time.Sleep(idle / 10) // the pace of a guest that prints
				last = time.Now()
				_, _ = c.Write([]byte("."))
			}
		}()
		if err := c.quiet(t.Context(), idle); err != nil {
			t.Errorf("quiet: %v", err)
		}
		if quiet := time.Since(last); quiet != idle {
			t.Errorf("quiet %v after the last output, want %v", quiet, idle)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.quiet(ctx, time.Hour); err != context.Canceled {
			t.Errorf("quiet of a cancelled context: %v", err)
		}
	})
}
