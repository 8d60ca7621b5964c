package plan

import (
	"fmt"
	"path"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/onward"
)

// explainByHand says why no migration runs a step; "" if one can. In a migration nobody watches a REPACK (CONCURRENTLY): it would begin while a dump
// is open, and every query would wait for it at its end.
func explainByHand(w audit.Writing, s *onward.PlanStep) string {
	if recipe.IsRepack(s) {
		return "nobody would watch it in a migration, and onward guard does"
	}
	return w.Carries(s)
}

// draftScript drafts the psql script of a step that no migration can run. Its name does not end in .sql, because no tool must
// take it for a migration.
func (d *Draft) draftScript(s *onward.PlanStep) {
	d.Script = &audit.Written{Path: path.Join(Dir, d.Plan.Name+"."+s.ID+".psql"), Text: scriptText(d.Plan, s)}
}

// scriptText returns the text of a psql script that runs a step to its end.
func scriptText(p *onward.Plan, s *onward.PlanStep) string {
	var b strings.Builder
	fmt.Fprintf(&b, "-- %s of the plan %s: %s.\n", s.ID, p.Name, firstLine(s.Why))
	b.WriteString("-- If it is interrupted, run it again.\n")
	b.WriteString("SET statement_timeout = 0;\n")
	if recipe.IsRepack(s) {
		b.WriteString("-- Run it with onward guard, which sets a lock_timeout. Without one, the last lock would let every query wait.\n" +
			"SELECT set_config('lock_timeout', '5s', false) WHERE current_setting('lock_timeout') = '0';\n")
	}
	if !s.Repeat {
		b.WriteString(adapter.DropInvalidIndex(s) + s.SQL)
		return b.String()
	}
	loop, batch := unusedDollarQuote(s.SQL, "loop"), unusedDollarQuote(s.SQL, "batch")
	fmt.Fprintf(&b, `SET lock_timeout = '2s';
-- Each round of the loop is a transaction of its own, and a pause follows.
DO %s
DECLARE
  began timestamptz;
  rows bigint;
BEGIN
  LOOP
    began := clock_timestamp();
    EXECUTE %s
%s
%s INTO rows;
    COMMIT;
    EXIT WHEN rows = 0;
    PERFORM pg_sleep(0.25 * extract(epoch FROM clock_timestamp() - began));
  END LOOP;
END
%s;
`, loop, batch, strings.TrimSuffix(strings.TrimSpace(s.SQL), ";"), batch, loop)
	return b.String()
}

// firstLine returns the first line of a text.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// IsWatched reports whether the step that the draft waits for must run under onward guard.
func (d *Draft) IsWatched() bool { return d.Waits != nil && recipe.IsRepack(d.Waits) }

// unusedDollarQuote returns a dollar quote that a text does not contain.
func unusedDollarQuote(text, name string) string {
	quote := "$" + name + "$"
	for strings.Contains(text, quote) {
		name += "_"
		quote = "$" + name + "$"
	}
	return quote
}
