//go:build unix

package pgserver

import (
	"context"
	"strings"
	"testing"
	"time"
)

// roleServer is somebody's server, with the roles on it that the tests make.
type roleServer struct {
	*testing.T
	*Server
}

func newRoleServer(t *testing.T, c Config) roleServer {
	t.Helper()
	return roleServer{t, server(t, c)}
}

// start starts a use of the server, which makes roles if they are given.
func (r roleServer) start(makes ...string) *Server {
	r.Helper()
	s, err := Start(r.T.Context(), Config{URL: r.URL("postgres")})
	if err != nil {
		r.Fatal(err)
	}
	if len(makes) > 0 {
		if err := s.RoleMaker(r.T.Context(), makes, func() {}); err != nil {
			r.Fatal(err)
		}
	}
	return s
}

// makeDatabase makes a database of a use of the server.
func (r roleServer) makeDatabase(s *Server) string {
	r.Helper()
	db, err := s.NewDatabase(r.T.Context(), "")
	if err != nil {
		r.Fatal(err)
	}
	return db
}

func (r roleServer) run(statements ...string) {
	r.Helper()
	if err := r.execStatements(r.T.Context(), statements...); err != nil {
		r.Fatal(err)
	}
}

// wantRoles compares the roles whose names begin with made_.
func (r roleServer) wantRoles(want string) {
	r.Helper()
	const made = `SELECT coalesce(string_agg(rolname, ' ' ORDER BY rolname), '') FROM pg_roles WHERE rolname ~ '^made_'`
	if got := ask(r.T, r.URL("postgres"), made); got != want {
		r.Errorf("roles: %q, want %q", got, want)
	}
}

// A process that was killed may seem to live for a moment after its lock is free. A sweep reports that by the list
// that decided what stays: RoleMaker then sweeps again, and the next rehearsal's CREATE ROLE finds no role.
func TestSweepReportsTheLiving(t *testing.T) {
	t.Parallel()
	r := newRoleServer(t, Config{})
	dying := r.start("made_a")
	r.makeDatabase(dying)
	r.run("CREATE ROLE made_a")
	next := r.start()
	for _, claimed := range []bool{false, true} {
		if claimed {
			if err := dying.Claim(t.Context(), dying.external.keepAlive, "onward_"+dying.external.id+"_1", "made_a"); err != nil {
				t.Fatal(err)
			}
		}
		if othersLive, err := next.sweepRoles(t.Context()); err != nil || !othersLive {
			t.Errorf("claimed %t: others %t, %v", claimed, othersLive, err)
		}
		r.wantRoles("made_a")
	}
	kill(t, dying)
	noticed(t, r.Server, dying)
	if othersLive, err := next.sweepRoles(t.Context()); err != nil || othersLive {
		t.Errorf("others %t, %v", othersLive, err)
	}
	r.wantRoles("")
	if err := next.Stop(); err != nil {
		t.Error(err)
	}
}

// A role that was made and not claimed is found, too, if the process that sweeps is killed after it dropped the
// database whose comment names the role.
func TestSweeperKilled(t *testing.T) {
	t.Parallel()
	r := newRoleServer(t, Config{})
	killed := r.start("made_a", "made_b")
	r.makeDatabase(killed)
	r.run("CREATE ROLE made_a", "CREATE ROLE made_b", "CREATE ROLE made_by_others")
	kill(t, killed)
	noticed(t, r.Server, killed)
	sweeper := &Server{external: &external{id: "0123456789ab", keepAlive: connect(t, r.URL("postgres"))}}
	if dropped, _, err := sweeper.dropDeadDatabases(t.Context(), true); dropped != 1 || err != nil {
		t.Fatalf("%d dropped, %v", dropped, err)
	}
	kill(t, sweeper)
	if err := r.start().Stop(); err != nil {
		t.Error(err)
	}
	r.wantRoles("made_by_others")
}

// A process that ends between the commit that makes a role and its Claim drops it, too.
func TestUnclaimedRoleDropped(t *testing.T) {
	t.Parallel()
	r := newRoleServer(t, Config{})
	s := r.start("made_a")
	r.makeDatabase(s)
	r.run("CREATE ROLE made_a")
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	r.wantRoles("")
}

// Only who has the lock drops roles: a role of the dead may have been dropped and made again by him meanwhile.
func TestRolesDroppedUnderLock(t *testing.T) {
	t.Parallel()
	r := newRoleServer(t, Config{})
	maker := r.start("made_b")
	killed := r.start()
	db := r.makeDatabase(killed)
	r.run("CREATE ROLE made_a")
	if err := killed.Claim(t.Context(), killed.external.keepAlive, db, "made_a"); err != nil {
		t.Fatal(err)
	}
	kill(t, killed)
	noticed(t, r.Server, killed)
	if err := r.start().Stop(); err != nil {
		t.Error(err)
	}
	r.wantRoles("made_a")
	if got := ours(t, r.Server); got != "0" { // which makes no roles
		t.Errorf("%s databases left", got)
	}
	if err := maker.Stop(); err != nil {
		t.Error(err)
	}
	if err := r.start().Stop(); err != nil {
		t.Error(err)
	}
	r.wantRoles("")
}

// DROP DATABASE WITH (FORCE) refuses a worker of autovacuum to a role that is no superuser.
func TestDropBesideAutovacuum(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	r := newRoleServer(t, Config{Settings: map[string]string{
		"autovacuum": "on", "track_counts": "on", "autovacuum_naptime": "1s",
		"autovacuum_vacuum_cost_delay": "100ms", "autovacuum_vacuum_cost_limit": "1",
	}})
	r.run("CREATE ROLE plain LOGIN CREATEDB")
	s, err := Start(ctx, Config{URL: strings.Replace(r.URL("postgres"), "//postgres@", "//plain@", 1)})
	if err != nil {
		t.Fatal(err)
	}
	db := r.makeDatabase(s)
	conn := connect(t, s.URL(db)) // somebody forgot it
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE TABLE big AS SELECT generate_series(1, 200000); DELETE FROM big"); err != nil {
		t.Fatal(err)
	}
	worker := false
	for range 300 {
		worker = ask(t, r.URL("postgres"), `SELECT count(*)::text FROM pg_stat_activity
			WHERE backend_type = 'autovacuum worker' AND datname = '`+db+`'`) != "0"
		if worker {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if !worker {
		t.Fatal("no worker of autovacuum came")
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if got := ours(t, r.Server); got != "0" {
		t.Errorf("%s databases left", got)
	}
}
