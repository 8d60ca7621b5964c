package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A restored database has other OIDs: the names of the schemas say what is done.
func TestRestored(t *testing.T) {
	t.Parallel()
	db, conn := tenants(t, 3)
	c, seen := newConfig(t, db, "")
	c.Work = sendDirectly(migration)
	if _, err := fleet.Run(t.Context(), c); err != nil {
		t.Fatalf("run the release: %v\n%s", err, seen)
	}
	pgservertest.Exec(t, conn, "UPDATE onward_fleet.release SET system = 'other/1'",
		"UPDATE onward_fleet.target SET schema = (schema::bigint + 100000)::oid",
		"UPDATE onward_fleet.target SET schema = 'tenant_02'::regnamespace WHERE name = 'tenant_01'",
		"DROP SCHEMA tenant_03 CASCADE")
	createTenant(t, conn, "tenant_04")
	list, err := c.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	status := func() (out []string) {
		t.Helper()
		r, err := fleet.ReadStatus(t.Context(), list, "", c.Waves)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.Targets {
			out = append(out, fmt.Sprint(p.Name, " ", p.State))
		}
		return out
	}
	if diff := cmp.Diff([]string{"tenant_01 done", "tenant_02 done", "tenant_04 pending"}, status()); diff != "" {
		t.Error(diff)
	}
	if r, err := fleet.Run(t.Context(), c); err != nil || r.State != onward.RolloutDone {
		t.Errorf("run the release after the restore: rollout %+v, error %v, want done", r, err)
	}
	if diff := cmp.Diff([]string{"tenant_01 done", "tenant_02 done", "tenant_04 done"}, status()); diff != "" {
		t.Error(diff)
	}
	checkTenants(t, conn, schemaNames(t, conn))
}

// A database that is read-only, one without a free connection for a while, and one with another password are what they are; the others go on.
func TestUnusableDatabases(t *testing.T) {
	t.Parallel()
	db, conn := tenants(t, 1)
	readOnly, full := pgservertest.Database(t, onward.NewestMajor), pgservertest.Database(t, onward.NewestMajor)
	name := func(url string) string { return strings.SplitN(strings.SplitN(url, "?", 2)[0], "/", 4)[3] }
	pgservertest.Exec(t, conn, "ALTER DATABASE "+name(readOnly)+" SET default_transaction_read_only = on", "CREATE ROLE limited LOGIN CONNECTION LIMIT 0",
		"GRANT CREATE ON DATABASE "+name(full)+" TO limited")
	cleaner := pgservertest.Connect(t, full)
	t.Cleanup(func() {
		if _, err := cleaner.Exec(context.Background(), "DROP OWNED BY limited; DROP ROLE limited"); err != nil {
			t.Error(err)
		}
	})
	limited := strings.Replace(full, "//postgres@", "//limited@", 1)
	c, seen := newConfig(t, db, "")
	c.StopAfter = fleet.Amount{Number: 5}
	c.List = func(ctx context.Context) ([]*fleet.Target, error) {
		return []*fleet.Target{
			{Name: "read-only", Address: readOnly}, {Name: "full", Address: limited}, {Name: "gone", Address: strings.Replace(db, name(db), "no_such_database", 1)},
			{Name: "right", Address: db, Schema: "tenant_01"}, {Name: "down", Address: "postgres://postgres@127.0.0.1:1/x?connect_timeout=2"},
			{Name: "again", Address: db, Schema: "tenant_01"},
		}, nil
	}
	c.Work = func(ctx context.Context, target *fleet.Target, record func(int) error) (int, error) { return 0, nil }
	raised := make(chan struct{})
	time.AfterFunc(time.Second, func() {
		defer close(raised)
		pgservertest.Exec(t, conn, "ALTER ROLE limited CONNECTION LIMIT 5")
	})
	r, err := fleet.Run(t.Context(), c)
	<-raised
	unfinished := new(fleet.UnfinishedError)
	if !errors.As(err, &unfinished) || !unfinished.Failed {
		t.Fatal(err)
	}
	var got []string
	for _, p := range r.Targets {
		note, _, _ := strings.Cut(p.Note, ": connection refused") // the address follows
		got = append(got, fmt.Sprint(p.Name, " ", p.State, " ", note))
	}
	got = append(got, r.Duplicates...)
	want := []string{
		"read-only unreachable it is read-only: default_transaction_read_only is on", "full done ", "gone gone the database does not exist any more", "right done ",
		"down unreachable connect to the database", "again is the same as right",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("targets and duplicates (-want +got):\n%s\n%s", diff, seen)
	}
	if !strings.Contains(seen.String(), "full waits: ") {
		t.Errorf("the output lacks \"full waits: \":\n%s", seen)
	}
}

