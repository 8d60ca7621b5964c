package main

import (
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// TestFleetScripts runs the scripts of releases on many targets. Each has a database with schemas in $DATABASE_URL, and another in
// $OTHER_URL. Two of them run on onward.PreviewMajor, too.
func TestFleetScripts(t *testing.T) {
	t.Parallel()
	for _, major := range []int{onward.NewestMajor, onward.PreviewMajor} {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			runFleetScripts(t, major)
		})
	}
}

func runFleetScripts(t *testing.T, major int) {
	pgservertest.Server(t, major)
	p := params("testdata/fleet")
	if major == onward.PreviewMajor {
		p.Dir, p.Files = "", []string{"testdata/fleet/guard.txtar", "testdata/fleet/apply_schemas.txtar"}
	}
	setup := p.Setup
	p.Setup = func(e *testscript.Env) error {
		t := e.T().(testing.TB)
		url := pgservertest.Database(t, major)
		pgservertest.Exec(t, pgservertest.Connect(t, url), `CREATE SCHEMA tenant_a; CREATE SCHEMA tenant_b; CREATE SCHEMA tenant_c; CREATE SCHEMA tenant_test;
			CREATE TABLE public.tenants (schema_name text, plan text); INSERT INTO public.tenants VALUES ('tenant_c', 'free'), ('tenant_a', 'paid');
			CREATE TABLE tenant_a.t (id int); CREATE TABLE tenant_b.t (id int); CREATE TABLE tenant_c.t (id int)`)
		e.Vars = append(e.Vars, "DATABASE_URL="+url, "OTHER_URL="+pgservertest.Database(t, major),
			"SHORT_TOKEN=brief", "PAGE_TOKEN=a token that is long enough")
		return setup(e)
	}
	p.Cmds["follow"] = follow
	testscript.Run(t, p)
}
