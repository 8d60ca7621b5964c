package member_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/member"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		kind            member.Kind
		name, extension string
	}{
		{member.Type, "citext", "citext"}, {member.Type, "ltree", "ltree"}, {member.Type, "hstore", "hstore"},
		{member.Function, "uuid_generate_v4", "uuid-ossp"}, {member.Function, "crypt", "pgcrypto"}, {member.Function, "similarity", "pg_trgm"},
		{member.Class, "gin_trgm_ops", "pg_trgm"}, {member.Dictionary, "unaccent", "unaccent"}, {member.AccessMethod, "bloom", "bloom"},
		{member.Operator, "%", "pg_trgm"},
		{member.Operator, "<->", ""}, // three bring one
		{member.Type, "text", ""}, {member.Function, "citext_in", ""},
	} {
		if got := member.ExtensionOf(x.kind, x.name); got != x.extension {
			t.Errorf("%s %s comes with %q, want %q", x.kind, x.name, got, x.extension)
		}
	}
}