// What a file of targets may not have is named with its line, and no password is quoted.
func TestBadSources(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"postgres://u:hunter2@h/d":                             "targets:1: the address contains its password",
		"\"host=h password=hunter2\"":                          "targets:1: the address contains its password",
		"# nothing\n\npostgres://u@h/d eu":                     "targets:3: after the address only KEY=VALUE is allowed",
		"postgres://u@h/d password=hunter2":                    "targets:1: the password of a target is a reference",
		"postgres://u@h/d name=a\npostgres://u@h2/d name=a":    "two targets have the name \"a\"",
		"\"postgres://u@h/d":                                   "targets:1: a quote is not closed",
		"env:FLEET_TEST_NOT_SET":                               "targets:1: FLEET_TEST_NOT_SET is not set",
		"\"cmd:echo hunter2 >&2; exit 1\"":                     "targets:1: the command cmd:echo hunter2 >&2; exit 1 failed: exit status 1",
		"cmd:true":                                             "targets:1: cmd:true is empty",
		"file:/no/such/file":                                   "targets:1: read a target's address",
		"postgres://u@h/d?port=x password=\"cmd:echo secret\"": "targets:1: the database's address cannot be read",
		"": "the source has no targets",
	} {
		path := filepath.Join(t.TempDir(), "targets")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := fleet.ListTargets(t.Context(), fleet.Source{Text: path})
		if wrong := new(config.InputError); !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("ListTargets of the file %q: error %v, want %q", text, err, want)
		} else if strings.Contains(strings.ReplaceAll(err.Error(), "echo hunter2", ""), "hunter2") || strings.Contains(err.Error(), "secret") {
			t.Errorf("a password is quoted: %v", err)
		}
	}
	for _, text := range []string{"schemas:", "schemas:!a", "schemas:[", "/no/such/file"} {
		if _, err := fleet.ListTargets(t.Context(), fleet.Source{Text: text}); err == nil {
			t.Errorf("ListTargets accepts the source %q", text)
		}
	}
	for _, text := range []string{"", "0", "x", "5%,-1", "101%", "NaN%"} {
		if _, err := fleet.ParseWaves(text); err == nil {
			t.Errorf("ParseWaves(%q) returns no error", text)
		}
	}
}

// Two servers that were copied from one image have the same system identifier, and their databases have the same OIDs. They are two targets.
func TestCopiedServers(t *testing.T) {
	t.Parallel()
	var list []*fleet.Target
	for i := range 2 {
		s, err := pgserver.Start(t.Context(), pgserver.Config{Major: onward.NewestMajor, Small: true})
		if err != nil {
			pgservertest.SkipOrFail(t, err)
		}
		t.Cleanup(func() { _ = s.Stop() })
		name, err := s.NewDatabase(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, &fleet.Target{Name: fmt.Sprint("copy ", i), Address: s.URL(name)})
	}
	c, _ := newConfig(t, "", "")
	c.List = func(context.Context) ([]*fleet.Target, error) { return list, nil }
	c.Work = func(context.Context, *fleet.Target, func(int) error) (int, error) { return 0, nil }
	r, err := fleet.Run(t.Context(), c)
	if err != nil || len(r.Targets) != 2 || len(r.Duplicates) > 0 {
		t.Errorf("two servers with equal names: rollout %+v, error %v, want 2 targets and no duplicates", r, err)
	}
}
