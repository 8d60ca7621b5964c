package guard

import (
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// A client may set search_path by a parameter: its value is in the Bind message. Guard knows the meaning of bare names after that.
func TestSettingsByParameter(t *testing.T) {
	t.Parallel()
	base := catalog.New()
	for _, sql := range []string{"CREATE SCHEMA tenant", "CREATE TABLE tenant.member (id int)"} {
		base, _ = base.Apply(pgparse.ParseStatement(sql), sql)
	}
	text := func(values ...string) (out [][]byte) {
		for _, v := range values {
			out = append(out, []byte(v))
		}
		return out
	}
	for name, c := range map[string]struct {
		sql    string
		values [][]byte
		locks  int
	}{
		"its value":            {"SELECT set_config('search_path', $1, false)", text("tenant"), 1},
		"its name and value":   {"SELECT set_config($1, $2, $3)", text("search_path", "public, tenant", "f"), 1},
		"a truth value":        {"SELECT pg_catalog.set_config($1, $2, $3)", text("search_path", "tenant", "\x00"), 1},
		"another schema":       {"SELECT set_config('search_path', $1, false)", text("elsewhere"), 0},
		"another setting":      {"SELECT set_config('work_mem', $1, false), set_config('search_path', 'tenant', false)", text("4MB"), 1},
		"a text like a number": {"SELECT set_config('search_path', 'tenant', false), '$1' || set_config('a.b', $1, false)", text("it's"), 1},
	} {
		s := &session{
			run: &run{g: &guard{c: &Config{}}}, guarded: true, prepared: map[string]prepared{}, portals: map[string][]statement{},
			status: 'I', read: reader{schema: base, version: effect.NewVersion(onward.NewestMajor)},
		}
		send := func(m pgproto3.FrontendMessage) {
			data, err := m.Encode(nil)
			if err != nil {
				t.Fatal(err)
			}
			s.Client(data[0], data[5:], len(data)-5)
		}
		send(&pgproto3.Parse{Query: c.sql})
		send(&pgproto3.Bind{Parameters: c.values})
		send(&pgproto3.Parse{Query: "ALTER TABLE member ADD note text"})
		send(&pgproto3.Bind{})
		got := 0
		for _, l := range s.portals[""][0].wantedLocks {
			if l.Relation == "tenant.member" {
				got++
			}
		}
		if got != c.locks {
			t.Errorf("%s: %d locks are waited for, want %d", name, got, c.locks)
		}
		send(&pgproto3.Parse{Query: "CREATE INDEX CONCURRENTLY unknown_idx ON nobody_knows (id)"})
		send(&pgproto3.Bind{})
		if !s.portals[""][0].drains {
			t.Errorf("%s: a concurrent build on an unknown table has the session's lock_timeout", name)
		}
	}
}
