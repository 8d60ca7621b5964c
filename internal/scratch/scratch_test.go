//go:build unix

package scratch_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/onward-sql/onward/internal/scratch"
)

func TestMain(m *testing.M) {
	if os.Getenv("ONWARD_SCRATCH_CHILD") != "" {
		dir, _, err := scratch.Make("test")
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString(dir)
		os.Stdout.Close()
		select {} // until it is killed
	}
	if os.Getenv("ONWARD_SCRATCH_HOSTILE") != "" {
		if err := removeHostile(); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// removeHostile removes directories that a program has closed, and nested deeper than a process has open files.
func removeHostile() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 64, Max: 64}); err != nil {
		return err
	}
	dir, remove, err := scratch.Make("test")
	if err != nil {
		return err
	}
	closed := filepath.Join(dir, "closed", "below")
	deep := filepath.Join(dir, "deep"+strings.Repeat("/d", 300))
	err = errors.Join(os.MkdirAll(closed, 0o700), os.MkdirAll(deep, 0o700), os.WriteFile(closed+"/file", nil, 0o600), os.WriteFile(deep+"/file", nil, 0o600),
		os.Mkdir(filepath.Join(dir, ".removed-1"), 0o700), os.Symlink("/", filepath.Join(dir, "link")), os.Symlink("/", closed+"/link"),
		os.Chmod(closed, 0), os.Chmod(filepath.Dir(closed), 0o500), os.Chmod(filepath.Join(dir, "deep/d"), 0), os.Chmod(dir, 0))
	return errors.Join(err, remove())
}

// A directory goes whatever a program made of it.
func TestHostileTree(t *testing.T) {
	dir, err := os.MkdirTemp("", "hostile") // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	executable, err := os.ReadFile(os.Args[0])
	program := filepath.Join(dir, "tests")
	if err := errors.Join(err, os.WriteFile(program, executable, 0o700), os.Chmod(program, 0o755), os.Chmod(dir, 0o777)); err != nil { //nolint:gosec // see above
		t.Fatal(err)
	}
	child := exec.Command(program)
	child.Dir, child.Env = dir, append(os.Environ(), "ONWARD_SCRATCH_HOSTILE=1", "TMPDIR="+dir)
	if os.Geteuid() == 0 { // whom no directory is closed to
		child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("remove a hostile tree: %v\n%s", err, out)
	}
	if leftovers, _ := filepath.Glob(dir + "/onward-*"); len(leftovers) != 0 {
		t.Errorf("%v is left", leftovers)
	}
}

func TestMake(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir, remove, err := scratch.Make("test")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := remove(); err != nil {
			t.Error(err)
		}
	}
	left(t)
}

// A directory whose process was killed goes with the next; one in use stays.
func TestKilled(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "ONWARD_SCRATCH_CHILD=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	name := make([]byte, 4096)
	n, err := out.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	childDir := string(name[:n])
	make := func() {
		t.Helper()
		_, remove, err := scratch.Make("test")
		if err != nil {
			t.Fatal(err)
		}
		if err := remove(); err != nil {
			t.Error(err)
		}
	}
	make()
	left(t, childDir)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	left(t, childDir)
	make()
	left(t)
}

// left fails the test unless just these directories are there.
func left(t *testing.T, want ...string) {
	t.Helper()
	got, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
		t.Errorf("there are %q, want %q", got, want)
	}
}

// A file of a stranger's program is read if it is regular: a link or a pipe of its name neither hangs nor leads elsewhere.
func TestReadUntrusted(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.WriteFile(path("file"), []byte("content"), 0o600), os.Symlink("file", path("link")), os.Symlink("/dev/zero", path("zero")),
		syscall.Mkfifo(path("pipe"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if data, err := scratch.ReadUntrusted(path("file"), 4); string(data) != "cont" || err != nil {
		t.Errorf("ReadUntrusted(file, 4) = %q, %v, want the first 4 bytes", data, err)
	}
	for _, name := range []string{"link", "zero", "pipe", "."} {
		if data, err := scratch.ReadUntrusted(path(name), 4); err == nil || len(data) > 0 {
			t.Errorf("ReadUntrusted(%s, 4) = %q, %v, want an error and no data", name, data, err)
		}
	}
}
