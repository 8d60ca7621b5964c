//go:build unix

package gitrange

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// A named pipe must not be waited for.
func TestNamedPipe(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("tracked.sql", "1")
	f.commit("first")
	f.git("rm", "-q", "--cached", "tracked.sql")
	if err := syscall.Mkfifo(f.path("pipe.sql"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.link("pipe.sql", "link.sql")
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		tree, err := DirTree(f.dir, nil)
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := tree.Read("pipe.sql"); err == nil || !strings.Contains(err.Error(), "a named pipe, not a file") {
			t.Error(err)
		}
		work, err := open(t, f.dir).Head(t.Context(), "")
		if err != nil {
			t.Error(err)
			return
		}
		for _, tree := range []Tree{tree, work} {
			for _, path := range []string{"pipe.sql", "link.sql"} {
				if _, err := tree.Read(path); err == nil {
					t.Errorf("read %s of %s", path, tree.Name())
				}
			}
		}
	}()
	select {
	case <-finished:
	case <-time.After(time.Minute):
		t.Fatal("waits for the pipe")
	}
}
