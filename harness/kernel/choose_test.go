package kernel

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What apt-cache pkgnames lists, cut down to a few of each kind.
var (
	debian12 = []string{
		"linux-base", "linux-doc-6.1", "linux-source-6.1", "linux-kbuild-6.1", "linux-compiler-gcc-12-x86",
		"linux-image-cloud-amd64", "linux-headers-cloud-amd64", "linux-image-amd64", "linux-headers-amd64",
		"linux-image-6.1.0-9-cloud-amd64", "linux-headers-6.1.0-9-cloud-amd64",
		"linux-image-6.1.0-56-amd64", "linux-image-6.1.0-56-amd64-dbg", "linux-image-6.1.0-56-amd64-unsigned", "linux-headers-6.1.0-56-amd64",
		"linux-image-6.1.0-56-cloud-amd64-unsigned", "linux-image-6.1.0-56-cloud-amd64-dbg", "linux-image-6.1.0-56-cloud-amd64",
		"linux-headers-6.1.0-56-cloud-amd64", "linux-headers-6.1.0-56-common",
		"linux-image-6.1.0-56-rt-amd64", "linux-headers-6.1.0-56-rt-amd64",
		"linux-image-6.1.0-57-cloud-amd64", // its headers are not there yet
		"linux-image-6.12-cloud-amd64", "linux-headers-6.12-cloud-amd64",
		"linux-image-6.12.107+deb12-cloud-amd64", "linux-headers-6.12.107+deb12-cloud-amd64",
		"linux-image-6.12.117+deb12-cloud-amd64", "linux-headers-6.12.117+deb12-cloud-amd64",
		"linux-image-6.12.117+deb12-amd64", "linux-headers-6.12.117+deb12-amd64",
		"linux-image-6.12.9+bpo-cloud-amd64", "linux-headers-6.12.9+bpo-cloud-amd64",
	}
	debian13 = []string{
		"linux-image-cloud-amd64", "linux-headers-cloud-amd64",
		"linux-image-6.12.48+deb13-cloud-amd64", "linux-headers-6.12.48+deb13-cloud-amd64", "linux-image-6.12.48+deb13-cloud-amd64-unsigned",
		"linux-image-6.12.57+deb13-cloud-amd64", "linux-headers-6.12.57+deb13-cloud-amd64", "linux-headers-6.12.57+deb13-common",
		"linux-image-6.12.57+deb13-amd64", "linux-headers-6.12.57+deb13-amd64",
		"linux-image-6.16.12+deb13-cloud-amd64", "linux-headers-6.16.12+deb13-cloud-amd64",
	}
	ubuntu2204 = []string{
		"linux-image-generic", "linux-headers-generic", "linux-image-virtual", "linux-image-generic-hwe-22.04",
		"linux-image-5.15.0-25-generic", "linux-image-unsigned-5.15.0-25-generic", "linux-headers-5.15.0-25-generic", "linux-headers-5.15.0-25", "linux-modules-5.15.0-25-generic",
		"linux-image-5.15.0-161-generic", "linux-image-unsigned-5.15.0-161-generic", "linux-headers-5.15.0-161-generic",
		"linux-image-5.15.0-1004-kvm", "linux-headers-5.15.0-1004-kvm",
		"linux-image-5.15.0-161-lowlatency", "linux-headers-5.15.0-161-lowlatency",
		"linux-image-6.2.0-39-generic", "linux-headers-6.2.0-39-generic", "linux-image-6.2.0-1018-aws", "linux-headers-6.2.0-1018-aws",
		"linux-image-6.8.0-40-generic", "linux-headers-6.8.0-40-generic",
	}
	ubuntu2404 = []string{
		"linux-image-virtual", "linux-image-6.8.0-31-generic", "linux-headers-6.8.0-31-generic", "linux-headers-6.8.0-31",
		"linux-image-unsigned-6.8.0-88-generic", "linux-headers-6.8.0-88-generic", "linux-modules-6.8.0-88-generic",
		"linux-image-6.14.0-36-generic", "linux-headers-6.14.0-36-generic",
		"linux-image-6.8.0-1041-azure", "linux-headers-6.8.0-1041-azure",
	}
	// Nothing from 6.1 on.
	ubuntu2004 = []string{
		"linux-image-5.4.0-26-generic", "linux-headers-5.4.0-26-generic", "linux-image-5.15.0-139-generic", "linux-headers-5.15.0-139-generic",
	}
)

