package live

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// The definitions make the same schema on another server.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	pgservertest.EachMajor(t, func(t *testing.T, major int) {
		url, _ := pgservertest.ConnectNew(t, major, `CREATE TYPE mood AS ENUM ('a', 'b'); CREATE DOMAIN short AS text CHECK (length(VALUE) < 9);
			CREATE TABLE u (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, s serial, m mood DEFAULT 'a', d short);
			CREATE TABLE o (id bigint PRIMARY KEY, u integer REFERENCES u ON DELETE CASCADE, CHECK (id > 0));
			CREATE INDEX o_u ON o (u) WHERE u > 3; CREATE VIEW v AS SELECT u.id, o.id AS oid FROM u JOIN o ON o.u = u.id;
			CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1'`)
		ddl, err := ReadDefinitions(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		rebuilt, conn := pgservertest.ConnectNew(t, major, "SELECT 1")
		for _, sql := range ddl {
			if _, err := conn.Exec(t.Context(), sql); err != nil && !strings.Contains(err.Error(), "already exists") {
				t.Errorf("run a definition that was read: %v: %s", err, sql)
			}
		}
		if diff := cmp.Diff(held(t, url), held(t, rebuilt)); diff != "" {
			t.Error(diff)
		}
	})
}

func held(t *testing.T, url string) []Object {
	t.Helper()
	o, err := OpenObjects(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close(t.Context())
	list, err := o.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b Object) int { return strings.Compare(a.Kind+a.Name, b.Kind+b.Name) })
	return list
}
