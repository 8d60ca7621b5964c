package permit_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/permit"
	"github.com/onward-sql/onward/onward"
)

// Each class allows some statements, and refuses all others with the reason.
func TestCheckText(t *testing.T) {
	t.Parallel()
	const (
		ddl, undo, validate = onward.StepDDL, permit.Undo, onward.StepValidate
		alone, fill, work   = onward.StepConcurrent, onward.StepBackfill, onward.StepWork
	)
	for _, c := range []struct {
		class onward.StepClass
		sql   string
		want  string // "" if it is allowed
	}{
		{ddl, "BEGIN; SET LOCAL lock_timeout = '2s'; ALTER TABLE t ADD COLUMN a int; COMMIT", ""},
		{ddl, "ALTER TABLE t ADD COLUMN a int", ""},
		{ddl, "ALTER TABLE t ADD COLUMN a int; COMMIT; DROP TABLE t", "statement 2 ends or divides the transaction of the step"},
		{ddl, "BEGIN; BEGIN; COMMIT", "statement 2 ends or divides"},
		{ddl, "ALTER TABLE t ADD COLUMN a int; BEGIN", "statement 2 ends or divides"},
		{ddl, "COMMIT; DROP TABLE t", "statement 1 ends or divides"},
		{ddl, "SAVEPOINT s", "ends or divides"},
		{ddl, "SET lock_timeout = '2s'", "changes a setting that onward decides"},
		{ddl, "SET LOCAL statement_timeout = '2s'", "changes a setting that onward decides"},
		{ddl, "SET LOCAL lock_timeout = '2s'", ""},
		{ddl, "COPY t TO PROGRAM 'sh'", "a step of class ddl must not do"},
		{ddl, "ALTER TABLE", "statement 1 cannot be read"},
		{undo, "DROP INDEX CONCURRENTLY i", ""},
		{undo, "ALTER TABLE t DROP COLUMN a", ""},
		{undo, "ROLLBACK", "ends or divides"},
		{work, "UPDATE t SET a = 1; SET work_mem = '1GB'", ""},
		{work, "COMMIT; UPDATE t SET a = 1", "ends or divides"},
		{work, "COMMIT PREPARED 'x'", ""},
		{work, "ROLLBACK PREPARED 'x'", ""},
		{validate, "ALTER TABLE t VALIDATE CONSTRAINT c, VALIDATE CONSTRAINT d", ""},
		{validate, "ALTER TABLE t VALIDATE CONSTRAINT c, ADD COLUMN a int", "does more than to validate a constraint"},
		{validate, "UPDATE t SET a = 1", "does more than to validate a constraint"},
		{alone, "CREATE INDEX CONCURRENTLY i ON t (a)", ""},
		{alone, "CREATE INDEX i ON t (a)", "needs a transaction or makes others wait"},
		{alone, "DROP INDEX CONCURRENTLY i", ""},
		{alone, "DROP INDEX i", "needs a transaction or makes others wait"},
		{alone, "ALTER TABLE p DETACH PARTITION c CONCURRENTLY", ""},
		{alone, "ALTER TABLE p DETACH PARTITION c FINALIZE", ""},
		{alone, "ALTER TABLE p DETACH PARTITION c", "needs a transaction or makes others wait"},
		{alone, "ALTER TABLE p ADD COLUMN a int", "needs a transaction or makes others wait"},
		{alone, "ALTER TABLE p ADD COLUMN a int, ADD COLUMN b int", "needs a transaction or makes others wait"},
		{alone, "REINDEX INDEX CONCURRENTLY i", ""},
		{alone, "VACUUM t", ""},
		{alone, "UPDATE t SET a = 1", "needs a transaction or makes others wait"},
		{fill, "WITH u AS (UPDATE t SET a = 1 RETURNING 1) SELECT count(*) FROM u", ""},
		{fill, "SELECT 1; SELECT 2", "a backfill is one statement"},
		{fill, "UPDATE t SET a = 1", "is not a batch of a backfill"},
		{"novel", "SELECT 1", "has a class that this release does not know"},
	} {
		err := permit.CheckText(c.class, c.sql)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %s: %v, want %q", c.class, c.sql, err, c.want)
		}
	}
	if permit.UndoClass(work) != work || permit.UndoClass(ddl) != undo || permit.UndoClass(fill) != undo {
		t.Error("an undo has the class of undos, except for work")
	}
}

