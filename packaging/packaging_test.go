package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/component"
)

func TestPythonVersion(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"1.2.3": "1.2.3", "1.2.3-rc.1": "1.2.3rc1", "1.2.3-beta2": "1.2.3b2", "0.0.1-SNAPSHOT-1a2B3c": "0.0.1.dev0+snapshot.1a2b3c",
		"1.2": "", "latest": "", "1.2.3/../x": "",
	} {
		if got, err := pythonVersion(version); got != want || (err == nil) != (want != "") {
			t.Errorf("pythonVersion(%q) = %q, %v, want %q", version, got, err, want)
		}
	}
}

// needSnapshot returns the directory of a release that make snapshot has made.
func needSnapshot(t testing.TB) string {
	t.Helper()
	dist := os.Getenv("ONWARD_SNAPSHOT")
	var err error
	if dist == "" {
		err = errors.New("make snapshot runs it on its release")
	}
	component.Need(t, component.ByHand, err)
	return dist
}

// dists are the copies of a release that the tests share.
var dists string

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(dists)
	os.Exit(code)
}

// copyRelease copies this machine's program of a release, and adds programs of the other platforms that do not run: npm and pip have to choose.
func copyRelease(dist string) (copied, version string, err error) {
	var meta struct{ Version string }
	if err := readJSON(filepath.Join(dist, "metadata.json"), &meta); err != nil {
		return "", "", err
	}
	_, programs, err := readRelease(dist)
	if err != nil {
		return "", "", err
	}
	if dists, err = os.MkdirTemp("", "onward-packaging-"); err != nil {
		return "", "", err
	}
	type artifact struct{ Type, Goos, Goarch, Path string }
	var list []artifact
	for _, p := range platforms {
		content := []byte("for another machine")
		for _, candidate := range programs {
			if candidate.goos == p.goos && candidate.goarch == p.goarch && p.goos == runtime.GOOS && p.goarch == runtime.GOARCH {
				content = candidate.content
			}
		}
		path := filepath.Join("dist/release/onward_"+p.goos+"_"+p.goarch, p.programFileName)
		list = append(list, artifact{"Binary", p.goos, p.goarch, path})
		path = filepath.Join(dists, path)
		if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			err = os.WriteFile(path, content, 0o755)
		}
		if err != nil {
			return "", "", err
		}
	}
	copied = filepath.Join(dists, "dist/release")
	for name, value := range map[string]any{"artifacts.json": list, "metadata.json": meta} {
		text, err := json.Marshal(value)
		if err == nil {
			err = os.WriteFile(filepath.Join(copied, name), text, 0o644)
		}
		if err != nil {
			return "", "", err
		}
	}
	text, err := os.ReadFile("../LICENSE")
	if err == nil {
		err = os.WriteFile(filepath.Join(dists, "LICENSE"), text, 0o644)
	}
	return copied, meta.Version, err
}

// packed is a release with its packages, which are the same bytes when they are made again.
type packed struct{ dist, version string }

var packOnce = sync.OnceValues(func() (p packed, err error) {
	if p.dist, p.version, err = copyRelease(os.Getenv("ONWARD_SNAPSHOT")); err != nil {
		return p, err
	}
	var first map[string][32]byte
	for range 2 {
		if err := makePackages(p.dist); err != nil {
			return p, err
		}
		sums := map[string][32]byte{}
		for _, pattern := range []string{"npm/*", "pypi/*"} {
			names, err := filepath.Glob(filepath.Join(p.dist, pattern))
			if err != nil {
				return p, err
			}
			for _, name := range names {
				text, err := os.ReadFile(name)
				if err != nil {
					return p, err
				}
				sums[name] = sha256.Sum256(text)
			}
		}
		if first != nil && !maps.Equal(first, sums) {
			return p, errors.New("the packages have other bytes the second time")
		}
		first = sums
	}
	if len(first) != 2*len(platforms)+1 {
		return p, fmt.Errorf("%d packages", len(first))
	}
	return p, nil
})

// made returns the packages of the snapshot.
func made(t *testing.T) (dist, version string) {
	t.Helper()
	needSnapshot(t)
	p, err := packOnce()
	if err != nil {
		t.Fatal(err)
	}
	return p.dist, p.version
}

