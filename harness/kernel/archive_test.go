package kernel

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// archive is a package archive on this machine, with an apt that knows no other.
type archive struct {
	tb      testing.TB
	dir     string // served
	system  string // apt's own package lists
	conf    string
	handler http.Handler

	mu  sync.Mutex
	log []string // paths that were asked for
}

func newArchive(tb testing.TB) *archive {
	tb.Helper()
	for _, tool := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			tb.Fatalf("%v: these tests are about Debian's packaging system", err)
		}
	}
	dir := tb.TempDir()
	a := &archive{tb: tb, dir: filepath.Join(dir, "www"), system: filepath.Join(dir, "lists"), conf: filepath.Join(dir, "apt.conf")}
	a.handler = http.FileServer(http.Dir(a.dir))
	server := httptest.NewServer(http.HandlerFunc(a.serve))
	tb.Cleanup(server.Close)
	writeTree(tb, dir, map[string]string{
		"sources.list": "deb [trusted=yes] " + server.URL + " ./\n",
		"status":       "",
		"apt.conf": fmt.Sprintf("Dir::Etc::sourcelist %q;\nDir::Etc::sourceparts \"-\";\nDir::State::lists %q;\nDir::State::status %q;\n"+
			"Acquire::http::Proxy::127.0.0.1 \"DIRECT\";\n", dir+"/sources.list", a.system, dir+"/status"),
		"lists/partial/.keep": "",
		"www/Packages":        "",
	})
	return a
}

func (a *archive) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.log = append(a.log, r.URL.Path)
	a.mu.Unlock()
	// HTTP's clock has whole seconds: a list that changed within one would seem not to have.
	r.Header.Del("If-Modified-Since")
	a.handler.ServeHTTP(w, r)
}

// asked returns how many packages were asked for so far.
func (a *archive) asked() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, path := range a.log {
		if strings.HasSuffix(path, ".deb") {
			n++
		}
	}
	return n
}

// publish adds the packages of a kernel: image, headers, common headers, kbuild.
func (a *archive) publish(release, version string) {
	a.tb.Helper()
	parts := map[string]map[string]string{}
	depends := map[string]string{}
	image, headers := "linux-image-"+release, "linux-headers-"+release
	depends[headers] = "linux-headers-6.1.0-1-common, linux-kbuild-6.1 (>= 1), gcc-12 | c-compiler"
	for path, content := range installed(release) {
		name := image
		switch {
		case strings.HasPrefix(path, "usr/src/linux-headers-6.1.0-1-common"):
			name = "linux-headers-6.1.0-1-common"
		case strings.HasPrefix(path, "usr/src/"):
			name = headers
		case strings.HasPrefix(path, "usr/lib/linux-kbuild-6.1"):
			name = "linux-kbuild-6.1"
		}
		if parts[name] == nil {
			parts[name] = map[string]string{}
		}
		parts[name][path] = content
	}
	for name, files := range parts {
		shared := name != image && name != headers
		if there, _ := filepath.Glob(filepath.Join(a.dir, name+"_*")); shared && there != nil {
			continue
		}
		a.build(name, version, depends[name], files)
	}
}

// build makes a package and adds it to the archive's list.
func (a *archive) build(name, version, depends string, files map[string]string) {
	a.tb.Helper()
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: Nobody <nobody@example.org>\nDescription: test\n", name, version)
	if depends != "" {
		control += "Depends: " + depends + "\n"
	}
	dir := a.tb.TempDir()
	writeTree(a.tb, dir, files)
	writeTree(a.tb, dir, map[string]string{"DEBIAN/control": control})
	file := name + "_" + version + "_amd64.deb"
	if out, err := exec.Command("dpkg-deb", "--root-owner-group", "-Znone", "-b", dir, filepath.Join(a.dir, file)).CombinedOutput(); err != nil {
		a.tb.Fatalf("dpkg-deb: %v\n%s", err, out)
	}
	deb, err := os.ReadFile(filepath.Join(a.dir, file))
	if err != nil {
		a.tb.Fatal(err)
	}
	list, err := os.OpenFile(filepath.Join(a.dir, "Packages"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		a.tb.Fatal(err)
	}
	defer list.Close()
	if _, err := fmt.Fprintf(list, "%sFilename: ./%s\nSize: %d\nSHA256: %x\n\n", control, file, len(deb), sha256.Sum256(deb)); err != nil {
		a.tb.Fatal(err)
	}
}

// withdraw removes everything from the archive.
func (a *archive) withdraw() {
	a.tb.Helper()
	files, err := filepath.Glob(filepath.Join(a.dir, "*"))
	if err != nil {
		a.tb.Fatal(err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			a.tb.Fatal(err)
		}
	}
	writeTree(a.tb, a.dir, map[string]string{"Packages": ""})
}

// update does what root's apt-get update does.
func (a *archive) update() {
	a.tb.Helper()
	cmd := exec.Command("apt-get", "-q", "update", "-o", "Dir::Cache="+a.tb.TempDir(), "-o", "APT::Sandbox::User=root",
		"-o", "APT::Update::Post-Invoke-Success::=true")
	cmd.Env = append(os.Environ(), "APT_CONFIG="+a.conf)
	if out, err := cmd.CombinedOutput(); err != nil {
		a.tb.Fatalf("apt-get update: %v\n%s", err, out)
	}
}

// stall is an archive that calls back when it is asked for a package, and never answers.
func stall(asked func()) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked()
		<-r.Context().Done()
	})
}