// A step's transaction, check and backfill must suit its class.
func TestCheckStep(t *testing.T) {
	t.Parallel()
	good := func() *onward.PlanStep {
		return &onward.PlanStep{
			Class: onward.StepBackfill, Repeat: true, Transaction: onward.TransactionNone, SQL: "SELECT 1",
			Check: "SELECT FROM t WHERE a IS NULL",
			Backfill: &onward.PlannedBackfill{
				Table: "t", Work: "UPDATE t SET a = 1 FROM batch WHERE t.id = batch.onward_key1", Failed: "t.a IS NULL",
				Compare: []onward.PlanComparison{{Table: "t", Keys: []string{"id"}, Wrong: "a IS NULL", Mend: "DELETE FROM t WHERE a IS NULL"}},
			},
		}
	}
	for name, c := range map[string]struct {
		change func(s *onward.PlanStep)
		want   string
	}{
		"good":                      {func(*onward.PlanStep) {}, ""},
		"no check":                  {func(s *onward.PlanStep) { s.Check = "" }, ""},
		"no backfill":               {func(s *onward.PlanStep) { s.Backfill = nil }, ""},
		"not repeated":              {func(s *onward.PlanStep) { s.Repeat = false }, "for steps of class backfill"},
		"repeated":                  {func(s *onward.PlanStep) { s.Class = onward.StepDDL }, "for steps of class backfill"},
		"in a transaction":          {func(s *onward.PlanStep) { s.Transaction = onward.TransactionFile }, "does not suit a step of class backfill"},
		"bad SQL":                   {func(s *onward.PlanStep) { s.SQL = "DROP TABLE t" }, "is not a batch"},
		"check writes":              {func(s *onward.PlanStep) { s.Check = "DELETE FROM t" }, "is not a query that reads"},
		"check makes a table":       {func(s *onward.PlanStep) { s.Check = "SELECT 1 INTO x" }, "is not a query that reads"},
		"check is two":              {func(s *onward.PlanStep) { s.Check = "SELECT 1; SELECT 2" }, "is not one statement"},
		"check reads a file":        {func(s *onward.PlanStep) { s.Check = "SELECT pg_read_file('x')" }, "its check, or the condition"},
		"work is two":               {func(s *onward.PlanStep) { s.Backfill.Work = "SELECT 1; SELECT 2" }, "is not one statement"},
		"work drops":                {func(s *onward.PlanStep) { s.Backfill.Work = "DROP TABLE t" }, "does not change rows"},
		"work reads a file":         {func(s *onward.PlanStep) { s.Backfill.Work = "UPDATE t SET a = pg_read_file('x')" }, "the work of its backfill"},
		"failed ends the condition": {func(s *onward.PlanStep) { s.Backfill.Failed = "true; DROP TABLE t" }, "is not one statement"},
		"no failed":                 {func(s *onward.PlanStep) { s.Backfill.Failed = "" }, ""},
		"wrong ends the condition":  {func(s *onward.PlanStep) { s.Backfill.Compare[0].Wrong = "true; DROP TABLE t" }, "is not one statement"},
		"mend drops":                {func(s *onward.PlanStep) { s.Backfill.Compare[0].Mend = "DROP TABLE t" }, "does not change rows"},
		"no mend":                   {func(s *onward.PlanStep) { s.Backfill.Compare[0].Mend = "" }, ""},
	} {
		s := good()
		c.change(s)
		err := permit.CheckStep(s, s.Class)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	s := &onward.PlanStep{Class: onward.StepWork, SQL: "UPDATE t SET a = 1", Transaction: onward.TransactionNone}
	if err := permit.CheckStep(s, s.Class); err != nil {
		t.Errorf("work alone: %v", err)
	}
	s = &onward.PlanStep{Class: onward.StepConcurrent, SQL: "VACUUM t", Transaction: onward.TransactionNone}
	if err := permit.CheckStep(s, s.Class); err != nil {
		t.Errorf("concurrent: %v", err)
	}
}
