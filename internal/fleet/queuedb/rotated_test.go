package queuedb

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// rotation is a server on which a role needs a password, and a file with the password.
type rotation struct {
	t      *testing.T
	server *pgserver.Server
	secret string // the file
}

func newRotation(t *testing.T) *rotation {
	t.Helper()
	server, err := pgserver.Start(t.Context(), pgserver.Config{Major: onward.NewestMajor, Small: true})
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	conn := pgservertest.Connect(t, server.URL("postgres"))
	var rules string
	if err := conn.QueryRow(t.Context(), "SHOW hba_file").Scan(&rules); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(rules)
	if err == nil {
		err = os.WriteFile(rules, append([]byte("local all rotated scram-sha-256\n"), text...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	pgservertest.Exec(t, conn, "SELECT pg_reload_conf()", "CREATE ROLE rotated SUPERUSER LOGIN")
	r := &rotation{t: t, server: server, secret: filepath.Join(t.TempDir(), "secret")}
	r.rotate("first")
	return r
}

// rotate changes the password, writes it into the file, and ends the sessions of the role.
func (r *rotation) rotate(password string) {
	conn := pgservertest.Connect(r.t, r.server.URL("postgres"))
	pgservertest.Exec(r.t, conn, "ALTER ROLE rotated PASSWORD '"+password+"'")
	if err := os.WriteFile(r.secret, []byte(password+"\n"), 0o600); err != nil {
		r.t.Error(err)
	}
	pgservertest.Exec(r.t, conn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rotated'")
}

// address returns a function that reads the address of a database with the password in the file.
func (r *rotation) address(database string) func() (string, error) {
	return func() (string, error) {
		password, err := os.ReadFile(r.secret)
		if err != nil {
			return "", err
		}
		u, err := url.Parse(r.server.URLAs("rotated", database))
		if err != nil {
			return "", err
		}
		u.User = url.UserPassword("rotated", strings.TrimSpace(string(password)))
		return u.String(), nil
	}
}

// move puts the queue and the targets of a scene on the server.
func (r *rotation) move(s *scene) {
	r.t.Helper()
	readers := []func() (string, error){}
	for range 2 {
		name, err := r.server.NewDatabase(r.t.Context(), "")
		if err != nil {
			r.t.Fatal(err)
		}
		s.conn = pgservertest.Connect(r.t, r.server.URL(name)) // of the last one
		readers = append(readers, r.address(name))
	}
	s.readQueue = readers[0]
	var err error
	if s.queue, err = readers[0](); err == nil {
		s.db, err = readers[1]()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	s.source.DB, s.source.ReadDB = s.db, func(context.Context) (string, error) { return readers[1]() }
}

// The passwords of the queue and of the targets change in the middle of a release, and each session ends. The worker reads both again from their
// place, also to list the tenant that is created afterwards.
func TestRotatedPasswords(t *testing.T) {
	t.Parallel()
	s := newScene(t, 0)
	r := newRotation(t)
	r.move(s)
	for _, name := range []string{"tenant_01", "tenant_02", "tenant_03", "tenant_04", "tenant_05"} {
		s.addSchema(t, name)
	}
	s.settings.AtOnce = 1
	var runs atomic.Int64
	s.work = func(ctx context.Context, target *fleet.Target, slice *apply.Slice) error {
		if runs.Add(1) == 3 {
			r.rotate("second")
			s.addSchema(t, "tenant_90")
		}
		return addOne(ctx, target, slice)
	}
	q := s.open(t)
	s.start(t, q, false)
	s.startWorker(t, q)
	s.await(t, q, onward.RolloutDone)
	s.checkOnce(t, 6)
	if strings.Contains(s.log.String(), "second") || strings.Contains(s.log.String(), "first@") {
		t.Error("the log has a password")
	}
}

// The password changes while a backfill writes. The plan continues in the target.
func TestRotatedDuringBackfill(t *testing.T) {
	t.Parallel()
	s := newAccountScene(t, 0, 0)
	r := newRotation(t)
	r.move(s)
	pgservertest.Exec(t, s.conn, "CREATE SCHEMA tenant_01; SET search_path = tenant_01; "+accountTable+
		" INSERT INTO account SELECT n, 'nick ' || n, n FROM generate_series(1, 20000) AS n")
	rotate := sync.OnceFunc(func() { r.rotate("second") })
	s.work = func(ctx context.Context, target *fleet.Target, slice *apply.Slice) error {
		var planCopy onward.Plan
		if err := json.Unmarshal(s.settings.Work, &planCopy); err != nil {
			return err
		}
		_, err := apply.Run(ctx, apply.Config{
			DB: target.Address, Schema: target.Schema, SearchPath: target.SearchPath(""), Plan: &planCopy, Unproven: "a sketch", Within: time.Minute, Slice: slice,
			Tell: func(e apply.Event) {
				if e.Kind == apply.Passed {
					rotate()
				}
			},
		})
		return err
	}
	q := s.open(t)
	s.start(t, q, false)
	s.startWorker(t, q)
	s.await(t, q, onward.RolloutDone)
	var filled int
	if err := s.conn.QueryRow(t.Context(), "SELECT count(*) FROM tenant_01.account WHERE nickname = nick").Scan(&filled); err != nil || filled != 20000 {
		t.Errorf("%d rows: %v", filled, err)
	}
}
