package pgserver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A base is built once; later servers begin with what it holds.
func TestStartFrom(t *testing.T) {
	server(t, Config{}) // skips where there is none
	t.Parallel()
	built := 0
	base := Base{Key: "test " + time.Now().String(), Build: func(ctx context.Context, s *Server) error {
		built++
		return s.execStatements(ctx, "CREATE ROLE shopkeeper LOGIN", "CREATE DATABASE shop OWNER shopkeeper")
	}}
	for i := range 2 {
		s, first, err := StartFrom(t.Context(), Config{}, base)
		if err != nil {
			t.Fatal(err)
		}
		if first != (i == 0) || built != 1 {
			t.Errorf("start %d: built %t, %d times in all", i, first, built)
		}
		c := connect(t, s.URLAs("shopkeeper", "shop"))
		var role string
		if err := c.QueryRow(t.Context(), "SELECT current_user").Scan(&role); err != nil || role != "shopkeeper" {
			t.Errorf("role %q, %v", role, err)
		}
		c.Close(t.Context())
		if log := s.Log(); strings.Contains(log, "was not properly shut down") {
			t.Errorf("the base was left by a crash:\n%s", log)
		}
		dir := s.private.dir
		if err := s.Stop(); err != nil || pathExists(dir) {
			t.Errorf("stop: %v, directory still there: %t", err, pathExists(dir))
		}
	}
}

// A base that cannot be built leaves nothing, and a damaged one is made anew.
func TestStartFromBroken(t *testing.T) {
	server(t, Config{}) // skips where there is none
	t.Parallel()
	failure := errors.New("no")
	base := Base{Key: "broken " + time.Now().String(), Build: func(context.Context, *Server) error { return failure }}
	if _, _, err := StartFrom(t.Context(), Config{}, base); !errors.Is(err, failure) {
		t.Fatalf("error %v", err)
	}
	base.Build = func(ctx context.Context, s *Server) error { return s.execStatements(ctx, "CREATE DATABASE shop") }
	s, built, err := StartFrom(t.Context(), Config{}, base)
	if err != nil || !built {
		t.Fatalf("built %t, %v", built, err)
	}
	c, err := resolveConfig(t.Context(), s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	from, err := c.basePath(base.Key)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(from, "global")); err != nil {
		t.Fatal(err)
	}
	s, built, err = StartFrom(t.Context(), Config{}, base)
	if err != nil || !built {
		t.Fatalf("damaged: built %t, %v", built, err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}

// A base that another process forgets while it is copied is made anew.
func TestStartFromForgotten(t *testing.T) {
	server(t, Config{}) // skips where there is none
	t.Parallel()
	base := Base{
		Key:   "forgotten " + time.Now().String(),
		Build: func(ctx context.Context, s *Server) error { return s.execStatements(ctx, "CREATE DATABASE shop") },
	}
	cfg := Config{Dir: t.TempDir()}
	if err := os.Chmod(filepath.Dir(cfg.Dir), 0o755); err != nil { // the server's account must be able to enter
		t.Fatal(err)
	}
	s, _, err := StartFrom(t.Context(), cfg, base)
	if err != nil {
		t.Fatal(err)
	}
	c, err := resolveConfig(t.Context(), s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	from, err := c.basePath(base.Key)
	if err != nil {
		t.Fatal(err)
	}
	// Its copy has begun as soon as there is a data directory.
	forgotten := make(chan struct{})
	go func() {
		defer close(forgotten)
		for range 5000 {
			if found, _ := filepath.Glob(filepath.Join(cfg.Dir, privatePrefix+"*", "data")); found != nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		lock, err := waitForLock(context.Background(), from+".lock")
		if err != nil {
			t.Error(err)
			return
		}
		defer lock.Close()
		if err := deleteBase(from); err != nil {
			t.Error(err)
		}
	}()
	s, built, err := StartFrom(t.Context(), cfg, base)
	<-forgotten
	if err != nil {
		t.Fatal(err)
	}
	if !built {
		t.Log("it was copied before it was forgotten")
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}