func TestChoose(t *testing.T) {
	tests := []struct {
		distribution string
		names        []string
		want         string
		image        string
	}{
		{"debian 12", debian12, "", "linux-image-6.1.0-56-cloud-amd64"},
		{"debian 12", debian12, "6.1", "linux-image-6.1.0-56-cloud-amd64"},
		{"debian 12", debian12, "6.12", "linux-image-6.12.117+deb12-cloud-amd64"},
		{"debian 12", debian12, "6.1.0-56", "linux-image-6.1.0-56-cloud-amd64"},
		{"debian 12", debian12, "6.1.0-56-amd64", "linux-image-6.1.0-56-amd64"},
		{"debian 12", debian12, "6.1.0-56-rt-amd64", "linux-image-6.1.0-56-rt-amd64"},
		{"debian 12", debian12, "6.1.0-9", "linux-image-6.1.0-9-cloud-amd64"},
		{"debian 12", debian12, "6.12.107", "linux-image-6.12.107+deb12-cloud-amd64"},
		{"debian 12", debian12, "6.12.117+deb12", "linux-image-6.12.117+deb12-cloud-amd64"},
		{"debian 12", debian12, "6.1.0-57-cloud-amd64", ""},
		{"debian 12", debian12, "6.1.0-5", ""},
		{"debian 12", debian12, "6.12.117-1~deb12u1", ""}, // a package version: not by name
		{"debian 12", debian12, "6", ""},
		{"debian 13", debian13, "", "linux-image-6.12.57+deb13-cloud-amd64"},
		{"debian 13", debian13, "6.1", ""},
		{"debian 13", debian13, "6.16", "linux-image-6.16.12+deb13-cloud-amd64"},
		{"ubuntu 22.04", ubuntu2204, "", "linux-image-6.2.0-39-generic"},
		{"ubuntu 22.04", ubuntu2204, "5.15", "linux-image-5.15.0-161-generic"},
		{"ubuntu 22.04", ubuntu2204, "5.15.0-1004-kvm", "linux-image-5.15.0-1004-kvm"},
		{"ubuntu 24.04", ubuntu2404, "", "linux-image-unsigned-6.8.0-88-generic"},
		{"ubuntu 24.04", ubuntu2404, "6.14", "linux-image-6.14.0-36-generic"},
		{"ubuntu 20.04", ubuntu2004, "", "linux-image-5.15.0-139-generic"},
		{"nothing", nil, "", ""},
	}
	for _, tt := range tests {
		got := ""
		if fit := choose(candidates(tt.names), tt.want); len(fit) > 0 {
			got = fit[0].image
		}
		if got != tt.image {
			t.Errorf("%s: choose(%q) = %q, want %q", tt.distribution, tt.want, got, tt.image)
		}
	}
}

func TestCandidatesNewestFirst(t *testing.T) {
	var got []string
	for _, c := range candidates(debian12) {
		got = append(got, c.release)
	}
	want := []string{
		"6.12.117+deb12-cloud-amd64", "6.12.117+deb12-amd64", "6.12.107+deb12-cloud-amd64", "6.12.9+bpo-cloud-amd64",
		"6.1.0-56-cloud-amd64", "6.1.0-56-amd64", "6.1.0-56-rt-amd64", "6.1.0-9-cloud-amd64",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("candidates (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"6.12.117+deb12-cloud-amd64", "6.1.0-56-cloud-amd64"}, newestOfEach(candidates(debian12))); diff != "" {
		t.Errorf("newestOfEach (-want +got):\n%s", diff)
	}
}

func TestCandidateFields(t *testing.T) {
	got := candidates([]string{"linux-image-6.1.0-0.deb11.56-cloud-amd64", "linux-headers-6.1.0-0.deb11.56-cloud-amd64"})
	want := []candidate{{
		image: "linux-image-6.1.0-0.deb11.56-cloud-amd64", headers: "linux-headers-6.1.0-0.deb11.56-cloud-amd64",
		release: "6.1.0-0.deb11.56-cloud-amd64", series: "6.1", flavor: "cloud-amd64",
	}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(candidate{})); diff != "" {
		t.Errorf("candidates (-want +got):\n%s", diff)
	}
}

func TestCompareVersions(t *testing.T) {
	// Each is older than the next.
	order := []string{"", "5.15.0-9", "5.15.0-25", "6.1~rc4", "6.1", "6.1.0-9", "6.1.0-56", "6.1.176-1", "6.1.192-1", "6.1.192-2",
		"6.2", "6.12.9", "6.12.117-1~deb12u1", "6.12.117-1", "6.12.117-1a", "6.12.117-1+b1", "6.16"}
	for i, a := range order {
		for j, b := range order {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := compareVersions(a, b); got != want {
				t.Errorf("compareVersions(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
	if got := compareVersions("6.01", "6.1"); got != 0 {
		t.Errorf("leading zeros count: %d", got)
	}
}
