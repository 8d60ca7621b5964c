package main

import (
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// TestFleetScripts runs the scripts with a database that has a schema for each tenant.
func TestFleetScripts(t *testing.T) {
	t.Parallel()
	url := pgservertest.Database(t, onward.NewestMajor)
	other := pgservertest.Database(t, onward.NewestMajor)
	conn := pgservertest.Connect(t, url)
	pgservertest.Exec(t, conn, `CREATE SCHEMA tenant_a; CREATE SCHEMA tenant_b; CREATE SCHEMA tenant_c; CREATE SCHEMA tenant_test;
		CREATE TABLE public.tenants (schema_name text, plan text); INSERT INTO public.tenants VALUES ('tenant_c', 'free'), ('tenant_a', 'paid');
		CREATE TABLE tenant_a.t (id int); CREATE TABLE tenant_b.t (id int); CREATE TABLE tenant_c.t (id int)`)
	t.Run("scripts", func(t *testing.T) { scripts(t, "testdata/fleet", "DATABASE_URL="+url, "OTHER_URL="+other) })
}
