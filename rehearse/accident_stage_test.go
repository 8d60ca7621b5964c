package rehearse_test

import (
	"context"
	"errors"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// branch makes a git repository: main has one migration, a branch the others.
// The name of a directory says which framework they use.
func branch(t testing.TB, base string, release []txtar.File) string {
	t.Helper()
	files := map[string]string{}
	for _, f := range release {
		files["migrations/"+f.Name] = string(f.Data)
	}
	return gittest.Commits(t, map[string]string{"migrations/00001_base.sql": base}, files)
}

// rehearsed rehearses, and gives the report with its only rehearsal.
func rehearsed(t testing.TB, c rehearse.Config) (*onward.Report, *onward.Rehearsal) {
	t.Helper()
	return rehearsedIn(t.Context(), t, c)
}

func rehearsedIn(ctx context.Context, t testing.TB, c rehearse.Config) (*onward.Report, *onward.Rehearsal) {
	t.Helper()
	r, err := rehearse.Run(ctx, c)
	if missing := new(pgserver.MissingError); errors.As(err, &missing) {
		pgservertest.SkipOrFail(t, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rehearsals) != 1 {
		t.Fatalf("%d rehearsals", len(r.Rehearsals))
	}
	return r, &r.Rehearsals[0]
}

// text is the statement of a rehearsed one.
func text(r *onward.Report, st onward.RehearsedStatement) string {
	return r.Migrations[st.Migration].Statements[st.Statement].SQL
}

// named gives the findings of a rule.
func named(r *onward.Report, rule string) []onward.Finding {
	var out []onward.Finding
	for _, f := range r.Findings {
		if f.Rule == rule {
			out = append(out, f)
		}
	}
	return out
}
