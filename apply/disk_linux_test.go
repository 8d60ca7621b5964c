package apply_test

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A disk that runs full ends a run in the server's words; with room again, the same goes on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp(os.TempDir(), "onward-full")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	pgservertest.MountSmall(t, dir, "24m")
	server, err := pgserver.Start(t.Context(), pgserver.Config{Major: 17, Small: true, Unconfined: true})
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	address, err := url.Parse(server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	var sockets syscall.Stat_t // they are the server's account's
	if err := errors.Join(syscall.Stat(address.Query().Get("host"), &sockets), os.Chown(dir, int(sockets.Uid), int(sockets.Gid))); err != nil {
		t.Fatal(err)
	}
	db, want := server.URL("postgres"), fresh(t, server)
	run(t, want, base, rows, release)
	run(t, db, "CREATE TABLESPACE small LOCATION '"+dir+"'",
		strings.ReplaceAll(base, ";\nCREATE TABLE orders", ";\nSET default_tablespace = small;\nCREATE TABLE orders"), rows, "VACUUM orders")
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, pgserver.Free(dir)-256<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	p := planned(t, base, release)
	r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Contract})
	unfinished := new(apply.UnfinishedError)
	if !errors.As(err, &unfinished) || !strings.Contains(unfinished.Why, "(SQLSTATE 53100)") || r.State != onward.ApplyFailed {
		t.Fatalf("on a full disk: %+v %v", r, err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if r, err = apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Contract}); err != nil || r.State != onward.ApplyDone {
		t.Fatalf("with room again: %+v %v", r, err)
	}
	if diff := cmp.Diff(content(t, want, ordered), content(t, db, ordered)); diff != "" {
		t.Errorf("rows (-release +plan):\n%s", diff)
	}
}
