package kernel

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// readConfig reads a .config. Options that are not set are absent; the quotes of strings are gone.
func readConfig(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read kernel configuration: %w", err)
	}
	config := make(map[string]string, 8192)
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "CONFIG_") {
			continue
		}
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			config[name] = strings.Trim(value, `"`)
		}
	}
	return config, nil
}

// compiler names the compiler that a kernel with this configuration was built by, with its major version.
func compiler(config map[string]string) string {
	for _, c := range []struct{ option, name string }{
		{"CONFIG_CLANG_VERSION", "clang"},
		{"CONFIG_GCC_VERSION", "gcc"},
	} {
		// 120200 stands for 12.2.0; the option of the compiler that was not used is 0.
		if n, err := strconv.Atoi(config[c.option]); err == nil && n > 0 {
			return c.name + "-" + strconv.Itoa(n/10000)
		}
	}
	return "gcc"
}