func writeTo(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// registry is a registry of npm with the packages of a directory, and nothing else.
func registry(t *testing.T, dir string) string {
	t.Helper()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		names, _ := filepath.Glob(filepath.Join(dir, "*.tgz"))
		if file, ok := strings.CutPrefix(r.URL.Path, "/files/"); ok && slices.Contains(names, filepath.Join(dir, file)) {
			http.ServeFile(out, r, filepath.Join(dir, file))
			return
		}
		for _, name := range names {
			manifest, err := exec.Command("tar", "-xzOf", name, "package/package.json").Output()
			var m map[string]any
			if err != nil || json.Unmarshal(manifest, &m) != nil {
				t.Errorf("read package.json in %s: %v", name, err)
				continue
			}
			if "/"+m["name"].(string) != r.URL.Path {
				continue
			}
			text, _ := os.ReadFile(name)
			sum := sha512.Sum512(text)
			m["dist"] = map[string]string{
				"tarball": server.URL + "/files/" + filepath.Base(name), "integrity": "sha512-" + base64.StdEncoding.EncodeToString(sum[:]),
			}
			version := m["version"].(string)
			_ = json.NewEncoder(out).Encode(map[string]any{
				"name": m["name"], "dist-tags": map[string]string{"latest": version}, "versions": map[string]any{version: m},
			})
			return
		}
		http.NotFound(out, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestNPM installs the package from a registry, and runs it: npm takes the one program that is for this machine.
func TestNPM(t *testing.T) {
	t.Parallel()
	needSnapshot(t)
	npm := component.NeedProgram(t, component.Node, "npm")
	dist, version := made(t)
	dir := t.TempDir()
	install := func(flags ...string) {
		t.Helper()
		cmd := exec.Command(npm, append([]string{"install", "--no-audit", "--no-fund", "--prefix", dir, "--cache", filepath.Join(dir, "cache"),
			"--registry", registry(t, filepath.Join(dist, "npm")), npmName}, flags...)...)
		cmd.Env = append(os.Environ(), "HOME="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("npm install: %v\n%s", err, out)
		}
	}
	install()
	programs, err := filepath.Glob(filepath.Join(dir, "node_modules/@onward-sql/onward-*"))
	if err != nil || len(programs) != 1 {
		t.Errorf("npm installed %v", programs)
	}
	bin := filepath.Join(dir, "node_modules/.bin/onward")
	tryProgram(t, bin, version)
	// A signal reaches the program.
	cmd := exec.Command(bin, "lsp")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // node has to listen
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitResult := make(chan error, 1)
	go func() { waitResult <- cmd.Wait() }()
	select {
	case <-waitResult:
	case <-time.After(20 * time.Second):
		_ = cmd.Process.Kill()
		t.Error("SIGTERM does not end the program")
	}
	if err := os.RemoveAll(filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(filepath.Join(dir, "package-lock.json"))
	install("--omit=optional")
	out, _ := exec.Command(bin, "version").CombinedOutput()
	if code := exitCode(bin, "version"); code != 3 || !strings.Contains(string(out), "--include=optional") {
		t.Errorf("without the program's package: exit code %d: %s", code, out)
	}
}

// TestWheel installs the wheel with pip, and runs it: pip takes the one wheel that is for this machine.
func TestWheel(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	component.NeedSetup(t, err)
	dist, version := made(t)
	dir := t.TempDir()
	for _, args := range [][]string{
		{python, "-m", "venv", dir},
		{
			filepath.Join(dir, "bin/pip"), "install", "-q", "--disable-pip-version-check", "--no-index", "--pre", "--find-links",
			filepath.Join(dist, "pypi"), "onward-sql",
		},
		{filepath.Join(dir, "bin/pip"), "check"},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("run %q: %v\n%s", args, err, out)
		}
	}
	tryProgram(t, filepath.Join(dir, "bin/onward"), version)
	out, err := exec.Command(filepath.Join(dir, "bin/pip"), "uninstall", "-y", "onward-sql").CombinedOutput()
	if _, left := os.Stat(filepath.Join(dir, "bin/onward")); err != nil || left == nil {
		t.Errorf("after pip uninstall: %v %s", err, out)
	}
}

// tryProgram runs an installed onward in a small repository with a hazard.
func tryProgram(t *testing.T, program, version string) {
	t.Helper()
	out, err := exec.Command(program, "version").CombinedOutput()
	if err != nil || !bytes.HasPrefix(out, []byte("onward "+version)) {
		t.Errorf("%s version prints %q, %v, want the version %s", program, out, err, version)
	}
	dir := t.TempDir()
	writeTo(t, filepath.Join(dir, "1.sql"), "CREATE TABLE t (id bigint PRIMARY KEY, a text);\n")
	writeTo(t, filepath.Join(dir, "2.sql"), "CREATE INDEX t_a_idx ON t (a);\n")
	if code := exitCode(program, "check", "--deployed", filepath.Join(dir, "1.sql"), filepath.Join(dir, "2.sql")); code != 1 {
		t.Errorf("check of a hazard: exit code %d", code)
	}
}

func exitCode(program string, args ...string) int {
	cmd := exec.Command(program, args...)
	_ = cmd.Run()
	return cmd.ProcessState.ExitCode()
}
