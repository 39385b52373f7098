package kbuild

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"ktcp/harness/kernel"
)

// killGrace is how long the output of processes that were killed is waited for.
const killGrace = 3 * time.Second

// arguments returns make's arguments. copied is the copy of Root, dir the module's directory relative to it.
func arguments(k *kernel.Kernel, cc, copied, dir string, jobs int) []string {
	maps := strings.Join(prefixMaps(k.Build, copied, dir), " ")
	flags := maps
	if k.Config["CONFIG_DEBUG_INFO"] != "y" {
		flags += " -g"
	}
	args := []string{
		"-C", k.Build,
		"M=" + filepath.Join(copied, dir),
		fmt.Sprintf("-j%d", jobs),
		"--no-print-directory",
		"--output-sync=target",
		"CC=" + cc,
		"KCFLAGS=" + flags,
		"KAFLAGS=" + maps,
		// BTF needs pahole and a vmlinux, which are not everywhere, and nothing here reads it.
		"CONFIG_DEBUG_INFO_BTF_MODULES=",
		// DWARF belongs into the .ko, not beside it.
		"CONFIG_DEBUG_INFO_SPLIT=",
	}
	if k.Config["CONFIG_UBSAN"] == "y" {
		// The module is checked also where the kernel itself is not.
		args = append(args, "UBSAN_SANITIZE=y")
	}
	if strings.Contains(filepath.Base(cc), "clang") {
		args = append(args, "LLVM=1")
	}
	return append(args, "modules")
}

// prefixMaps returns the options that make all paths relative: of the kernel's source and build tree, and of the copy.
// Of several that match, the compiler takes the last.
func prefixMaps(build, copied, dir string) []string {
	const option = "-ffile-prefix-map="
	maps := []string{
		// The kernel's makefile knows best where its source is.
		option + "$(or $(abs_srctree),$(srctree))/=",
		option + build + "=.",
		option + copied + "/=",
	}
	// A file that the Kbuild names by ../core/conn.c is known to the compiler as COPY/kweb/../core/conn.c.
	up := copied + "/" + dir
	for dir != "." {
		dir = path.Dir(dir)
		up += "/.."
		to := ""
		if dir != "." {
			to = dir + "/"
		}
		maps = append(maps, option+up+"/="+to)
	}
	return maps
}

// environment returns all that the build gets to see of the outside: where programs are. home and tmp are its own.
func environment(searchPath, dir, home, tmp string) []string {
	if searchPath == "" {
		searchPath = "/usr/local/bin:/usr/bin:/bin"
	}
	return []string{
		"PATH=" + searchPath,
		"HOME=" + home,
		"TMPDIR=" + tmp,
		"PWD=" + dir, // foreign makefiles take it for the module's directory
		"LC_ALL=C",
		"TERM=dumb",
		"KBUILD_BUILD_TIMESTAMP=1970-01-01",
		"KBUILD_BUILD_USER=ktcp",
		"KBUILD_BUILD_HOST=ktcp",
	}
}

// command prepares a program that runs somebody else's code, in dir. It is in a session of its own, without a terminal that it could
// type commands into (TIOCSTI), and so in a process group of its own, which ends with the context. The program is told to end when
// this process dies.
func command(ctx context.Context, dir string, env []string, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = killGrace
	return cmd
}

// killGroup kills a command and everything that it started.
func killGroup(cmd *exec.Cmd) error {
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// runMake builds the module in the workshop's copy of dir and returns what make printed. intact tells that make itself
// came to its end, well or not, and so has cleaned up after itself. What is foreign is built in a cage, where there can be one.
func runMake(ctx context.Context, k *kernel.Kernel, t toolchain, w *workshop, dir string, foreign bool) (said string, intact bool, err error) {
	build, err := filepath.EvalSymlinks(k.Build)
	if err != nil {
		return "", false, fmt.Errorf("kernel tree: %w", err)
	}
	physical := *k
	physical.Build = build
	moduleDir := filepath.Join(w.source(), dir)
	argv := append([]string{t.make}, arguments(&physical, t.cc, w.source(), dir, runtime.NumCPU())...)
	cmd := command(ctx, moduleDir, environment(os.Getenv("PATH"), moduleDir, w.home(), w.tmp()), argv...)
	caged := false
	if foreign {
		if caged, err = locksUp(); err != nil {
			return "", false, err
		}
	}
	if caged {
		needs := append([]string{filepath.Dir(filepath.Dir(w.dir)), build}, filepath.SplitList(os.Getenv("PATH"))...)
		cage(cmd, w.dir, needs...)
	}
	var out clipped
	cmd.Stdout, cmd.Stderr = &out, &out
	// The death signal is sent when the thread ends that started the program.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return "", false, fmt.Errorf("start make: %w", err)
	}
	err = cmd.Wait()
	// What a makefile has left running has no business any more.
	killErr := killGroup(cmd)
	if ctx.Err() != nil {
		return out.String(), false, fmt.Errorf("build module: %w", ctx.Err())
	}
	return out.String(), cmd.ProcessState.Exited() && killErr == nil, errors.Join(err, killErr)
}
