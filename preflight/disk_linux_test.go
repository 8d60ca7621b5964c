package preflight_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// TestFullDisk: the server's files lie on a small tmpfs that runs full. Nobody names a query:
// over a socket on this machine it is looked up.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for folder := dir; folder != os.TempDir() && folder != "/"; folder = filepath.Dir(folder) {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pgservertest.MountSmall(t, dir, "400m")
	s, err := pgserver.Start(context.Background(), pgserver.Config{
		Major:    17,
		Dir:      dir,
		Settings: map[string]string{"max_wal_size": "64MB", "min_wal_size": "32MB"},
	})
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	defer func() { _ = s.Stop() }()
	url := s.URL("postgres")
	c := pgservertest.Connect(t, url)
	wantNone(t, flight(t, url), "disk-short")
	run(t, c, "CREATE TABLE big AS SELECT repeat(md5(i::text), 20) FROM generate_series(1, 80000) i", "ANALYZE big")
	var used syscall.Statfs_t
	if err := syscall.Statfs(dir, &used); err != nil {
		t.Fatal(err)
	}
	fill := func(leave int64) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, pgserver.Free(dir)-leave), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fill(90 << 20)
	want(t, flight(t, url), "disk-short", "warning public.big", "a rewrite of big")
	if err := os.Remove(filepath.Join(dir, "filler")); err != nil {
		t.Fatal(err)
	}
	run(t, c, "CHECKPOINT")
	fill(0)
	want(t, flight(t, url), "disk-short", "error", "0 B of disk are free")
}
