package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestActionInstalls fetches a released onward as the Action does: by its checksum, and no other one.
func TestActionInstalls(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("curl is needed")
	}
	var archive bytes.Buffer
	packed := gzip.NewWriter(&archive)
	files := tar.NewWriter(packed)
	text := []byte("#!/bin/sh\necho released\n")
	if err := files.WriteHeader(&tar.Header{Name: "onward", Mode: 0o755, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	_, err := files.Write(text)
	for _, e := range []error{err, files.Close(), packed.Close()} {
		if e != nil {
			t.Fatal(e)
		}
	}
	const name = "onward_1.2.3_linux_amd64.tar.gz"
	sums := map[string]string{
		"/v1.2.3/": fmt.Sprintf("%064d  other.tar.gz\n%x  %s\n", 0, sha256.Sum256(archive.Bytes()), name),
		"/v1.2.4/": fmt.Sprintf("%064d  %s\n", 0, strings.ReplaceAll(name, "1.2.3", "1.2.4")),
		"/v1.2.5/": "",
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dir, file := r.URL.Path[:8], r.URL.Path[8:]
		switch sum, ok := sums[dir]; {
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		case file == "checksums.txt":
			fmt.Fprint(w, sum)
		default:
			_, _ = w.Write(archive.Bytes()) // a client that is gone is seen by its exit code
		}
	}))
	t.Cleanup(server.Close)
	for _, c := range []struct {
		version, arch string
		code          int
		says          string
	}{
		{"v1.2.3", "X64", 0, ""},
		{"1.2.3", "X64", 0, ""},
		{"v1.2.4", "X64", 3, "is not what checksums.txt says; nothing was installed"},
		{"v1.2.5", "X64", 3, "is not what checksums.txt says"},
		{"v9.9.9", "X64", 3, "is v9.9.9 released?"},
		{"v1.2.3", "RISCV", 2, "nothing is released for RISCV"},
		{"", "X64", 2, "is no version"},
		{"../../evil", "X64", 2, "is no version"},
	} {
		t.Run(c.version+c.arch, func(t *testing.T) {
			t.Parallel()
			temp := t.TempDir()
			path := filepath.Join(temp, "path")
			cmd := exec.CommandContext(t.Context(), "bash", "../../ci/install.sh")
			cmd.Env = append(os.Environ(), "RUNNER_TEMP="+temp, "GITHUB_PATH="+path, "RUNNER_OS=Linux", "RUNNER_ARCH="+c.arch,
				"ONWARD_VERSION="+c.version, "ONWARD_RELEASES="+server.URL)
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(string(out), c.says) {
				t.Errorf("exit code %d, want %d and %q:\n%s", code, c.code, c.says, out)
			}
			got, _ := exec.CommandContext(t.Context(), filepath.Join(temp, "onward", "onward")).Output()
			said, _ := os.ReadFile(path)
			if installed := string(got) == "released\n" && string(said) == filepath.Join(temp, "onward")+"\n"; installed != (c.code == 0) {
				t.Errorf("installed: %v (%q, %q)", installed, got, said)
			}
		})
	}
}
