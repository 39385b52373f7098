package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckVirtio(t *testing.T) {
	all := func(change map[string]string) map[string]string {
		config := map[string]string{}
		for _, n := range needed {
			config[n.option] = "y"
		}
		for k, v := range change {
			config[k] = v
		}
		return config
	}
	tests := []struct {
		name   string
		kernel Kernel
		want   error
		text   string
	}{
		{"built in", Kernel{Config: all(nil)}, nil, ""},
		{"modules", Kernel{Config: all(map[string]string{"CONFIG_VIRTIO_PCI": "m"}), Modules: "/m"}, nil, ""},
		{"modules that are not there", Kernel{Config: all(map[string]string{"CONFIG_VIRTIO_PCI": "m"})}, ErrNoVirtio, "CONFIG_VIRTIO_PCI is m but"},
		{"no console", Kernel{Config: all(map[string]string{"CONFIG_VIRTIO_CONSOLE": ""})}, ErrNoVirtio, "CONFIG_VIRTIO_CONSOLE is not set"},
		{"no modules", Kernel{Config: all(map[string]string{"CONFIG_MODULES": ""})}, ErrUnfit, "CONFIG_MODULES is not set"},
		{"nothing", Kernel{Release: "1.2.3"}, ErrNoVirtio, "1.2.3: CONFIG_VIRTIO_PCI is not set, CONFIG_VIRTIO_CONSOLE is not set, CONFIG_NET_NS is not set"},
	}
	for _, tt := range tests {
		err := tt.kernel.CheckVirtio()
		if tt.want == nil {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if !errors.Is(err, tt.want) || !errors.Is(err, ErrUnfit) || !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line, %v, with %q", tt.name, err, tt.want, tt.text)
		}
		if errors.Is(err, ErrNoVirtio) != errors.Is(tt.want, ErrNoVirtio) {
			t.Errorf("%s: %v blames virtio", tt.name, err)
		}
	}
}

func TestReadConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".config")
	text := "#\n# Automatically generated\n#\nCONFIG_CC_VERSION_TEXT=\"gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0\"\n" +
		"CONFIG_GCC_VERSION=120200\nCONFIG_CLANG_VERSION=0\n# CONFIG_KASAN is not set\nCONFIG_VETH=m\nCONFIG_LOCALVERSION=\"\"\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := readConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"CONFIG_CC_VERSION_TEXT": "gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0", "CONFIG_GCC_VERSION": "120200",
		"CONFIG_CLANG_VERSION": "0", "CONFIG_VETH": "m", "CONFIG_LOCALVERSION": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("readConfig (-want +got):\n%s", diff)
	}
}

func TestCompiler(t *testing.T) {
	for want, config := range map[string]map[string]string{
		"gcc-12":   {"CONFIG_GCC_VERSION": "120200", "CONFIG_CLANG_VERSION": "0"},
		"gcc-9":    {"CONFIG_GCC_VERSION": "90400"},
		"clang-17": {"CONFIG_GCC_VERSION": "0", "CONFIG_CLANG_VERSION": "170006"},
		"gcc":      {},
	} {
		if got := compiler(config); got != want {
			t.Errorf("compiler(%v) = %q, want %q", config, got, want)
		}
	}
}
