package rule

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/onward"
)

func TestCommandsAreJudgedAlone(t *testing.T) {
	t.Parallel()
	before := "CREATE TABLE t (id int PRIMARY KEY, a int, b text, CONSTRAINT a_there CHECK (a IS NOT NULL))"
	for _, tt := range []struct {
		sql  string
		want []string
	}{
		{
			"ALTER TABLE ONLY t /* , */ ADD COLUMN c int DEFAULT 1, -- one, two\n ADD CHECK (a > 0), ALTER id TYPE bigint",
			[]string{"ADD COLUMN c int DEFAULT 1: none", "ADD CHECK (a > 0): scan", "ALTER id TYPE bigint: rewrite"},
		},
		{"ALTER TABLE t ADD COLUMN c int", []string{"ADD COLUMN c int: none"}},
		{
			"ALTER TABLE t ALTER a SET NOT NULL, DROP CONSTRAINT a_there",
			[]string{"ALTER a SET NOT NULL: none; the whole does scan, without it none", "DROP CONSTRAINT a_there: none; the whole does scan, without it none"},
		},
		{"ALTER TABLE t DROP COLUMN nowhere, ADD CHECK (a > 0)", nil},
		{"CREATE INDEX ON t (a)", nil},
	} {
		var got []string
		r := sayer("x-commands", func(p *Pass, s *Stmt) string {
			commands := p.ListCommands(s)
			for _, c := range commands {
				line := fmt.Sprintf("%s: %s", c.Text(), p.EffectsAlone(c).Effects[0].HeaviestWork())
				if work := s.Result.Effects[0].HeaviestWork(); p.EffectsAlone(c).Effects[0].HeaviestWork() == onward.NoWork && len(commands) == 2 {
					otherEffects := p.EffectsWithout(s, c)
					line += fmt.Sprintf("; the whole does %s, without it %s", work, otherEffects.Effects[0].HeaviestWork())
				}
				got = append(got, line)
			}
			return ""
		})
		run(t, Config{Rules: []*Rule{r}, Versions: []int{17}}, before, tt.sql, onward.TransactionNone)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.sql, diff)
		}
	}
}

func TestCommandAloneMayBeRefused(t *testing.T) {
	t.Parallel()
	// A subcommand alone may be refused even if the whole statement is not.
	r := sayer("x-commands", func(p *Pass, s *Stmt) string {

		for _, c := range p.ListCommands(s) {
			if reason := p.EffectsAlone(c).Refused.Message(); reason != "" {
				return reason
			}
		}
		return ""
	})
	findings := run(t, Config{Rules: []*Rule{r}}, "CREATE TABLE t (a int)", "ALTER TABLE t ADD COLUMN b int, ALTER COLUMN b SET NOT NULL", onward.TransactionNone)
	want := []string{`1 column "b" of relation "t" does not exist`}
	if diff := cmp.Diff(want, facts(findings)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestBlocked(t *testing.T) {
	t.Parallel()
	before := "CREATE TABLE t (id int PRIMARY KEY, a int); CREATE TABLE small (id int PRIMARY KEY, a int); CREATE TABLE users (id int PRIMARY KEY)"
	r := sayer("x-blocked", func(p *Pass, s *Stmt) string {
		for _, work := range []string{"rewrites", "builds", "scans"} {
			if got := named(p, s, work); got != "" {
				return work + " " + got
			}
		}
		return ""
	})
	for sql, want := range map[string][]string{
		"ALTER TABLE t ALTER id TYPE bigint":                              {"1 rewrites t: every query on t"},
		"CREATE INDEX ON t (a)":                                           {"1 builds t: every INSERT, UPDATE and DELETE on t"},
		"ALTER TABLE t ADD CHECK (a > 0)":                                 {"1 scans t: every query on t"},
		"ALTER TABLE small ALTER id TYPE bigint":                          nil,
		"CREATE INDEX CONCURRENTLY ON t (a)":                              nil,
		"TRUNCATE t":                                                      nil,
		"CREATE TABLE fresh (a int); ALTER TABLE fresh ALTER a TYPE text": nil,
		"ALTER TABLE t ADD COLUMN b int":                                  nil,
	} {
		findings := run(t, Config{Rules: []*Rule{r}, SmallTables: []string{"small"}}, before, sql, onward.TransactionNone)
		if diff := cmp.Diff(want, facts(findings)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sql, diff)
		}
	}
}

func named(p *Pass, s *Stmt, work string) string {
	f := analysis.IsRewritten
	switch work {
	case "builds":
		f = analysis.BuildsIndex
	case "scans":
		f = analysis.IsScanned
	}
	if e := p.FindBlocked(&s.Result, f); e != nil {
		return e.Name.String() + ": " + analysis.DescribeWaiting(e)
	}
	return ""
}
