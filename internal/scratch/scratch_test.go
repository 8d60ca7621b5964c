//go:build unix

package scratch_test

import (
	"os"
	"os/exec"
	"path/filepath"
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
	os.Exit(m.Run())
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
	theirs := string(name[:n])
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
	left(t, theirs)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	left(t, theirs)
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
